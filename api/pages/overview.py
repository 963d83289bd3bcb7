"""GET /: the live overview, a report on current data with what runs and fails now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.models import InstantWord
from api.pages.readers import ReportReader
from api.pages.report_page import ReportPage, report_page
from api.reading import questions
from api.reading.selection import Selection
from api.routes.deps import failures, only_known_parameters
from api.routes.parameters import GranularityWord, PeriodWord, SomeWords, Timezone, UntilWord
from reports.request import ReportRequest

router = APIRouter(tags=["report"])


@router.get(
    "/",
    summary="The live overview",
    response_class=HTMLResponse,
    responses=failures(page=True),
    dependencies=[Depends(only_known_parameters)],
)
def get_overview(
    request: Request,
    principal: ReportReader,
    period: Annotated[PeriodWord | None, Query(description="1h, 24h, 7d (default), 30d, 90d or 1y.")] = None,
    granularity: Annotated[GranularityWord | None, Query(description="hour, day, week or month.")] = None,
    workflowId: Annotated[  # noqa: N803 - the contract's
        list[SomeWords] | None, Query(description="Only these workflows; comma or repeated.")
    ] = None,
    timezone: Timezone = None,
    since: Annotated[InstantWord | None, Query(description="First instant, instead of `period`.")] = None,
    until: Annotated[UntilWord | None, Query(description="First instant after the period, or `latest`.")] = None,
) -> Response:
    """The report as one page, made now. Without parameters: the last 7 days, up to now; up to the newest record when
    there is nothing newer. A browser without a session is shown the page to sign in.
    """
    selection = Selection(
        period,
        since,
        until,
        granularity,
        workflow_ids=questions.words("workflowId", [one for one in workflowId or () if one]),
        timezone=timezone or request.app.state.config.timezone,
        visible=principal.workflows(),
    )
    return report_page(request, principal, ReportPage(ReportRequest(), selection, "/"))
