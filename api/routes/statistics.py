"""GET /v1/executions/statistics, /v1/executions/statistics/nodes and /v1/executions/statistics/errors."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.models import InstantWord, examples
from api.models.statistics import ErrorsModel, NodesModel, StatisticsModel
from api.reading import questions
from api.reading.etag import answered
from api.reading.selection import Selection
from api.reading.statistics_json import errors_json, nodes_json, statistics_json
from api.routes.asking import NOT_MODIFIED, Asking
from api.routes.deps import failures
from api.routes.parameters import (
    GranularityWord,
    ModeWords,
    PeriodWord,
    SomeWords,
    StatusWords,
    Timezone,
    UntilWord,
    only_known_parameters,
)

router = APIRouter(tags=["statistics"])

Period = Annotated[
    PeriodWord | None,
    Query(description="1h, 24h (default), 7d, 30d, 90d or 1y, up to `until`.", examples=["24h"]),
]
WorkflowIds = Annotated[
    list[SomeWords] | None, Query(alias="workflowId", description="Only these workflows; comma or repeated.")
]
Since = Annotated[
    InstantWord | None, Query(description="First instant, instead of `period`: a date or ISO 8601 instant.")
]
Until = Annotated[
    UntilWord | None,
    Query(
        description="First instant after the period: a date, an ISO 8601 instant, or `latest` for just after the "
        "newest record. Default: now."
    ),
]


@router.get(
    "/executions/statistics",
    summary="Get execution statistics",
    response_model=StatisticsModel,
    responses={**failures(), **NOT_MODIFIED, 200: examples.of("statistics")},
    dependencies=[Depends(only_known_parameters)],
)
def get_statistics(
    request: Request,
    asker: Asking,
    period: Period = None,
    granularity: Annotated[
        GranularityWord | None,
        Query(description="hour, day, week or month (or minute); without it what suits the period.", examples=["hour"]),
    ] = None,
    workflow_id: WorkflowIds = None,
    status: Annotated[
        list[StatusWords] | None,
        Query(
            description="Only these statuses: queued, running, success, failed, cancelled, timeout; comma or repeated."
        ),
    ] = None,
    mode: Annotated[
        list[ModeWords] | None,
        Query(description="Only these modes: manual, trigger, webhook, scheduled, retry; comma or repeated."),
    ] = None,
    timezone: Timezone = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, Query(ge=1, le=1000, description="Most workflows in byWorkflow; byWorkflowTotal says how many there are.")
    ] = 100,
) -> Response:
    """Totals, series, workflows and percentiles of a period, compared with the equal period before.

    An execution belongs to the instant it started (else: was created). Periods are [since, until). The ETag of a period
    up to now holds for the running minute, and only while no record changes.
    """
    selection = Selection(
        period,
        since,
        until,
        granularity,
        statuses=tuple(status or ()),
        modes=tuple(mode or ()),
        timezone=asker.timezone if timezone is None else timezone,
        limit=limit,
        workflow_ids=questions.words("workflowId", workflow_id),
        visible=asker.principal.workflows(),
    )
    return answered(
        request,
        asker.principal,
        lambda house: statistics_json(questions.statistics(house, selection)),
        moving=selection.until is None,
    )


def _ranked(
    asker: Asking,
    period: Period = None,
    workflow_id: WorkflowIds = None,
    timezone: Timezone = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most entries; `total` says how many there are.")] = 50,
) -> Selection:
    """What the ranked lists (nodes, error groups) can be asked."""
    return Selection(
        period,
        since,
        until,
        timezone=asker.timezone if timezone is None else timezone,
        limit=limit,
        workflow_ids=questions.words("workflowId", workflow_id),
        visible=asker.principal.workflows(),
    )


Ranked = Annotated[Selection, Depends(_ranked)]


@router.get(
    "/executions/statistics/nodes",
    summary="Get statistics of nodes",
    response_model=NodesModel,
    responses={**failures(), **NOT_MODIFIED},
    dependencies=[Depends(only_known_parameters)],
)
def get_nodes(request: Request, asker: Asking, selection: Ranked) -> Response:
    """Where the time goes: the nodes of a period, those with most time of their own first."""
    return answered(
        request,
        asker.principal,
        lambda house: nodes_json(questions.nodes(house, selection)),
        moving=selection.until is None,
    )


@router.get(
    "/executions/statistics/errors",
    summary="Get statistics of errors",
    response_model=ErrorsModel,
    responses={**failures(), **NOT_MODIFIED},
    dependencies=[Depends(only_known_parameters)],
)
def get_errors(request: Request, asker: Asking, selection: Ranked) -> Response:
    """Why executions fail: the groups of like errors of a period, those with most executions first."""
    return answered(
        request,
        asker.principal,
        lambda house: errors_json(questions.errors(house, selection)),
        moving=selection.until is None,
    )
