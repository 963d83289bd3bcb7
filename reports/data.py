"""From an open warehouse to the page model: the queries of a report, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from reports.build import build
from reports.model import Filter, ReportModel
from warehouse import clock
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics, WorkflowTotals
from warehouse.statistics import StatisticsQuery

SERIES_WORKFLOWS = 24
"""Workflows with a sparkline: the ones with the most run time. Each costs one statistic."""


class Door(Protocol):
    """The three questions a report asks of a warehouse."""

    def statistics(self, query: StatisticsQuery, /) -> Statistics:
        """Counts and times."""

    def nodes(self, query: StatisticsQuery, /) -> NodeStatistics:
        """Where the time goes."""

    def errors(self, query: StatisticsQuery, /) -> ErrorStatistics:
        """Why things failed."""


def collect(
    warehouse: Door,
    query: StatisticsQuery,
    *,
    generated_at: datetime | None = None,
    title: str | None = None,
    generator: str = "runlake",
) -> ReportModel:
    """The page model of an overview report on what `query` selects.

    All answers are about the interval of the first one, so a period that ends now ends at the same instant in all.
    `generated_at` is now unless given. Raises what the warehouse raises, and BadInputError when the series has too many
    steps for a page. Cost: one statistic each for the period, the one before and SERIES_WORKFLOWS workflows, and one
    query of the nodes and of the errors.
    """
    statistics = warehouse.statistics(query)
    fixed = replace(query, since=statistics.since, until=statistics.until, granularity=statistics.granularity)
    before = warehouse.statistics(replace(fixed, since=statistics.previous_since, until=statistics.since))
    return build(
        statistics,
        warehouse.nodes(fixed),
        warehouse.errors(fixed),
        generated_at=clock.now() if generated_at is None else generated_at,
        filters=_filters(query, statistics.workflows),
        title=title,
        generator=generator,
        workflow_series=_series(warehouse, fixed, statistics.workflows),
        previous_workflows=before.workflows,
    )


def _filters(query: StatisticsQuery, workflows: Sequence[WorkflowTotals]) -> tuple[Filter, ...]:
    filters: list[Filter] = []
    if query.workflow_id is not None:
        names = {item.workflow_id: item.workflow_name for item in workflows}
        filters.append(Filter("workflow", names.get(query.workflow_id) or query.workflow_id))
    if query.statuses:
        filters.append(Filter("status", ", ".join(query.statuses)))
    if query.modes:
        filters.append(Filter("mode", ", ".join(query.modes)))
    return tuple(filters)


def _series(
    warehouse: Door, query: StatisticsQuery, workflows: Sequence[WorkflowTotals]
) -> dict[str | None, tuple[int, ...]]:
    """Executions of each step, of the workflows with the most run time."""
    first = sorted(workflows, key=lambda item: (-item.totals.total_s, item.workflow_id or ""))[:SERIES_WORKFLOWS]
    series: dict[str | None, tuple[int, ...]] = {}
    for item in first:
        if item.workflow_id is None:
            continue  # there is no way to ask for the executions without a workflow
        found = warehouse.statistics(replace(query, workflow_id=item.workflow_id, workflows_limit=0))
        series[item.workflow_id] = tuple(bucket.totals.executions for bucket in found.buckets)
    return series
