"""The door: an open lake as analysts, reports and the API ask it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.capacity_door import CapacityQuestions
from warehouse.clock import now
from warehouse.details import LogPage, LogQuery, details_of, log_page, log_page_of
from warehouse.duck import Params, Session, connect, is_query
from warehouse.error_statistics import error_statistics
from warehouse.errors import BadInputError
from warehouse.export import ExportFormat, ExportPlan, ExportQuery, ExportReport, Progress, export, plan_export
from warehouse.filters import ExecutionFilter
from warehouse.lake import Lake
from warehouse.listing import Detail, ListPage, ListQuery, Memory, find_execution, list_executions
from warehouse.lru import Lru
from warehouse.node_statistics import node_statistics
from warehouse.one_row import read_row
from warehouse.period import resolve_period
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.rollup_cache import RollupCache
from warehouse.scan import attach
from warehouse.schema import SCHEMAS, TABLES, TableName
from warehouse.settings import LakeSettings
from warehouse.snapshot import DataFile, Snapshot, without_hot
from warehouse.statistics import StatisticsQuery, statistics
from warehouse.tiers import HotDoor, Tiers

_ANSWERS_BYTES: Final = 32 << 20
_WARMED_TOGETHER: Final = 8
_LOGS: Final[tuple[TableName, ...]] = ("logs",)

# Polars is imported where it is used: most processes never need it, and it takes a fifth of a second.
if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave. Goes into `polars.DataFrame(...)` or `pyarrow.table(...)` as it is."""

    table: pa.Table
    elapsed_s: float
    cut: bool
    """There were more rows than `max_rows` let through."""

    def arrow(self) -> pa.Table:
        """As an Arrow table."""
        return self.table

    def pl(self) -> pl.DataFrame:
        """As a Polars DataFrame."""
        import polars as pl

        frame = pl.from_arrow(self.table)
        assert isinstance(frame, pl.DataFrame)
        return frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule protocol."""
        return self.table.__arrow_c_stream__(requested_schema)


class Warehouse(CapacityQuestions):
    """An open lake. Every call looks at the lake as it is at that moment.

    Safe to share between threads: calls that use DuckDB take turns; `fork()` gives a thread its own turn.
    A context manager: leaving it gives memory and threads back.
    """

    def __init__(self, lake: Lake, *, executor: Executor | None = None) -> None:
        self.lake = lake
        self._hot = HotDoor(lake)
        self._own_executor = ThreadPoolExecutor(lake.settings.duck.threads or None, "rollup") if not executor else None
        self._executor = executor or self._own_executor
        assert self._executor is not None
        self.rollups = RollupCache(lake.folder("rollups"), self._executor)
        self._memory = Memory()
        self._answers: Lru[Hashable, Any] = Lru(_ANSWERS_BYTES)
        self._session = lake.session.fork()
        self._typed: Session | None = None
        self._typed_with_hot = False
        self._pinned: Snapshot | None = None
        self._handed_out: Snapshot | None = None

    def sql(self, query: str, params: Params | None = None, *, max_rows: int | None = None) -> Answer:
        """Run one query over the views executions, node_runs, payloads and logs (live rows only).

        The query may read and nothing else: no other file, no setting, no second statement. `$name` in it is
        filled from `params`. With `max_rows` the answer is cut there and says so.
        Raises BadInputError (not a single reading statement), QueryError, QueryTimeoutError.
        """
        if not is_query(query):
            raise BadInputError(
                "only one reading statement (SELECT, WITH, FROM, DESCRIBE, SUMMARIZE …) is allowed here; "
                "leave out what writes, sets or attaches, and anything after the first ;",
                field="query",
                value=query,
            )
        snapshot = self._snapshot(details=True)
        if self._typed is None or (snapshot.hot is not None and not self._typed_with_hot):
            self._typed, self._typed_with_hot = self._confined(snapshot), snapshot.hot is not None
        attach(self._typed, snapshot)
        started_s = time.perf_counter()
        if max_rows is None:
            return Answer(self._typed.table(query, params), time.perf_counter() - started_s, False)
        with self._typed.reader(query, params) as reader:
            held: list[pa.RecordBatch] = []
            rows = 0
            for part in reader:
                held.append(part)
                rows += part.num_rows
                if rows > max_rows:
                    break
            table = pa.Table.from_batches(held, reader.schema)
        return Answer(table.slice(0, max_rows), time.perf_counter() - started_s, table.num_rows > max_rows)

    def executions(self, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
        """The table `executions`, a row an execution; with bounds only files whose date can hold [since, until)."""
        return self._frame("executions", since, until)

    def node_runs(self, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
        """The table `node_runs`, a row a run of a node; bounds are those of its execution, by date."""
        return self._frame("node_runs", since, until)

    def payloads(self, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
        """The table `payloads`, a row a JSON payload; bounds are those of its execution, by date."""
        return self._frame("payloads", since, until)

    def logs(self, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
        """The table `logs`, a row a log line; bounds are those of its execution, by date."""
        return self._frame("logs", since, until)

    def files(
        self, table: TableName, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[DataFile, ...]:
        """The live Parquet files of a table, for any other engine: path, date, rows, size."""
        if table not in TABLES:
            raise BadInputError(
                f"there is no table {table!r}; allowed: {', '.join(TABLES)}", field="table", value=table
            )
        self._handed_out = self._snapshot(details=True)  # hot files exist for as long as it is held
        return self._handed_out.live(table, since, until)

    def statistics(self, query: StatisticsQuery | None = None, /, **asked: Any) -> Statistics:
        """Counts and times: a StatisticsQuery, or its fields by keyword (`period="7d"`)."""
        query = query or StatisticsQuery(**asked)
        snapshot, now_at = self._snapshot(), now()
        window = resolve_period(query.period, query.since, query.until, now=now_at)
        question = snapshot.state, window, replace(query, since=None, until=None)
        known = self._answers.get(question)
        if known is None:
            known = statistics(self._session, snapshot, self.rollups, query, now=now_at)
            self._answers.put(question, known)
        found: Statistics = known
        return found

    def nodes(self, query: StatisticsQuery | None = None, /, **asked: Any) -> NodeStatistics:
        """Where the time goes, node by node, over the query's period and workflow."""
        question = _window(query or StatisticsQuery(**asked))
        return node_statistics(self._session, self._snapshot(details=True), self.rollups, **question)

    def errors(self, query: StatisticsQuery | None = None, /, **asked: Any) -> ErrorStatistics:
        """Why things failed: groups of like errors over the query's period and workflow."""
        query = query or StatisticsQuery(**asked)
        question = _window(query) | {"statuses": query.statuses, "modes": query.modes}
        return self._remembered(
            ("errors", *question.values()),
            lambda snapshot: error_statistics(self._session, snapshot, self.rollups, **question),
        )

    def list(self, query: ListQuery, *, with_total: bool = True) -> ListPage:
        """One page of executions: see listing.list_executions."""
        return list_executions(
            self._session,
            self._snapshot(),
            query,
            with_total=with_total,
            rollups=self.rollups,
            memory=self._memory,
        )

    def find(
        self, id: str, tables: Collection[TableName] = TABLES, *, workflow_ids: tuple[str, ...] = ()
    ) -> Detail | None:
        """One execution with what hangs on it. None: there is none of that id (among these workflows, if any)."""
        tiers = self._hot.tiers()
        # The hot store first: what leaves it meanwhile is in the lake that is looked at after it.
        if tiers is not None and (self._pinned is None or id in (self._pinned.hot or ())):
            found = tiers.find(id, tables)
            if found is not None:
                return found if not workflow_ids or found.record()["workflow_id"] in workflow_ids else None
            lake = self.lake.snapshot()
        else:
            lake = self._pinned or self.lake.snapshot()
        return find_execution(
            self._session, without_hot(lake), id, tables=tables, index=self.lake.id_index, workflow_ids=workflow_ids
        )

    def details(self, executions: pa.Table, tables: Collection[TableName]) -> dict[TableName, dict[str, pa.Table]]:
        """By table and id what hangs on these executions (rows of a list page): see details.details_of."""
        snapshot = self._snapshot()
        ids = [id_ for id_ in executions["id"].to_pylist() if id_ in (snapshot.hot or ())]
        if not ids:
            return details_of(self._session, without_hot(snapshot), executions, tables)
        tiers = self._hot.tiers()
        assert tiers is not None
        hot, parts = tiers.details(ids, tables)
        cold = executions.filter(pc.invert(pc.is_in(executions["id"], value_set=pa.array(hot, pa.string()))))
        # A lake that is no older: it has what has left the hot store meanwhile.
        for table, by_id in details_of(self._session, self.lake.snapshot(), cold, tables).items():
            parts[table] |= by_id
        return parts

    def log_page(self, id: str, day: date, query: LogQuery) -> LogPage:
        """A page of the log of the execution with this id and `date`: see details.log_page."""
        tiers = self._hot.tiers()
        hot = None if tiers is None else tiers.find(id, _LOGS)
        if hot is not None:
            return log_page_of(self._session, hot.logs, id, query)
        return log_page(self._session, self.lake.snapshot(), id, day, query)

    def plan_export(self, query: ExportQuery) -> ExportPlan:
        """What an export would write now: see export.plan_export."""
        return plan_export(self._session, self._snapshot(), query)

    def export(
        self, query: ExportQuery, format: ExportFormat, sink: BinaryIO, on_progress: Progress | None = None
    ) -> ExportReport:
        """Write executions to an open binary file: see export.export."""
        return export(self._session, self._snapshot(), query, format, sink, on_progress=on_progress)

    def snapshot(self, *, details: bool = False) -> Snapshot:
        """Both tiers as they are now; about a millisecond when nothing has changed.

        Without `details` the node runs, payloads and logs of executions in the hot store are left out.
        """
        return self._snapshot(details=details)

    def _snapshot(self, *, details: bool = False) -> Snapshot:
        pinned = self._pinned
        if pinned is not None and (not details or pinned.hot is None or "logs" in pinned.hot.files):
            return pinned
        tiers = self._hot.tiers()
        if tiers is None:
            return self.lake.snapshot()
        snapshot = tiers.snapshot(details=details)
        self._forget_superseded(tiers)
        return snapshot

    def _forget_superseded(self, tiers: Tiers) -> None:
        """What is remembered of files of hot rows that are no more."""
        gone = tiers.take_superseded()
        if gone:
            self.rollups.discard(gone)
            self._memory.discard(gone)

    def _confined(self, snapshot: Snapshot) -> Session:
        """A session for SQL that somebody typed: it reaches the files of the tables and nothing else."""
        folders = [self.lake.location.join(table) for table in TABLES]
        tiers = self._hot.tiers() if snapshot.hot is not None else None
        if tiers is not None:
            folders.append(str(tiers.folder))
        if self._typed is not None:
            self._typed.close()
        return connect(self.lake.settings.duck, confined_to=folders)

    def warm_up(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Make what is missing of what questions are answered from: rollups and ids of all files of the lake, the
        newest first; ends early when `stopped`.

        Some 20 s for 10 million executions that nobody has asked about yet, well under a second else. For a thread of
        a server's own; questions go on meanwhile.
        """
        files = self.lake.snapshot().files["executions"][::-1]
        session = self.lake.session.fork()
        try:
            for start in range(0, len(files), _WARMED_TOGETHER):
                if stopped():
                    return
                together = files[start : start + _WARMED_TOGETHER]
                self.lake.id_index.load(session, together)
                self.rollups.get(together)
        finally:
            session.close()
        if files and files[0].local:
            read_row(files[0], 0)  # its libraries take a fifth of a second to load

    def newest_at(self, workflow_ids: tuple[str, ...] = ()) -> datetime | None:
        """When the newest execution (of these workflows, if any) is placed: started, else created. None: no such."""
        page = self.list(ListQuery(ExecutionFilter(workflow_ids=workflow_ids), limit=1), with_total=False)
        newest = page.records()[0] if page.rows.num_rows else None
        return None if newest is None else newest["started_at"] or newest["created_at"]

    @contextmanager
    def fork(self, *, pinned: bool = False, details: bool = False) -> Iterator[Warehouse]:
        """The same lake and caches with a DuckDB session of its own, for another thread.

        With `pinned` every call inside sees the lake as it is now, whatever is loaded meanwhile: for answers that
        must agree with each other.
        """
        other = object.__new__(Warehouse)
        other.lake, other.rollups, other._executor = self.lake, self.rollups, self._executor
        other._memory, other._answers = self._memory, self._answers
        other._own_executor, other._typed = None, None
        other._hot, other._handed_out, other._typed_with_hot = self._hot, None, False
        other._pinned = self._snapshot(details=details) if pinned else self._pinned
        other._session = self.lake.session.fork()
        try:
            yield other
        finally:
            other._close_sessions()

    def interrupt(self) -> None:
        """Stop the query that runs now, from another thread; it raises QueryError. Nothing happens when none runs."""
        self._session.interrupt()
        if self._typed is not None:
            self._typed.interrupt()

    def close(self) -> None:
        """Give memory and threads back."""
        self._close_sessions()
        self._hot.close()
        if self._own_executor is not None:
            self._own_executor.shutdown()
        self.lake.close()

    def __enter__(self) -> Self:
        """The warehouse itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _close_sessions(self) -> None:
        self._session.close()
        if self._typed is not None:
            self._typed.close()
            self._typed = None

    def _frame(self, table: TableName, since: datetime | None, until: datetime | None) -> pl.LazyFrame:
        import polars as pl

        names = SCHEMAS[table].names
        snapshot = self._snapshot(details=table != "executions")
        live = snapshot.live(table, since, until)
        lake = [file.path for file in live if not file.hot]
        frames = [_scan(lake, dict(self.lake.settings.storage_options)).select(names)] if lake else []
        hot = [file.path for file in live if file.hot]
        if hot:  # read now: these files do not wait for whoever collects the frame
            frames.append(_scan(hot, {}).select(names).collect().lazy())
        if not frames:
            empty = pl.from_arrow(SCHEMAS[table].empty_table())
            assert isinstance(empty, pl.DataFrame)
            return empty.lazy()
        return pl.concat(frames, how="vertical")


def _scan(paths: Sequence[str], storage_options: dict[str, str]) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet(
        list(paths),
        hive_partitioning=True,
        hive_schema={"date": pl.Date},
        storage_options=storage_options or None,
    )


def _window(query: StatisticsQuery) -> dict[str, Any]:
    """What questions about nodes and errors take of a query: its period, workflow and limit."""
    period = resolve_period(query.period, query.since, query.until, now=now())
    return {
        "since": period.since,
        "until": period.until,
        "workflow_id": query.workflow_id,
        "workflow_ids": query.workflow_ids,
        "limit": query.workflows_limit,
    }


def open(  # noqa: A001 - read as warehouse.open
    uri: str | os.PathLike[str],
    settings: LakeSettings | None = None,
    *,
    create: bool = False,
    executor: Executor | None = None,
    hot_url: str | None = None,
) -> Warehouse:
    """Open the lake at a folder or URI for asking; with its hot store, if it has one.

    Args:
        uri: e.g. `./lake` or `s3://bucket/lake`.
        settings: threads, memory, time limit, credentials; the defaults suit a laptop.
        create: make an empty lake where there is none.
        executor: where rollups are built; None: threads of this process.
        hot_url: database of the hot store; None: that of the settings, else `state.db` in the lake, if it is there.

    Raises:
        LakeNotFoundError: there is none and `create` is False.
    """
    settings = settings or LakeSettings()
    if hot_url is not None:
        settings = replace(settings, hot_url=hot_url)
    return Warehouse(Lake.open(uri, settings, create=create), executor=executor)
