"""GET /: the report."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from api import questions
from api.routes.deps import FAILURES, OwnHouse, only_known_parameters
from api.selection import Selection
from reports.render import render

router = APIRouter(tags=["report"])

# Everything is inside the page; nothing may be fetched or sent from it.
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)


@router.get(
    "/",
    summary="The trend report",
    response_class=HTMLResponse,
    responses=FAILURES,
    dependencies=[Depends(only_known_parameters)],
)
def get_report(
    request: Request,
    house: OwnHouse,
    period: Annotated[str | None, Query(description="1h, 24h, 7d (default), 30d, 90d or 1y.")] = None,
    granularity: Annotated[str | None, Query(description="hour, day, week or month.")] = None,
    workflowId: Annotated[str | None, Query(description="Only this workflow.")] = None,  # noqa: N803 - the contract's
    timezone: Annotated[str | None, Query(description="IANA name.")] = None,
    since: Annotated[str | None, Query(description="First instant, instead of `period`.")] = None,
    until: Annotated[str | None, Query(description="First instant after the period, or `latest`.")] = None,
) -> HTMLResponse:
    """The report as one page, made now. Without parameters: the last 7 days, up to now; up to the newest record when
    there is nothing newer.
    """
    selection = Selection(
        period,
        since,
        until,
        granularity,
        workflowId,
        timezone=request.app.state.config.timezone if timezone is None else timezone,
    )
    page = render(questions.report(house, selection, fall_back_to_latest=True))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})
