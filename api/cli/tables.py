"""The warehouse's answers as tables for people. Numbers become text in reports.format, here as there."""

from __future__ import annotations

from collections.abc import Sequence

from api.cli.output import Column, Table
from api.models import instant_text
from api.reading.statistics_json import relative_change
from reports import format as words
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics, Totals


def statistics_tables(found: Statistics, *, series: bool = True) -> list[Table]:
    """Totals against the period before, the steps, the workflows."""
    tables = [_totals(found)]
    if series:
        tables.append(_series(found))
    if found.workflows:
        tables.append(_workflows(found))
    return tables


def _totals(found: Statistics) -> Table:
    now, before = found.totals, found.previous
    rows: list[tuple[str, str, str, str]] = []

    def count(title: str, value: int, previous: int) -> None:
        rows.append((title, words.count(value), words.count(previous), _change(value, previous)))

    def seconds(title: str, value: float | None, previous: float | None) -> None:
        rows.append((title, words.duration(value), words.duration(previous), _change(value, previous)))

    count("executions", now.executions, before.executions)
    for status in ("success", "failed", "timeout", "cancelled", "queued", "running"):
        if now.by_status[status] or before.by_status[status] or status in ("success", "failed"):
            count(f"  {status}", now.by_status[status], before.by_status[status])
    rates = (now.success_rate, before.success_rate)
    points = None if None in rates else rates[0] - rates[1]  # type: ignore[operator]
    rows.append(("success rate", words.percent(rates[0]), words.percent(rates[1]), words.signed_points(points)))
    seconds("average time", now.avg_s, before.avg_s)
    seconds("p50", now.p50_s, before.p50_s)
    seconds("p95", now.p95_s, before.p95_s)
    seconds("p99", now.p99_s, before.p99_s)
    seconds("queue time", now.queue_avg_s, before.queue_avg_s)
    as_of = instant_text(found.as_of) if found.as_of else words.MISSING
    return Table(
        columns=(Column(""), Column("now", "right"), Column("before", "right"), Column("change", "right")),
        rows=rows,
        title=f"{found.period}: {words.date_range(found.since, found.until, found.timezone)} ({found.timezone})",
        notes=(f"before: the equal period up to {instant_text(found.since)}; newest record: {as_of}",),
    )


def _change(now: float | None, before: float | None) -> str:
    return words.signed_relative(relative_change(now, before))


def _series(found: Statistics) -> Table:
    rows = [
        (
            words.step(bucket.start, found.granularity, found.timezone),
            words.count(bucket.totals.executions),
            words.count(bucket.totals.successes),
            words.count(bucket.totals.failures),
            *_times(bucket.totals),
        )
        for bucket in found.buckets
    ]
    titles = ("executions", "successes", "failures", "avg", "p50", "p95", "p99")
    return Table(
        columns=(Column(found.granularity), *(Column(title, "right") for title in titles)),
        rows=rows,
        title=f"by {found.granularity}",
    )


def _workflows(found: Statistics) -> Table:
    rows = [
        (
            workflow.workflow_name or words.MISSING,
            workflow.workflow_id or words.MISSING,
            words.count(workflow.totals.executions),
            words.percent(workflow.totals.success_rate),
            *_times(workflow.totals),
            _change(workflow.totals.executions, workflow.previous.executions),
        )
        for workflow in found.workflows
    ]
    titles = ("executions", "success", "avg", "p50", "p95", "p99", "change")
    return Table(
        columns=(Column("workflow", wide=True), Column("id"), *(Column(title, "right") for title in titles)),
        rows=rows,
        title="by workflow",
        notes=cut_note(len(rows), found.workflows_total, "workflows"),
    )


def _times(totals: Totals) -> tuple[str, str, str, str]:
    return (
        words.duration(totals.avg_s),
        words.duration(totals.p50_s),
        words.duration(totals.p95_s),
        words.duration(totals.p99_s),
    )


def nodes_table(found: NodeStatistics, timezone: str) -> Table:
    """Bottlenecks."""
    rows = [
        (
            node.node_name or node.node_id,
            node.workflow_name or node.workflow_id or words.MISSING,
            words.count(node.runs),
            words.percent(node.execution_share),
            words.duration(node.total_s),
            words.duration(node.exclusive_s),
            words.percent(node.exclusive_share),
            words.percent(node.failure_rate),
            words.duration(node.p95_s),
        )
        for node in found.nodes
    ]
    titles = ("runs", "in", "total", "own time", "of all", "failed", "p95")
    return Table(
        columns=(
            Column("node", wide=True),
            Column("workflow", wide=True),
            *(Column(title, "right") for title in titles),
        ),
        rows=rows,
        title=f"nodes: {words.date_range(found.since, found.until, timezone)} ({timezone})",
        notes=cut_note(len(rows), found.nodes_total, "nodes"),
    )


def errors_table(found: ErrorStatistics, timezone: str) -> Table:
    """Error groups."""
    rows = [
        (
            words.count(group.executions),
            _change(group.executions, group.previous),
            "new" if group.is_new else "",
            group.error_type or words.MISSING,
            group.message or words.MISSING,
            words.short_instant(group.last_seen, timezone),
            group.sample_ids[0] if group.sample_ids else words.MISSING,
        )
        for group in found.groups
    ]
    return Table(
        columns=(
            Column("executions", "right"),
            Column("change", "right"),
            Column(""),
            Column("type"),
            Column("message", wide=True),
            Column("last seen"),
            Column("e.g."),
        ),
        rows=rows,
        title=f"errors: {words.date_range(found.since, found.until, timezone)} ({timezone})",
        notes=(
            *cut_note(len(rows), found.groups_total, "groups"),
            f"{words.plural(found.executions, 'execution')} did not succeed; `runlake show ID` tells all of one",
        ),
    )


def cut_note(shown: int, total: int, noun: str) -> Sequence[str]:
    """The line that says that there is more, and how to see it; none when all is shown."""
    if shown >= total:
        return ()
    return (f"{words.count(shown)} of {words.count(total)} {noun}; more with --limit {total}",)
