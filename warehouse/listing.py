"""Lists of executions a page at a time, and one execution with all that hangs on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, Final, Literal, cast, get_args

import pyarrow as pa

from warehouse.counting import Counter
from warehouse.duck import Session, read_sql
from warehouse.errors import BadInputError
from warehouse.filters import ExecutionFilter
from warehouse.id_index import IdIndex
from warehouse.list_chunks import ListMemory, as_matches, rollup_filters
from warehouse.list_pages import TimePage
from warehouse.lru import FileMemory
from warehouse.one_row import read_row
from warehouse.period import from_us
from warehouse.rollup_cache import CachedRollup, RollupCache
from warehouse.scan import over_files
from warehouse.schema import EXECUTIONS, SCHEMAS, TABLES, TableName
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


class Memory:
    """What lists remember from one question to the next. Safe for several threads."""

    def __init__(self) -> None:
        self.lists = ListMemory()
        self.counts: FileMemory[ExecutionFilter, int] = FileMemory()

    def discard(self, names: Collection[str]) -> None:
        """Forget what belongs to these data files."""
        self.counts.discard(names)
        self.lists.discard(names)


def list_executions(
    session: Session,
    snapshot: Snapshot,
    query: ListQuery,
    *,
    with_total: bool = True,
    rollups: RollupCache | None = None,
    memory: Memory | None = None,
) -> ListPage:
    """One page of the executions that match.

    By instant, dates are walked from the end where the page begins and only until it is full. With `rollups` and
    `memory` a page costs the same wherever it lies (see list_chunks). By duration, the two columns of all matching
    dates are looked through. `total` is exact: see counting.
    """
    own = session.fork()
    try:
        memory = memory or Memory()
        live = snapshot.live("executions", query.filter.since, query.filter.until)
        if query.by_time:
            page, next_key = _page_by_time(own, snapshot, live, query, rollups, memory.lists)
        else:
            page, next_key = _page_by_walking(own, live, query)
        counter = Counter(own, rollups, memory.counts, memory.lists)
        return ListPage(page, counter.count(snapshot, query.filter) if with_total else None, next_key)
    finally:
        own.close()


def _page_by_time(
    session: Session,
    snapshot: Snapshot,
    live: Sequence[DataFile],
    query: ListQuery,
    rollups: RollupCache | None,
    lists: ListMemory,
) -> tuple[pa.Table, PageKey | None]:
    """The rows of the page and the key of the next one; files of which rollups know nothing are walked."""
    after = None if query.after is None else cast(tuple[datetime, str], query.after)
    page = TimePage(query.filter, after, query.limit + 1, newest_first=query.descending)
    hot = [file for file in live if file.hot]
    entries: list[CachedRollup] = []
    if rollups is not None and rollup_filters(query.filter) is not None:
        entries = [entry for file in live if not file.hot and (entry := rollups.peek(file)) is not None]
    rows = {} if snapshot.hot is None else snapshot.hot.rows
    at_hand = page.from_rows([rows[file.name] for file in hot])
    parts = [page.from_whole_files(session, lists, hot) if at_hand is None else at_hand]
    if rollups is not None and entries:
        parts.append(page.from_rollups(session, rollups, lists, entries))
    known = {entry.file.name for entry in entries}
    rest = [file for file in live if not file.hot and file.name not in known]
    if rest:
        keys = _page_keys(session, rest, query)
        parts.append(as_matches(_rows(session, rest, keys, query)))
    found = page.first(parts)
    next_key = None
    if len(found.placed_us) > query.limit:
        next_key = (from_us(int(found.placed_us[query.limit - 1])), found.rows["id"][query.limit - 1].as_py())
    return found.rows.slice(0, query.limit).combine_chunks(), next_key


def _page_by_walking(session: Session, live: Sequence[DataFile], query: ListQuery) -> tuple[pa.Table, PageKey | None]:
    """The rows of the page and the key of the next one, by looking through the files."""
    keys = _page_keys(session, live, query)
    page = keys.slice(0, query.limit)
    next_key = _key(page.slice(query.limit - 1)) if keys.num_rows > query.limit else None
    return _rows(session, live, page, query).select(EXECUTIONS.names).cast(EXECUTIONS), next_key


def find_execution(
    session: Session,
    snapshot: Snapshot,
    id: str,
    *,
    tables: Collection[TableName] = TABLES,
    index: IdIndex | None = None,
    workflow_ids: tuple[str, ...] = (),
) -> Detail | None:
    """The execution of that id with its rows in `tables` (the others come empty); None: there is none.

    With `index` only the row itself is read; without, files whose range of ids leaves it out are not opened, and the
    Bloom filters of the others rule most of them out. The other tables are looked up, side by side, in the files of
    its date alone. `workflow_ids`: an execution of another workflow is as good as none; empty: any.
    """
    own = session.fork()
    try:
        files = [file for file in snapshot.files["executions"] if _may_hold(file, id)]
        found = _lookup(own, files, "executions", id) if index is None else _indexed(own, index, files, id)
        if not found.num_rows or (workflow_ids and found["workflow_id"][0].as_py() not in workflow_ids):
            return None
        day = found.column("date")[0].as_py()
        return Detail(found, *_details(own, snapshot, id, day, [table for table in _DETAILS if table in tables]))
    finally:
        own.close()


_DETAILS: Final[tuple[TableName, ...]] = ("node_runs", "payloads", "logs")


def _details(
    session: Session, snapshot: Snapshot, id: str, day: date, tables: Sequence[TableName]
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Node runs, payloads and logs of an execution of that date; those not asked for are empty."""
    files = {
        table: [file for file in snapshot.files[table] if file.date == day and _may_hold(file, id)] for table in tables
    }
    asked = [table for table in tables if files[table]]
    found = {table: SCHEMAS[table].empty_table() for table in _DETAILS}
    if len(asked) == 1:
        found[asked[0]] = _lookup(session, files[asked[0]], asked[0], id)
    elif asked:

        def apart(table: TableName) -> pa.Table:
            own = session.fork()
            try:
                return _lookup(own, files[table], table, id)
            finally:
                own.close()

        with ThreadPoolExecutor(len(asked)) as pool:  # each is mostly planning and opening, so they overlap well
            found |= dict(zip(asked, pool.map(apart, asked), strict=True))
    return found["node_runs"], found["payloads"], found["logs"]


def _indexed(session: Session, index: IdIndex, files: Sequence[DataFile], id: str) -> pa.Table:
    """The row of the execution with this id, from the place that the index names; no rows where there is none."""
    places = index.rows(session, files, id)
    if not all(file.local for file, _ in places):
        return _lookup(session, [file for file, _ in places], "executions", id)
    for file, row in places:
        found = read_row(file, row)
        if found["id"].to_pylist() == [id]:
            return found
    return EXECUTIONS.empty_table()


def _lookup(session: Session, files: Sequence[DataFile], table: TableName, id: str) -> pa.Table:
    """The rows of one execution in these files."""
    if not files:
        return SCHEMAS[table].empty_table()
    sql = over_files(f"chosen_{table}", table, files, read_sql("warehouse", f"find_{table}"))
    return session.table(sql, {"id": id}).cast(SCHEMAS[table])


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
    text = read_sql("warehouse", _KEYS_SQL[query.sort])
    parts: list[pa.Table] = []
    missing = query.limit + 1
    for files in _walk(live, query):
        if not query.by_time:
            bounds["bound"] = _duration_bound(session, files, query)
        sql = over_files("chosen_executions", "executions", files, text)
        part = session.table(sql, {**query.filter.params(), **bounds, "rows_wanted": missing})
        parts.append(part)
        missing -= part.num_rows
        if missing <= 0:
            break
    return pa.concat_tables(parts) if parts else _NO_KEYS


def _duration_bound(session: Session, files: Sequence[DataFile], query: ListQuery) -> float | None:
    """A duration at the end of the page or beyond it; None: all of them may be on the page."""
    after = query.after[0] if query.after else None
    if query.after and after is None:
        return None
    params = {"sign": -1 if query.descending else 1, "after_value": after, "rows_before": query.limit}
    sql = over_files("chosen_executions", "executions", files, read_sql("warehouse", "list_duration_bound"))
    found = session.rows(sql, {**query.filter.params(), **params})
    return float(found[0][0]) if found else None


_NO_KEYS: Final = pa.schema([("sort_value", pa.float64()), ("id", pa.string()), ("date", pa.date32())]).empty_table()

_FEW_ROWS: Final = 20_000
"""Dates with fewer rows than this are read together, opening files is what costs then; each time twice as many."""


def _walk(live: Sequence[DataFile], query: ListQuery) -> Iterator[list[DataFile]]:
    """Files in the order in which a page takes its rows from them: by date, or all at once for a duration."""
    if not query.by_time:
        if live:
            yield list(live)
        return
    edge = query.after[0].astimezone(UTC).date() if query.after and isinstance(query.after[0], datetime) else None
    files = sorted(live, key=lambda file: file.date, reverse=query.descending)
    held: list[DataFile] = []
    wanted = _FEW_ROWS
    for day, same_day in groupby(files, key=lambda file: file.date):
        if edge is not None and (day > edge if query.descending else day < edge):
            continue
        held += same_day
        if sum(file.rows for file in held) >= wanted:
            yield held
            held = []
            wanted *= 2
    if held:
        yield held


def _rows(session: Session, live: Sequence[DataFile], keys: pa.Table, query: ListQuery) -> pa.Table:
    """The whole rows of these keys, in their order, as list_rows.sql gives them."""
    days = set(keys.column("date").to_pylist())
    files = [file for file in live if file.date in days]
    ids, values = keys.column("id").to_pylist(), keys.column("sort_value").to_pylist()
    ends = (None, None) if None in values or not values else (min(values), max(values))
    params = dict.fromkeys(("placed_from", "placed_to", "duration_from", "duration_to"))
    names = ("placed_from", "placed_to") if query.by_time else ("duration_from", "duration_to")
    params |= dict(zip(names, ends, strict=True))
    sql = over_files("chosen_executions", "executions", files, read_sql("warehouse", "list_rows"))
    rows = session.table(sql, {"ids": ids, **params})
    place = {key: at for at, key in enumerate(ids)}
    order = sorted(range(rows.num_rows), key=lambda at: place[rows.column("id")[at].as_py()])
    return rows.take(pa.array(order, pa.int64()))
