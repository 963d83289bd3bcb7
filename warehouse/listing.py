"""Lists of executions a page at a time, and one execution with all that hangs on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final, Literal, get_args

import pyarrow as pa

from warehouse.duck import Session, read_sql
from warehouse.errors import BadInputError
from warehouse.filters import ExecutionFilter
from warehouse.scan import attach_files
from warehouse.schema import SCHEMAS, TABLES, TableName
from warehouse.snapshot import DataFile, Snapshot

ListSort = Literal["startedAt", "-startedAt", "duration", "-duration"]
SORTS: Final[tuple[ListSort, ...]] = get_args(ListSort)

PageKey = tuple[datetime | float | None, str]
"""Where a page ended: (placed_at or duration_s of its last row, its id). A duration may be None: those come last."""

MAX_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which page of which executions."""

    filter: ExecutionFilter = field(default_factory=ExecutionFilter)
    sort: ListSort = "-startedAt"
    """startedAt: by the instant that places an execution (started_at, else created_at); `-`: largest first. Ties by
    id, the same way round. Executions without a duration come last, either way round."""
    limit: int = 20
    """Rows of a page, 1..10000."""
    after: PageKey | None = None
    """`next_key` of the page before; None: the first page."""

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise BadInputError(
                f"sort {self.sort!r} is unknown; allowed: {', '.join(SORTS)}", field="sort", value=self.sort
            )
        if not 1 <= self.limit <= MAX_LIMIT:
            raise BadInputError(f"limit is {self.limit}; allowed: 1 to {MAX_LIMIT}", field="limit", value=self.limit)
        if self.after is not None and not self._fits(self.after[0]):
            raise BadInputError(
                f"the page key {self.after[0]!r} does not belong to the sort {self.sort!r}; begin with the first page",
                field="after",
                value=self.after,
            )

    @property
    def by_time(self) -> bool:
        """Sorted by instant, not by duration."""
        return self.sort.endswith("startedAt")

    @property
    def descending(self) -> bool:
        """Largest first."""
        return self.sort.startswith("-")

    def _fits(self, value: object) -> bool:
        if self.by_time:
            return isinstance(value, datetime) and value.tzinfo is not None
        return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list."""

    rows: pa.Table
    """Schema of `executions`, in the order asked for."""
    total: int | None
    """All executions that match, on all pages. None: it was not asked for."""
    next_key: PageKey | None
    """`after` of the next page. None: this is the last one."""

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column name."""
        found: list[dict[str, Any]] = self.rows.to_pylist()
        return found


@dataclass(frozen=True, slots=True)
class Detail:
    """One execution and its rows in the other tables, each with the schema of its table."""

    execution: pa.Table
    """Exactly one row."""
    node_runs: pa.Table
    """By order_index."""
    payloads: pa.Table
    """By node, run and kind."""
    logs: pa.Table
    """By instant, then seq."""

    def record(self) -> dict[str, Any]:
        """The execution as a dictionary by column name."""
        found: dict[str, Any] = self.execution.to_pylist()[0]
        return found


def list_executions(session: Session, snapshot: Snapshot, query: ListQuery, *, with_total: bool = True) -> ListPage:
    """One page of the executions that match.

    By instant, dates are walked from the end where the page begins and only until it is full; by duration, the two
    columns of all matching dates are looked through. `total` is exact: whole dates are counted from the log, others
    from the filtered columns alone (some 5 ms a million rows).
    """
    own = session.fork()
    try:
        live = snapshot.live("executions", query.filter.since, query.filter.until)
        keys = _page_keys(own, live, query)
        page = keys.slice(0, query.limit)
        next_key = _key(page.slice(query.limit - 1)) if keys.num_rows > query.limit else None
        rows = _rows(own, live, page, query)
        return ListPage(rows, count_executions(own, snapshot, query.filter) if with_total else None, next_key)
    finally:
        own.close()


def count_executions(session: Session, snapshot: Snapshot, filter: ExecutionFilter) -> int:
    """How many executions match, exactly; what the log of the lake knows is not read again."""
    counted = 0
    files: list[DataFile] = []
    for file in snapshot.live("executions", filter.since, filter.until):
        if filter.by_time_only and _whole_date(file.date, filter):
            counted += file.rows
        else:
            files.append(file)
    if files:
        own = session.fork()
        try:
            _choose(own, files)
            counted += own.rows(read_sql("warehouse", "list_count"), filter.params())[0][0]
        finally:
            own.close()
    return counted


def find_execution(
    session: Session, snapshot: Snapshot, id: str, *, tables: Collection[TableName] = TABLES
) -> Detail | None:
    """The execution of that id with its rows in `tables` (the others come empty); None: the lake has none.

    Files whose range of ids leaves it out are not opened; the Bloom filters rule out most of the others. The other
    tables are looked up in the files of its date alone.
    """
    own = session.fork()
    try:
        found = _lookup(own, snapshot, "executions", id, None)
        if not found.num_rows:
            return None
        day = found.column("date")[0].as_py()
        parts = {
            table: _lookup(own, snapshot, table, id, day) if table in tables else SCHEMAS[table].empty_table()
            for table in TABLES
            if table != "executions"
        }
        return Detail(found, parts["node_runs"], parts["payloads"], parts["logs"])
    finally:
        own.close()


def _lookup(session: Session, snapshot: Snapshot, table: TableName, id: str, day: date | None) -> pa.Table:
    """The rows of one execution in one table, on that date or on any."""
    files = [file for file in snapshot.files[table] if day in (None, file.date) and _may_hold(file, id)]
    if not files:
        return SCHEMAS[table].empty_table()
    attach_files(session, f"chosen_{table}", table, files)
    return session.table(read_sql("warehouse", f"find_{table}"), {"id": id}).cast(SCHEMAS[table])


def _may_hold(file: DataFile, id: str) -> bool:
    """The file's range of ids, as the log says it, holds the id; ids compare as UTF-8, which is how DuckDB does."""
    return not ((file.min_key is not None and id < file.min_key) or (file.max_key is not None and id > file.max_key))


def _key(last: pa.Table) -> PageKey:
    row = last.to_pylist()[0]
    value = row["sort_value"]
    return (value.astimezone(UTC) if isinstance(value, datetime) else value, row["id"])


_KEYS_SQL: Final[dict[ListSort, str]] = {
    "startedAt": "list_by_time",
    "-startedAt": "list_by_time_descending",
    "duration": "list_by_duration",
    "-duration": "list_by_duration_descending",
}


def _page_keys(session: Session, live: Sequence[DataFile], query: ListQuery) -> pa.Table:
    """(sort_value, id, date) of the rows of the page in order, and of one more if there is one."""
    after_value, after_id = query.after or (None, None)
    bounds: dict[str, Any] = {"has_after": query.after is not None, "after_value": after_value, "after_id": after_id}
    sql = read_sql("warehouse", _KEYS_SQL[query.sort])
    parts: list[pa.Table] = []
    missing = query.limit + 1
    for files in _walk(live, query):
        _choose(session, files)
        if not query.by_time:
            bounds["bound"] = _duration_bound(session, query)
        part = session.table(sql, {**query.filter.params(), **bounds, "rows_wanted": missing})
        parts.append(part)
        missing -= part.num_rows
        if missing <= 0:
            break
    return pa.concat_tables(parts) if parts else _NO_KEYS


def _duration_bound(session: Session, query: ListQuery) -> float | None:
    """A duration at the end of the page or beyond it; None: all of them may be on the page."""
    after = query.after[0] if query.after else None
    if query.after and after is None:
        return None
    params = {"sign": -1 if query.descending else 1, "after_value": after, "rows_before": query.limit}
    found = session.rows(read_sql("warehouse", "list_duration_bound"), {**query.filter.params(), **params})
    return float(found[0][0]) if found else None


_NO_KEYS: Final = pa.schema([("sort_value", pa.float64()), ("id", pa.string()), ("date", pa.date32())]).empty_table()

_FEW_ROWS: Final = 200_000
"""Dates with fewer rows than this are read together: opening files is what costs then."""


def _walk(live: Sequence[DataFile], query: ListQuery) -> Iterator[list[DataFile]]:
    """Files in the order in which a page takes its rows from them: by date, or all at once for a duration."""
    if not query.by_time:
        if live:
            yield list(live)
        return
    edge = query.after[0].astimezone(UTC).date() if query.after and isinstance(query.after[0], datetime) else None
    files = sorted(live, key=lambda file: file.date, reverse=query.descending)
    held: list[DataFile] = []
    for day, same_day in groupby(files, key=lambda file: file.date):
        if edge is not None and (day > edge if query.descending else day < edge):
            continue
        held += same_day
        if sum(file.rows for file in held) >= _FEW_ROWS:
            yield held
            held = []
    if held:
        yield held


def _rows(session: Session, live: Sequence[DataFile], keys: pa.Table, query: ListQuery) -> pa.Table:
    """The whole rows of the page, in the order of its keys."""
    days = set(keys.column("date").to_pylist())
    files = [file for file in live if file.date in days]
    if not files:
        return SCHEMAS["executions"].empty_table()
    attach_files(session, "chosen_executions", "executions", files)
    ids, values = keys.column("id").to_pylist(), keys.column("sort_value").to_pylist()
    ends = (None, None) if None in values else (min(values), max(values))
    params = dict.fromkeys(("placed_from", "placed_to", "duration_from", "duration_to"))
    names = ("placed_from", "placed_to") if query.by_time else ("duration_from", "duration_to")
    params |= dict(zip(names, ends, strict=True))
    rows = session.table(read_sql("warehouse", "list_rows"), {"ids": ids, **params})
    place = {key: at for at, key in enumerate(ids)}
    order = sorted(range(rows.num_rows), key=lambda at: place[rows.column("id")[at].as_py()])
    return rows.take(pa.array(order, pa.int64())).cast(SCHEMAS["executions"])


def _choose(session: Session, files: Sequence[DataFile]) -> None:
    attach_files(session, "chosen_executions", "executions", files)
    session.run(read_sql("warehouse", "filters"))


def _whole_date(day: date, filter: ExecutionFilter) -> bool:
    """Every instant of the date is inside [since, until)."""
    start = datetime.combine(day, time(), UTC)
    return (filter.since is None or filter.since <= start) and (
        filter.until is None or start + timedelta(days=1) <= filter.until
    )
