"""What hangs on executions that are known already: of a whole page at once, and log lines a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import pyarrow as pa

from warehouse.duck import Session, read_sql
from warehouse.errors import BadInputError
from warehouse.scan import attach_files
from warehouse.schema import LOG_LEVELS, SCHEMAS, LogLevel, TableName
from warehouse.snapshot import DataFile, Snapshot

MAX_LOG_LINES: Final = 10_000

LogKey = tuple[datetime, int]
"""Where a page of lines ended: (logged_at, seq) of its last one."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines of an execution's log."""

    level: LogLevel = "debug"
    """This level and those above it."""
    node_id: str | None = None
    """Only what this node wrote. None: all lines."""
    limit: int = 100
    """Lines of a page, 1..10000."""
    after: LogKey | None = None
    """`next_key` of the page before; None: the first page."""

    def __post_init__(self) -> None:
        if self.level not in LOG_LEVELS:
            raise BadInputError(
                f"level {self.level!r} is unknown; allowed: {', '.join(LOG_LEVELS)}", field="level", value=self.level
            )
        if not 1 <= self.limit <= MAX_LOG_LINES:
            raise BadInputError(
                f"limit is {self.limit}; allowed: 1 to {MAX_LOG_LINES}", field="limit", value=self.limit
            )


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of an execution's log."""

    rows: pa.Table
    """Schema of `logs`, oldest first."""
    next_key: LogKey | None
    """`after` of the next page. None: this is the last one."""


def details_of(
    session: Session, snapshot: Snapshot, executions: pa.Table, tables: Collection[TableName]
) -> dict[TableName, dict[str, pa.Table]]:
    """By table and id, the rows of these executions (columns id and date), in the order in which find gives them.

    An execution without rows in a table is left out there. One query a table, whatever the number of executions; it
    reads the ids of their dates and the other columns of their own rows.
    """
    ids = executions.column("id").to_pylist()
    days = set(executions.column("date").to_pylist())
    own = session.fork()
    try:
        return {table: _by_execution(_rows(own, snapshot, table, ids, days)) for table in tables}
    finally:
        own.close()


def log_page(session: Session, snapshot: Snapshot, id: str, day: date, query: LogQuery) -> LogPage:
    """Lines of the log of one execution, oldest first. `day`: the execution's `date`.

    An execution without lines, or one that does not exist, has an empty page. Costs what the lines of its date that
    share its range of ids cost to filter, some milliseconds.
    """
    own = session.fork()
    try:
        files = _files(snapshot, "logs", [id], {day})
        if not files:
            return LogPage(SCHEMAS["logs"].empty_table(), None)
        attach_files(own, "chosen_logs", "logs", files)
        rows = own.table(read_sql("warehouse", "log_lines"), _params(id, query)).cast(SCHEMAS["logs"])
    finally:
        own.close()
    return _page(rows, query)


def log_page_of(session: Session, logs: pa.Table, id: str, query: LogQuery) -> LogPage:
    """The same of an execution whose lines (schema of `logs`) are at hand."""
    with session.tables(chosen_logs=logs):
        rows = session.table(read_sql("warehouse", "log_lines"), _params(id, query)).cast(SCHEMAS["logs"])
    return _page(rows, query)


def _page(rows: pa.Table, query: LogQuery) -> LogPage:
    page = rows.slice(0, query.limit)
    if rows.num_rows <= query.limit:
        return LogPage(page, None)
    last = page.slice(query.limit - 1).to_pylist()[0]
    return LogPage(page, (last["logged_at"].astimezone(UTC), last["seq"]))


def _params(id: str, query: LogQuery) -> Mapping[str, Any]:
    after_at, after_seq = query.after or (None, None)
    return {
        "id": id,
        "levels": list(LOG_LEVELS[LOG_LEVELS.index(query.level) :]),
        "node_id": query.node_id,
        "has_after": query.after is not None,
        "after_at": after_at,
        "after_seq": after_seq,
        "rows_wanted": query.limit + 1,
    }


def _rows(session: Session, snapshot: Snapshot, table: TableName, ids: list[str], days: set[date]) -> pa.Table:
    files = _files(snapshot, table, ids, days)
    if not files:
        return SCHEMAS[table].empty_table()
    attach_files(session, f"chosen_{table}", table, files)
    return session.table(read_sql("warehouse", f"page_{table}"), {"ids": ids}).cast(SCHEMAS[table])


def _files(snapshot: Snapshot, table: TableName, ids: list[str], days: set[date]) -> list[DataFile]:
    """Files of these dates whose range of ids holds one of these; none where there is no id."""
    return [file for file in snapshot.files[table] if file.date in days and any(_may_hold(file, one) for one in ids)]


def _may_hold(file: DataFile, id: str) -> bool:
    return not ((file.min_key is not None and id < file.min_key) or (file.max_key is not None and id > file.max_key))


def _by_execution(rows: pa.Table) -> dict[str, pa.Table]:
    """The rows cut where the execution changes; they come sorted by it."""
    found: dict[str, pa.Table] = {}
    ids = rows.column("execution_id").to_pylist()
    start = 0
    for at in range(1, len(ids) + 1):
        if at == len(ids) or ids[at] != ids[start]:
            found[ids[start]] = rows.slice(start, at - start)
            start = at
    return found
