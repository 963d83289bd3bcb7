"""What the overview and the pages of workflows share: a report on current data with choosers and what goes on now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.auth import Principal
from api.edge.gone import stopped_when_gone
from api.pages.accept import wants_page
from api.pages.choices import Chooser, timezones
from api.pages.going_on import Panel, going_on
from api.pages.list_words import address
from api.pages.rendering import POLICY_OF_CHARTS, render
from api.reading import questions
from api.reading.etag import FRESHNESS, Kept, kept_or_made, tag_of
from api.reading.selection import Selection
from reports.request import ReportRequest
from warehouse import Warehouse
from warehouse.clock import now

PERIODS: Final = ("1h", "24h", "7d", "30d", "90d", "1y")
DEFAULT_PERIOD: Final = questions.REPORT_PERIOD
PART: Final = "X-Runlake-Part"
"""The script of a page asks for a part of it: `now`."""
_PART_NOW: Final = "now"


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One page of this kind."""

    about: ReportRequest
    selection: Selection
    path: str
    workflow_id: str | None = None
    """The page of this workflow. None: the overview."""


def report_page(request: Request, principal: Principal, shown: ReportPage) -> Response:
    """The page, its part, or 304 when the browser has it already."""
    if wants_page(request.scope) and any(not value for _, value in request.query_params.multi_items()):
        given = {name: value for name, value in request.query_params.multi_items() if value}
        return RedirectResponse(address(request.url.path, given), 303)  # a form sends the empty fields too
    opened: Warehouse = request.app.state.house
    with opened.fork(pinned=True, details=True) as still, stopped_when_gone(request, still.interrupt):
        part = request.headers.get(PART, "")
        scopes = ",".join(sorted(principal.scopes))
        tag = tag_of(request, principal, still.snapshot(), moving=True, more=f"{principal.name}\1{scopes}\1{part}")
        make = _now_part if part == _PART_NOW else _whole
        kept = kept_or_made(request, tag, lambda: Kept(make(request, principal, shown, still).encode()))
    headers = {**FRESHNESS, "ETag": tag, "Vary": f"Accept, Cookie, {PART}", "Content-Security-Policy": POLICY_OF_CHARTS}
    if kept is None:
        return Response(status_code=304, headers=headers)
    return Response(kept.content, media_type="text/html; charset=utf-8", headers=headers)


def _now_part(request: Request, principal: Principal, shown: ReportPage, house: Warehouse) -> str:
    at = now()
    panel = _panel(principal, shown, house)
    return render(request, "now.html.j2", principal=principal, now=at, panel=panel)


def _whole(request: Request, principal: Principal, shown: ReportPage, house: Warehouse) -> str:
    from reports.render import content

    chooser: Chooser = request.app.state.chooser
    model = questions.report(
        house, shown.selection, about=replace(shown.about, public_url=""), fall_back_to_latest=True
    )
    selection = shown.selection
    return render(
        request,
        "overview.html.j2",
        principal=principal,
        now=now(),
        path=shown.path,
        content=content(model),
        workflow_id=shown.workflow_id,
        panel=_panel(principal, shown, house),
        periods=[(word, _changed(request, shown.path, period=word)) for word in PERIODS],
        period=None if selection.since or selection.until else selection.period or DEFAULT_PERIOD,
        timezone=selection.timezone,
        timezones=timezones(),
        workflows=chooser.workflows(house, principal),
        chosen=selection.workflow_ids,
        given=_kept_fields(request),
    )


def _panel(principal: Principal, shown: ReportPage, house: Warehouse) -> Panel | None:
    """None: it may not see executions."""
    if not principal.may("executions:read"):
        return None
    asked = () if shown.workflow_id is None else (shown.workflow_id,)
    return going_on(house, questions.visible_workflows(asked, principal), shown.workflow_id, now())


def _changed(request: Request, path: str, **change: str) -> str:
    """This address with another period; a period given by its ends goes."""
    given = {
        name: value
        for name, value in request.query_params.multi_items()
        if name not in ("since", "until", "granularity") and value
    }
    return address(path, {**given, **change})


def _kept_fields(request: Request) -> dict[str, str]:
    """What the form carries on without showing it."""
    shown = ("timezone", "workflowId")
    return {name: value for name, value in request.query_params.multi_items() if name not in shown and value}
