"""GET /v1/executions/statistics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api import questions
from api.models import StatisticsModel, statistics_model
from api.routes.deps import FAILURES, OwnHouse, only_known_parameters
from api.selection import Selection

router = APIRouter(tags=["statistics"])


@router.get(
    "/executions/statistics",
    summary="Get execution statistics",
    response_model=StatisticsModel,
    responses=FAILURES,
    dependencies=[Depends(only_known_parameters)],
)
def get_statistics(
    request: Request,
    house: OwnHouse,
    period: Annotated[
        str | None,
        Query(description="1h, 24h (default), 7d, 30d, 90d or 1y, up to `until`.", examples=["24h"]),
    ] = None,
    granularity: Annotated[
        str | None,
        Query(description="hour, day, week or month; without it what suits the period.", examples=["hour"]),
    ] = None,
    workflowId: Annotated[str | None, Query(description="Only this workflow.")] = None,  # noqa: N803 - the contract's
    status: Annotated[
        list[str] | None,
        Query(
            description="Only these statuses: queued, running, success, failed, cancelled, timeout; comma or repeated."
        ),
    ] = None,
    mode: Annotated[
        list[str] | None,
        Query(description="Only these modes: manual, trigger, webhook, scheduled, retry; comma or repeated."),
    ] = None,
    timezone: Annotated[
        str | None, Query(description="IANA name: where days, weeks and months begin. Default: the server's.")
    ] = None,
    since: Annotated[
        str | None, Query(description="First instant, instead of `period`: a date or ISO 8601 instant.")
    ] = None,
    until: Annotated[
        str | None,
        Query(
            description="First instant after the period: a date, an ISO 8601 instant, or `latest` for just after the "
            "newest record. Default: now."
        ),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=1000, description="Most workflows in byWorkflow; byWorkflowTotal says how many there are.")
    ] = 100,
) -> StatisticsModel:
    """Totals, series, workflows and percentiles of a period, compared with the equal period before.

    An execution belongs to the instant it started (else: was created). Periods are [since, until).
    """
    selection = Selection(
        period,
        since,
        until,
        granularity,
        workflowId,
        tuple(status or ()),
        tuple(mode or ()),
        request.app.state.config.timezone if timezone is None else timezone,
        limit,
    )
    return statistics_model(questions.statistics(house, selection))
