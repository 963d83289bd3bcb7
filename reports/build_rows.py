"""Rows of the page model from the rows of the warehouse's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports import compare
from reports import format as fmt
from reports.metrics import saved_s
from reports.model import ErrorRow, ErrorWorkflow, NodeRow, Point, StatusCounts, WorkflowRow
from reports.names import name_of, short
from warehouse.capacity_results import RetryStatistics
from warehouse.results import (
    Bucket,
    ErrorGroup,
    ErrorStatistics,
    NodeStatistics,
    NodeTotals,
    Statistics,
    Totals,
    WorkflowTotals,
)

MAX_WORKFLOWS = 100
MAX_NODES = 60
MAX_ERRORS = 30
"""Most rows of a table; the totals beside them say how many there are."""
MESSAGE_CHARS = 500
WORKFLOW_Z = 4.0
"""Stricter than for the whole: with many workflows one of them is always unusual."""


def point_of(bucket: Bucket) -> Point:
    """One step of the series."""
    totals = bucket.totals
    return Point(
        start=bucket.start,
        end=bucket.end,
        executions=totals.executions,
        by_status=StatusCounts(
            queued=totals.by_status["queued"],
            running=totals.by_status["running"],
            success=totals.by_status["success"],
            failed=totals.by_status["failed"],
            cancelled=totals.by_status["cancelled"],
            timeout=totals.by_status["timeout"],
        ),
        finished=totals.finished,
        failures=totals.failures,
        success_rate=totals.success_rate,
        p50_s=totals.p50_s,
        p95_s=totals.p95_s,
        p99_s=totals.p99_s,
    )


def workflow_rows(statistics: Statistics, series: Mapping[str | None, Sequence[int]]) -> tuple[WorkflowRow, ...]:
    """The MAX_WORKFLOWS workflows with the most run time, in that order."""
    first = sorted(
        statistics.workflows,
        key=lambda item: (-item.totals.total_s, -item.totals.executions, item.workflow_id or ""),
    )
    return tuple(_workflow_row(item, statistics.totals, series) for item in first[:MAX_WORKFLOWS])


def stopped(statistics: Statistics, before: Sequence[WorkflowTotals]) -> tuple[tuple[str, int], ...]:
    """Workflows of the period before that did not run in this one; none when the list of this one is capped."""
    if len(statistics.workflows) < statistics.workflows_total:
        return ()
    running = {item.workflow_id for item in statistics.workflows if item.totals.executions}
    return tuple(
        (name_of(item.workflow_name, item.workflow_id), item.totals.executions)
        for item in before
        if item.workflow_id not in running
    )


def _workflow_row(item: WorkflowTotals, all_: Totals, series: Mapping[str | None, Sequence[int]]) -> WorkflowRow:
    now, before = item.totals, item.previous
    slower = compare.time_changed(now.p95_s, before.p95_s, now.timed, before.timed)
    return WorkflowRow(
        workflow_id=item.workflow_id,
        name=name_of(item.workflow_name, item.workflow_id),
        executions=now.executions,
        share=now.executions / all_.executions if all_.executions else None,
        executions_change=compare.relative(now.executions, before.executions),
        failures=now.failures,
        success_rate=now.success_rate,
        success_change=compare.points(
            now.success_rate,
            before.success_rate,
            tell=compare.rate_changed(now, before, z=WORKFLOW_Z),
        ),
        avg_s=now.avg_s,
        p50_s=now.p50_s,
        p95_s=now.p95_s,
        p50_change=compare.relative(
            now.p50_s,
            before.p50_s,
            lower_is_better=True,
            tell=compare.time_changed(now.p50_s, before.p50_s, now.timed, before.timed),
        ),
        saved_s=saved_s(item),
        p95_change=compare.relative(now.p95_s, before.p95_s, lower_is_better=True, tell=slower),
        total_s=now.total_s,
        time_share=now.total_s / all_.total_s if all_.total_s else None,
        series=tuple(series.get(item.workflow_id, ())),
    )


def node_row(node: NodeTotals) -> NodeRow:
    """One row of the table of nodes."""
    return NodeRow(
        workflow_id=node.workflow_id,
        workflow_name=name_of(node.workflow_name, node.workflow_id),
        node_id=node.node_id,
        name=name_of(node.node_name, node.node_id),
        node_type=short(node.node_type),
        runs=node.runs,
        execution_share=node.execution_share,
        failures=node.failures,
        failure_rate=node.failure_rate,
        exclusive_s=node.exclusive_s,
        exclusive_share=node.exclusive_share,
        total_s=node.total_s,
        avg_s=node.avg_s,
        p95_s=node.p95_s,
    )


def node_names(nodes: NodeStatistics) -> dict[str, str]:
    """Names by node id, where an id has one name only (copied workflows share ids)."""
    names: dict[str, set[str]] = {}
    for node in nodes.nodes:
        if node.node_name:
            names.setdefault(node.node_id, set()).add(node.node_name)
    return {node_id: next(iter(found)) for node_id, found in names.items() if len(found) == 1}


def error_rows(
    errors: ErrorStatistics, names: Mapping[str, str], retries: RetryStatistics | None = None
) -> tuple[ErrorRow, ...]:
    """The MAX_ERRORS first error groups, new ones first, then the most executions."""
    rows = [_error_row(group, errors.executions, names, retries) for group in errors.groups]
    return tuple(sorted(rows, key=lambda row: (not row.is_new, -row.executions, row.fingerprint)))[:MAX_ERRORS]


def _error_row(
    group: ErrorGroup, unsuccessful: int, names: Mapping[str, str], retries: RetryStatistics | None
) -> ErrorRow:
    outcome = None if retries is None else retries.by_fingerprint.get(group.fingerprint)
    message = None if group.message is None else fmt.clean(group.message)
    return ErrorRow(
        fingerprint=group.fingerprint,
        error_type=short(group.error_type),
        message=None if message is None else message[:MESSAGE_CHARS],
        message_chars=len(message or ""),
        is_new=group.is_new,
        executions=group.executions,
        share=group.executions / unsuccessful if unsuccessful else None,
        previous=group.previous,
        change=compare.relative(group.executions, group.previous),
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        healed=None if outcome is None else outcome.healed,
        retried=None if outcome is None else outcome.retried,
        heal_s=None if outcome is None else outcome.heal_s,
        workflows=tuple(ErrorWorkflow(id_, name_of(name, id_), number) for id_, name, number in group.workflows),
        workflows_total=group.workflows_total,
        nodes=tuple(name_of(names.get(node), node) for node in group.nodes),
        sample_ids=tuple(name_of(None, id_) for id_ in group.sample_ids),
    )
