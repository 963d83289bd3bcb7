"""GET /executions: the list, filtered, sorted and walked exactly as GET /v1/executions is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.pages.accept import PageRoute
from api.pages.choices import Chooser, WorkflowChoices
from api.pages.list_words import LIMITS, ListWords, address, is_plain, list_words
from api.pages.readers import PageAsker
from api.pages.rendering import STATUS_WORDS, page
from api.pages.rows import row_of
from api.reading.executions import executions_page
from api.reading.selection import DATE_RANGES, parse_instant
from api.routes.deps import OwnHouse
from reports import format as fmt
from warehouse.clock import now
from warehouse.schema import MODES, UNSUCCESSFUL

router = APIRouter(include_in_schema=False, route_class=PageRoute)

RANGE_WORDS: Final = {"1d": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days"}
_ORDERS: Final = {
    "-startedAt": "newest first",
    "startedAt": "oldest first",
    "-duration": "longest first",
    "duration": "shortest first",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that holds, and the address without it."""

    label: str
    value: str
    without: str


@router.get("/executions")
def get_executions(request: Request, asker: PageAsker, house: OwnHouse) -> Response:
    """The page; an address with empty parameters, as forms send them, leads to the one without."""
    asked = request.query_params.multi_items()
    said = list_words(asked)
    if not is_plain(asked, said):
        return RedirectResponse(address("/executions", said.given), 303)
    question = said.question()
    with house.fork(pinned=True) as still:
        found = executions_page(still, asker, question)
    at = now()
    rows = [row_of(one, at) for one in found["data"]]
    chooser: Chooser = request.app.state.chooser
    workflows = chooser.workflows(house, asker.principal)
    pagination = found["pagination"]
    return page(
        request,
        "executions.html.j2",
        principal=asker.principal,
        now=at,
        said=said,
        rows=rows,
        total=pagination["total"],
        order=_ORDERS[said.sort],
        range_words=RANGE_WORDS.get(said.get("filter[dateRange]"), ""),
        next_url=said.url(cursor=pagination["nextCursor"]) if pagination["hasMore"] else None,
        chips=_chips(said, workflows, asker.timezone),
        workflows=workflows,
        statuses=STATUS_WORDS,
        modes=MODES,
        ranges=[word for word in DATE_RANGES if word != "custom"],
        limits=LIMITS,
        dates={name: _local(said.get(f"filter[{name}]"), asker.timezone) for name in ("startDate", "endDate")},
        shortcuts=_shortcuts(said),
        live_query=_live_query(said),
        may_control=asker.principal.may("executions:control"),
    )


def _shortcuts(said: ListWords) -> list[tuple[str, str, bool]]:
    """(label, address, whether it is the one that is shown) of the questions that people ask most."""
    chosen = [
        ("All", ""),
        ("Running", "queued,running"),
        ("Unsuccessful", ",".join(UNSUCCESSFUL)),
        ("Success", "success"),
    ]
    shown = frozenset(said.several("filter[status]"))
    return [
        (label, said.url(status=statuses), shown == frozenset(filter(None, statuses.split(","))))
        for label, statuses in chosen
    ]


def _chips(said: ListWords, workflows: WorkflowChoices, zone: str) -> list[Chip]:
    """Every filter that holds, in words."""
    found: list[Chip] = []

    def add(name: str, label: str, value: str) -> None:
        found.append(Chip(label, value, said.url(**{name: ""})))

    for name, label in (("status", "Status"), ("mode", "Mode"), ("errorType", "Error class")):
        if several := said.several(f"filter[{name}]"):
            add(name, label, ", ".join(STATUS_WORDS.get(one, one) if name == "status" else one for one in several))
    if ids := said.several("filter[workflowId]"):
        add("workflowId", "Workflow", ", ".join(map(workflows.name, ids)))
    if (word := said.get("filter[dateRange]")) and word != "custom":
        add("dateRange", "Started in", RANGE_WORDS.get(word, word))
    for name, label in (("startDate", "From"), ("endDate", "Until before")):
        if text := said.get(f"filter[{name}]"):
            add(name, label, fmt.instant(parse_instant(f"filter[{name}]", text, zone), zone))
    if text := said.get("filter[minDuration]"):
        add("minDuration", "At least", fmt.duration(float(text)))
    for name, label in (("error", "Error text"), ("fingerprint", "Error group"), ("retryOf", "Retries of")):
        if text := said.get(f"filter[{name}]"):
            add(name, label, text)
    return found


def _local(text: str, zone: str) -> str:
    """An instant as a field for date and time wants it, in the time zone of the page."""
    if not text:
        return ""
    at: datetime = parse_instant("filter", text, zone).astimezone(ZoneInfo(zone))
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def _live_query(said: ListWords) -> str:
    """What the script asks the API to learn how many match by now; empty: this page does not grow at its top."""
    if said.get("cursor") or said.sort != "-startedAt":
        return ""
    return address("/v1/executions", {**said.filters, "limit": "1"})
