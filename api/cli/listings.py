"""Single executions, columns and rejected records as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.cli.output import Column, Table, show, show_json
from api.cli.tables import cut_note
from api.models import instant_text
from ingest.quarantine import Entry, Group
from reports import format as words
from warehouse.listing import Detail, ListPage
from warehouse.schema import TABLES, column_docs


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
    notes = cut_note(len(rows), page.total, "executions") if page.total is not None else ()
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
        *cut_note(len(rows), groups_total, "groups"),
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
    return Table(columns, rows, notes=cut_note(len(rows), total, "records"))


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
