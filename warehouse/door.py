"""The door: an open lake as analysts, reports and the API ask it."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import pyarrow as pa

from warehouse.clock import now
from warehouse.duck import Params, Session, connect, is_query
from warehouse.error_statistics import error_statistics
from warehouse.errors import BadInputError
from warehouse.export import ExportFormat, ExportQuery, ExportReport, Progress, export
from warehouse.lake import Lake
from warehouse.listing import Detail, ListPage, ListQuery, find_execution, list_executions
from warehouse.node_statistics import node_statistics
from warehouse.period import resolve_period
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.rollup_cache import RollupCache
from warehouse.scan import attach
from warehouse.schema import SCHEMAS, TABLES, TableName
from warehouse.settings import LakeSettings
from warehouse.snapshot import DataFile, Snapshot
from warehouse.statistics import StatisticsQuery, statistics

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


class Warehouse:
    """An open lake. Every call looks at the lake as it is at that moment.

    Safe to share between threads: calls that use DuckDB take turns; `fork()` gives a thread its own turn.
    A context manager: leaving it gives memory and threads back.
    """

    def __init__(self, lake: Lake, *, executor: Executor | None = None) -> None:
        self.lake = lake
        self._own_executor = ThreadPoolExecutor(lake.settings.duck.threads or None, "rollup") if not executor else None
        self._executor = executor or self._own_executor
        assert self._executor is not None
        self.rollups = RollupCache(lake.folder("rollups"), self._executor)
        self._session = lake.session.fork()
        self._typed: Session | None = None
        self._pinned: Snapshot | None = None

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
        if self._typed is None:
            folders = [self.lake.location.join(table) for table in TABLES]
            self._typed = connect(self.lake.settings.duck, confined_to=folders)
        attach(self._typed, self.snapshot())
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
        return self.snapshot().live(table, since, until)

    def statistics(self, query: StatisticsQuery | None = None, /, **asked: Any) -> Statistics:
        """Counts and times: a StatisticsQuery, or its fields by keyword (`period="7d"`)."""
        return statistics(self._session, self.snapshot(), self.rollups, query or StatisticsQuery(**asked), now=now())

    def nodes(self, query: StatisticsQuery | None = None, /, **asked: Any) -> NodeStatistics:
        """Where the time goes, node by node, over the query's period and workflow."""
        question = _window(query or StatisticsQuery(**asked))
        return node_statistics(self._session, self.snapshot(), self.rollups, **question)

    def errors(self, query: StatisticsQuery | None = None, /, **asked: Any) -> ErrorStatistics:
        """Why things failed: groups of like errors over the query's period and workflow."""
        question = _window(query or StatisticsQuery(**asked))
        return error_statistics(self._session, self.snapshot(), self.rollups, **question)

    def list(self, query: ListQuery, *, with_total: bool = True) -> ListPage:
        """One page of executions: see listing.list_executions."""
        return list_executions(self._session, self.snapshot(), query, with_total=with_total)

    def find(self, id: str, tables: Collection[TableName] = TABLES) -> Detail | None:
        """One execution with what hangs on it. None: the lake has none of that id."""
        return find_execution(self._session, self.snapshot(), id, tables=tables)

    def export(
        self, query: ExportQuery, format: ExportFormat, sink: BinaryIO, on_progress: Progress | None = None
    ) -> ExportReport:
        """Write executions to an open binary file: see export.export."""
        return export(self._session, self.snapshot(), query, format, sink, on_progress=on_progress)

    def snapshot(self) -> Snapshot:
        """The lake as it is now; about a millisecond when nothing has changed."""
        return self._pinned or self.lake.snapshot()

    def newest_at(self) -> datetime | None:
        """When the newest execution is placed (started, else created). None: the lake is empty."""
        page = self.list(ListQuery(limit=1), with_total=False)
        newest = page.records()[0] if page.rows.num_rows else None
        return None if newest is None else newest["started_at"] or newest["created_at"]

    @contextmanager
    def fork(self, *, pinned: bool = False) -> Iterator[Warehouse]:
        """The same lake and caches with a DuckDB session of its own, for another thread.

        With `pinned` every call inside sees the lake as it is now, whatever is loaded meanwhile: for answers that
        must agree with each other.
        """
        other = object.__new__(Warehouse)
        other.lake, other.rollups, other._executor = self.lake, self.rollups, self._executor
        other._own_executor, other._typed = None, None
        other._pinned = self.snapshot() if pinned else self._pinned
        other._session = self.lake.session.fork()
        try:
            yield other
        finally:
            other._close_sessions()

    def close(self) -> None:
        """Give memory and threads back."""
        self._close_sessions()
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
        files = self.snapshot().live(table, since, until)
        if not files:
            empty = pl.from_arrow(SCHEMAS[table].empty_table())
            assert isinstance(empty, pl.DataFrame)
            return empty.lazy()
        return pl.scan_parquet(
            [file.path for file in files],
            hive_partitioning=True,
            hive_schema={"date": pl.Date},
            storage_options=dict(self.lake.settings.storage_options) or None,
        ).select(names)


def _window(query: StatisticsQuery) -> dict[str, Any]:
    """What questions about nodes and errors take of a query: its period, workflow and limit."""
    period = resolve_period(query.period, query.since, query.until, now=now())
    return {
        "since": period.since,
        "until": period.until,
        "workflow_id": query.workflow_id,
        "limit": query.workflows_limit,
    }


def open(  # noqa: A001 - read as warehouse.open
    uri: str | os.PathLike[str],
    settings: LakeSettings | None = None,
    *,
    create: bool = False,
    executor: Executor | None = None,
) -> Warehouse:
    """Open the lake at a folder or URI for asking.

    Args:
        uri: e.g. `./lake` or `s3://bucket/lake`.
        settings: threads, memory, time limit, credentials; the defaults suit a laptop.
        create: make an empty lake where there is none.
        executor: where rollups are built; None: threads of this process.

    Raises:
        LakeNotFoundError: there is none and `create` is False.
    """
    return Warehouse(Lake.open(uri, settings, create=create), executor=executor)
