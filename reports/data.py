"""From an open warehouse to the page model: the queries of a report, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reports import comparison
from reports.build import build, check_steps
from reports.door import Door
from reports.error_report import make_error
from reports.gather import extras
from reports.model import Filter, ReportModel, Selection
from reports.names import name_of
from reports.request import KINDS, ReportRequest
from warehouse import clock
from warehouse.errors import BadInputError
from warehouse.period import CUSTOM, resolve_period
from warehouse.results import Statistics, WorkflowTotals
from warehouse.statistics import StatisticsQuery

MAX_WORKFLOWS = 10_000
"""Workflows that are asked for: the time saved is a sum over all of them."""


def make(
    house: Door, request: ReportRequest, *, generated_at: datetime | None = None, generator: str = "runlake"
) -> ReportModel:
    """The page model of the report that is asked for.

    All answers are about the interval of the first one, so a period that ends now ends at the same instant in all; give
    a pinned fork of a warehouse where records may arrive meanwhile. `generated_at` is now unless given. Raises what the
    warehouse raises, and BadInputError for a request that does not fit its kind or has too many steps for a page.
    """
    check(request)
    query = _query(request)
    statistics = house.statistics(query)
    check_steps(statistics)
    fixed = replace(query, since=statistics.since, until=statistics.until, granularity=statistics.granularity)
    now = clock.now() if generated_at is None else generated_at
    if request.kind == "error":
        return make_error(house, request, fixed, statistics, generated_at=now, generator=generator)
    other = _other_period(request, statistics)
    before = house.statistics(replace(fixed, since=other[0], until=other[1]))
    errors = house.errors(fixed)
    if request.kind == "comparison":
        statistics = comparison.against(statistics, before)
        errors = comparison.errors_against(errors, house.errors(replace(fixed, since=other[0], until=other[1])))
    return build(
        statistics,
        house.nodes(fixed),
        errors,
        generated_at=now,
        filters=filters_of(request, statistics.workflows),
        title=request.title or _title(request, statistics.workflows),
        generator=generator,
        kind=request.kind,
        selection=selection_of(request),
        public_url=request.public_url,
        extras=extras(house, fixed, statistics, before),
        previous_until=other[1],
    )


def _title(request: ReportRequest, workflows: Sequence[WorkflowTotals]) -> str | None:
    """Of a report on one workflow, its name."""
    if request.kind != "workflow":
        return None
    names = {item.workflow_id: item.workflow_name for item in workflows}
    return name_of(names.get(request.workflow_ids[0]), request.workflow_ids[0])


def _other_period(request: ReportRequest, statistics: Statistics) -> tuple[datetime, datetime]:
    """The period it is compared with."""
    if request.against_since is None or request.against_until is None:
        return statistics.previous_since, statistics.since
    window = resolve_period(CUSTOM, request.against_since, request.against_until, now=request.against_until)
    return window.since, window.until


def check(request: ReportRequest) -> None:
    """Raises BadInputError when the request lacks what its kind needs."""
    if request.kind not in KINDS:
        raise BadInputError(
            f"unknown kind {request.kind!r}; allowed: {', '.join(KINDS)}", field="kind", value=request.kind
        )
    if request.kind == "workflow" and len(request.workflow_ids) != 1:
        raise BadInputError(
            f"a report of the kind workflow is about one workflow, not {len(request.workflow_ids)}; name it",
            field="workflow",
        )
    if request.kind == "error" and not request.fingerprint:
        raise BadInputError(
            "a report of the kind error is about one error group; give its fingerprint (see `runlake errors`)",
            field="fingerprint",
        )
    if request.kind != "comparison" and (request.against_since or request.against_until):
        raise BadInputError(
            f"a report of the kind {request.kind} has no other period; ask for the kind comparison",
            field="against_since",
        )
    if (request.against_since is None) != (request.against_until is None):
        raise BadInputError(
            "the period to compare with needs both ends: against_since and against_until", field="against_since"
        )


def _query(request: ReportRequest) -> StatisticsQuery:
    return StatisticsQuery(
        period=request.period,
        since=request.since,
        until=request.until,
        granularity=request.granularity,
        workflow_ids=request.workflow_ids,
        statuses=request.statuses,
        modes=request.modes,
        timezone=request.timezone,
        workflows_limit=MAX_WORKFLOWS,
    )


def filters_of(request: ReportRequest, workflows: Sequence[WorkflowTotals]) -> tuple[Filter, ...]:
    """What the page says it is restricted to."""
    filters: list[Filter] = []
    if request.workflow_ids:
        names = {item.workflow_id: item.workflow_name for item in workflows}
        filters.append(Filter("workflow", ", ".join(name_of(names.get(one), one) for one in request.workflow_ids)))
    if request.fingerprint and request.kind == "error":
        filters.append(Filter("error group", request.fingerprint))
    if request.statuses:
        filters.append(Filter("status", ", ".join(request.statuses)))
    if request.modes:
        filters.append(Filter("mode", ", ".join(request.modes)))
    return tuple(filters)


def selection_of(request: ReportRequest) -> Selection:
    """What its links select."""
    fingerprint = request.fingerprint if request.kind == "error" else None
    return Selection(request.workflow_ids, request.statuses, request.modes, fingerprint)
