"""The warehouse's answers as tables for people. Numbers become text in reports.format, here as there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.cli.output import Column, Table, show, show_json
from api.models import instant_text, relative_change
from ingest.quarantine import Entry, Group
from reports import format as words
from warehouse.listing import Detail, ListPage
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics, Totals
from warehouse.schema import TABLES, column_docs


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
        notes=_cut(len(rows), found.workflows_total, "workflows"),
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
        notes=_cut(len(rows), found.nodes_total, "nodes"),
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
            *_cut(len(rows), found.groups_total, "groups"),
            f"{words.plural(found.executions, 'execution')} did not succeed; `runlake show ID` tells all of one",
        ),
    )


def executions_table(page: ListPage, timezone: str) -> Table:
    """A list, newest first."""
    rows = [
        (
            row["id"],
            row["workflow_name"] or row["workflow_id"] or words.MISSING,
            row["status"],
            row["mode"],
            words.short_instant(row["started_at"] or row["created_at"], timezone),
            words.duration(row["duration_s"]),
            row["error_message"] or row["error_type"] or "",
        )
        for row in page.records()
    ]
    columns = (
        Column("id"),
        Column("workflow", wide=True),
        Column("status"),
        Column("mode"),
        Column(f"started ({timezone})"),
        Column("took", "right"),
        Column("error", wide=True),
    )
    notes = _cut(len(rows), page.total, "executions") if page.total is not None else ()
    return Table(columns, rows, notes=notes)


def execution_tables(found: Detail, timezone: str, *, with_data: bool) -> list[Table]:
    """One execution: what is known of it, its nodes in order, its log, its data."""
    fields = [(name, _text(value, timezone)) for name, value in found.record().items() if value is not None]
    hidden = {"date", "nodes_rank", "nodes_hash", "payloads_rank", "payloads_hash"}
    tables = [Table((Column("field"), Column("value", wide=True)), [one for one in fields if one[0] not in hidden])]
    nodes = [
        (
            row["node_name"] or row["node_id"],
            str(row["run_index"]),
            row["status"],
            words.MISSING if row["started_at"] is None else words.short_instant(row["started_at"], timezone),
            words.duration(row["duration_s"]),
            words.count(row["items_out"]),
            row["error_message"] or row["error_type"] or "",
        )
        for row in found.node_runs.to_pylist()
    ]
    if nodes:
        columns = (Column("node", wide=True), Column("run", "right"), Column("status"), Column("started"))
        more = (Column("took", "right"), Column("items", "right"), Column("error", wide=True))
        tables.append(Table((*columns, *more), nodes, title="nodes"))
    logs = [(instant_text(row["logged_at"]), row["level"], row["message"]) for row in found.logs.to_pylist()]
    if logs:
        tables.append(Table((Column("at"), Column("level"), Column("message", wide=True)), logs, title="log"))
    if with_data:
        data = [
            (row["node_id"] or "", str(row["run_index"]), row["kind"], row["data"])
            for row in found.payloads.to_pylist()
        ]
        columns = (Column("node"), Column("run", "right"), Column("kind"), Column("data", wide=True))
        tables.append(
            Table(columns, data, title="data", notes=() if data else ("no inputs or outputs are kept of it",))
        )
    return tables


def _text(value: object, timezone: str) -> str:
    if isinstance(value, datetime):
        return f"{instant_text(value)} ({words.instant(value, timezone)})"
    return str(value)


def show_schema(*, as_json: bool) -> None:
    """Every column of the four tables: type, whether it may be NULL, what it means."""
    columns = {table: column_docs(table) for table in TABLES}
    if as_json:
        names = ("column", "type", "nullable", "meaning")
        show_json({table: [dict(zip(names, one, strict=True)) for one in docs] for table, docs in columns.items()})
        return
    titles = (Column("column"), Column("type"), Column("null"), Column("meaning", wide=True))
    show(
        *(
            Table(titles, [(name, kind, "yes" if null else "", doc) for name, kind, null, doc in docs], title=table)
            for table, docs in columns.items()
        )
    )


def _cut(shown: int, total: int, noun: str) -> Sequence[str]:
    if shown >= total:
        return ()
    return (f"{words.count(shown)} of {words.count(total)} {noun}; more with --limit {total}",)


def groups_table(groups: Sequence[Group], groups_total: int, records_total: int) -> Table:
    """Rejected records by file, field and reason."""
    rows = [
        (words.count(one.count), one.file, str(one.first_line_no), one.field or words.MISSING, one.reason)
        for one in groups
    ]
    columns = (
        Column("records", "right"),
        Column("file", wide=True),
        Column("first line", "right"),
        Column("field"),
        Column("reason", wide=True),
    )
    notes = (
        *_cut(len(rows), groups_total, "groups"),
        f"{words.plural(records_total, 'record')} in quarantine; their text: runlake quarantine list --records --json",
    )
    return Table(columns, rows, notes=notes)


def entries_table(entries: Sequence[Entry], total: int) -> Table:
    """Rejected records one by one."""
    rows = [
        (
            one.file,
            str(one.line_no),
            one.field or words.MISSING,
            one.reason,
            words.MISSING if one.value is None else one.value,
        )
        for one in entries
    ]
    columns = (
        Column("file", wide=True),
        Column("line", "right"),
        Column("field"),
        Column("reason", wide=True),
        Column("value", wide=True),
    )
    return Table(columns, rows, notes=_cut(len(rows), total, "records"))


def entry_json(entry: Entry) -> dict[str, object]:
    """One rejected record for programs; bytes that are no UTF-8 are shown as escapes."""
    return {
        "file": entry.file,
        "line": entry.line_no,
        "index": entry.index,
        "format": entry.format,
        "field": entry.field,
        "reason": entry.reason,
        "value": entry.value,
        "rejectedAt": instant_text(entry.rejected_at),
        "raw": entry.raw.decode("utf-8", "backslashreplace"),
    }
