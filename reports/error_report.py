"""A report about one error group: when, where and how often it failed, and whether a retry helped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reports import build_rows, compare, gather, heat, incidents, summaries_error
from reports.build import TITLES
from reports.door import Door
from reports.glossary import GLOSSARY
from reports.model import (
    MODEL_VERSION,
    Change,
    ErrorRow,
    Filter,
    Metric,
    Point,
    ReportModel,
    RetryTotals,
    Selection,
    StatusCounts,
)
from reports.names import name_of
from reports.request import ReportRequest
from warehouse.capacity_results import Occurrence
from warehouse.results import Bucket, NodeStatistics, Statistics, Totals
from warehouse.schema import STATUSES, UNSUCCESSFUL
from warehouse.statistics import StatisticsQuery

MAX_GROUPS = 100_000
"""Groups that are asked for, to find the one that is meant among them."""


def make_error(
    house: Door,
    request: ReportRequest,
    query: StatisticsQuery,
    statistics: Statistics,
    *,
    generated_at: datetime,
    generator: str,
) -> ReportModel:
    """The page model; a group without an execution in the period gives a report that says so."""
    fingerprint = request.fingerprint or ""
    errors = house.errors(replace(query, workflows_limit=MAX_GROUPS))
    errors = replace(errors, groups=tuple(group for group in errors.groups if group.fingerprint == fingerprint))
    retries = house.retries(query)
    nodes = NodeStatistics(statistics.since, statistics.until, (), 0, statistics.as_of, statistics.lake_version)
    rows = build_rows.error_rows(errors, build_rows.node_names(nodes), retries)
    steps = [bucket.start for bucket in statistics.buckets] + [statistics.until]
    points = _points(statistics.buckets, house.occurrences(query, fingerprint, steps))
    hourly = gather.hours(house, query, statistics)
    cells = heat.cells(_hours(house, query, hourly, fingerprint), statistics.timezone)
    facts = summaries_error.ErrorFacts(
        statistics, points, incidents.find(points), rows[0] if rows else None, errors, _retry_totals(rows), cells
    )
    return _model(request, facts, generated_at, generator)


def _model(
    request: ReportRequest, facts: summaries_error.ErrorFacts, generated_at: datetime, generator: str
) -> ReportModel:
    statistics, rows = facts.statistics, () if facts.row is None else (facts.row,)
    filters = [Filter("error group", request.fingerprint or "")]
    if request.workflow_ids:
        names = {item.workflow_id: item.workflow_name for item in statistics.workflows}
        filters.append(Filter("workflow", ", ".join(name_of(names.get(one), one) for one in request.workflow_ids)))
    filters += [Filter(name, ", ".join(words)) for name, words in _words(request) if words]
    return ReportModel(
        model_version=MODEL_VERSION,
        kind="error",
        title=request.title or summaries_error.title(facts) or TITLES["error"],
        period=statistics.period,
        granularity=statistics.granularity,
        timezone=statistics.timezone,
        since=statistics.since,
        until=statistics.until,
        previous_since=statistics.previous_since,
        previous_until=statistics.since,
        filters=tuple(filters),
        selection=Selection(request.workflow_ids, request.statuses or UNSUCCESSFUL, request.modes, request.fingerprint),
        public_url=request.public_url,
        as_of=statistics.as_of,
        lake_version=statistics.lake_version,
        generated_at=generated_at,
        generator=generator,
        verdict=summaries_error.verdict(facts),
        headline=summaries_error.headline(facts),
        metrics=_metrics(facts),
        points=tuple(facts.points),
        incidents=tuple(facts.incidents),
        regressions=(),
        improvements=(),
        regressions_tested=0,
        heat=tuple(facts.heat),
        retries=facts.retries,
        capacity=(),
        capacity_before=None,
        sections=summaries_error.sections(facts),
        workflows=(),
        workflows_total=len(statistics.workflows),
        nodes=(),
        nodes_total=0,
        errors=rows,
        errors_total=len(rows),
        errors_executions=facts.errors.executions,
        glossary=GLOSSARY,
    )


def _words(request: ReportRequest) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("status", request.statuses), ("mode", request.modes)


def _points(buckets: Sequence[Bucket], found: Sequence[Occurrence]) -> tuple[Point, ...]:
    """The series of the group alone: its executions are all failures."""
    counts: list[Counter[str]] = [Counter() for _ in buckets]
    for one in found:
        counts[one.step][one.status] += one.executions
    return tuple(
        Point(
            start=bucket.start,
            end=bucket.end,
            executions=sum(count.values()),
            by_status=StatusCounts(**{status: count[status] for status in STATUSES}),
            finished=sum(count.values()),
            failures=sum(count.values()),
            success_rate=None,
            p50_s=None,
            p95_s=None,
            p99_s=None,
        )
        for bucket, count in zip(buckets, counts, strict=True)
    )


def _hours(house: Door, query: StatisticsQuery, hourly: Sequence[Bucket], fingerprint: str) -> list[Bucket]:
    """The period by the hour, of the group alone."""
    if not hourly:
        return []
    ends = [bucket.start for bucket in hourly] + [hourly[-1].end]
    counts = [0] * len(hourly)
    for one in house.occurrences(query, fingerprint, ends):
        counts[one.step] += one.executions
    return [replace(bucket, totals=_failed(bucket.totals, count)) for bucket, count in zip(hourly, counts, strict=True)]


def _failed(totals: Totals, count: int) -> Totals:
    by_status: dict[str, int] = {status: count if status == "failed" else 0 for status in STATUSES}
    return replace(totals, executions=count, successes=0, failures=count, by_status=by_status)


def _retry_totals(rows: Sequence[ErrorRow]) -> RetryTotals | None:
    if not rows or rows[0].healed is None:
        return None
    row = rows[0]
    healed, retried = row.healed or 0, row.retried or 0
    return RetryTotals(row.executions, healed, retried, row.executions - healed - retried, row.heal_s, 0)


def _metrics(facts: summaries_error.ErrorFacts) -> tuple[Metric, ...]:
    row, series = facts.row, tuple(point.executions for point in facts.points)
    now, before = (row.executions, row.previous) if row else (0, 0)
    told = max(now, before) >= compare.RATE_MIN_FINISHED
    none = Change("relative", None, None, "neutral", "in the whole period")
    found = [
        Metric(
            "executions",
            "Failures of this group",
            "count",
            now,
            before,
            compare.relative(now, before, lower_is_better=True, tell=told),
            None,
            series,
        ),
        Metric("share", "Of all failures", "ratio", row.share if row else None, None, none, "nothing failed", ()),
        Metric("workflows", "Workflows concerned", "count", row.workflows_total if row else 0, None, none, None, ()),
    ]
    if facts.retries is not None:
        still = facts.retries.failures - facts.retries.healed
        found.append(Metric("still_failing", "Still failing", "count", still, None, none, None, ()))
    return tuple(found)
