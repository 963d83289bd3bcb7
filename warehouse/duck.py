"""The one door to DuckDB: UTC, threads, a memory limit, a time limit for each query.

No other module opens a connection. A `Session` runs one query at a time; `Session.fork()` gives another thread
its own on the same database (shared buffers and Parquet metadata cache, private temporary tables).
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from weakref import WeakSet

import duckdb
import pyarrow as pa

from warehouse.errors import QueryError, QueryTimeoutError

Params = Mapping[str, Any]

# What a prepared statement answers can be had in this way only, and the copy is small: see table_over.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)

_PREPARED_BYTES_MAX = 20 << 20
_BATCH_ROWS = 8192
"""Rows of an Arrow batch of an answer that is worked on further: buffers that grow by doubling cost page faults."""


@dataclass(frozen=True, slots=True)
class DuckSettings:
    """How much of the machine DuckDB may use."""

    threads: int = 0
    """Worker threads; 0: as many as the process may use."""
    memory_limit_mb: int = 1024
    """Memory for query intermediates and buffers, in MiB; beyond it DuckDB spills to `spill_dir`."""
    spill_dir: Path | None = None
    """Folder for spilled intermediates, made when it is needed; None: `.spill` in the lake."""
    time_limit_s: float = 60.0
    """Longest a query may run; 0: no limit."""


@cache
def read_sql(package: str, name: str) -> str:
    """The text of `<package>/sql/<name>.sql`."""
    return (resources.files(package) / "sql" / f"{name}.sql").read_text("utf-8")


class _Input:
    """A table of a planned query; what it holds may change, its schema may not."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A prepared statement and the tables that it reads."""

    name: str
    inputs: Mapping[str, _Input]


class Session:
    """A DuckDB connection with our settings. Not for use by two threads at once: `fork()` for that."""

    def __init__(self, settings: DuckSettings, connection: duckdb.DuckDBPyConnection, *, limit_s: float) -> None:
        self._settings = settings
        self._connection = connection
        self._limit_s = limit_s
        self._lock = threading.RLock()
        self._done: set[str] = set()
        self._planned: dict[tuple[str, tuple[pa.Schema, ...]], _Planned] = {}
        self._forks: WeakSet[Session] = WeakSet()
        self._forks_lock = threading.Lock()

    def run(self, sql: str, params: Params | None = None, *, time_limit_s: float | None = None) -> None:
        """Execute statements for their effect."""
        with self._guard(time_limit_s) as connection:
            connection.execute(sql, params or {})

    def run_once(self, sql: str) -> None:
        """Execute statements unless this session has executed the same before (macros, settings)."""
        if sql not in self._done:
            self.run(sql)
            self._done.add(sql)

    def rows(
        self, sql: str, params: Params | None = None, *, time_limit_s: float | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows as tuples of plain Python values; for small answers."""
        # Through Arrow: DuckDB's own fetch wants pytz for an instant, which nothing else here needs.
        answer = self.table(sql, params, time_limit_s=time_limit_s)
        return list(zip(*(column.to_pylist() for column in answer.columns), strict=True))

    def table(self, sql: str, params: Params | None = None, *, time_limit_s: float | None = None) -> pa.Table:
        """The answer as an Arrow table."""
        with self._guard(time_limit_s) as connection:
            return connection.sql(sql, params=dict(params or {})).to_arrow_table()

    @contextmanager
    def reader(
        self, sql: str, params: Params | None = None, *, batch_rows: int = 65_536, time_limit_s: float | None = None
    ) -> Iterator[pa.RecordBatchReader]:
        """The answer as a stream of Arrow batches, held in bounded memory; the session is busy inside the block."""
        with self._guard(time_limit_s) as connection:
            yield connection.sql(sql, params=dict(params or {})).to_arrow_reader(batch_rows)

    @contextmanager
    def tables(self, **tables: pa.Table | pa.RecordBatchReader) -> Iterator[Session]:
        """Arrow tables visible to SQL under their keyword names inside the block (no copy is made)."""
        with self._lock:
            for name, table in tables.items():
                self._connection.register(name, table)
            try:
                yield self
            finally:
                for name in tables:
                    self._connection.unregister(name)

    def table_over(self, sql: str, **tables: pa.Table) -> pa.Table:
        """The answer of a query over Arrow tables that it reads by their keyword names; no time limit.

        For a query that is run again and again over tables of the same schemas: it is planned once, which saves up to
        40 ms a run. Over tables of many bytes the copy that DuckDB makes of what a prepared statement answers costs
        more than that.
        """
        if sum(table.nbytes for table in tables.values()) > _PREPARED_BYTES_MAX:
            with self.tables(**tables), self._guard(0) as connection:
                return connection.sql(sql).to_arrow_table(_BATCH_ROWS)
        key = sql, tuple(table.schema for table in tables.values())
        with self._guard(0) as connection:
            planned = self._planned.get(key)
            if planned is None:
                planned = self._planned[key] = self._plan(connection, sql, tables)
            for name, table in tables.items():
                planned.inputs[name].table = table
            try:
                # Not `sql`: a relation over EXECUTE is run, kept, and then planned and run a second time.
                return connection.execute(f"EXECUTE {planned.name}").to_arrow_table(_BATCH_ROWS)
            finally:
                for given in planned.inputs.values():
                    given.table = given.table.schema.empty_table()

    def _plan(self, connection: duckdb.DuckDBPyConnection, sql: str, tables: Mapping[str, pa.Table]) -> _Planned:
        planned = _Planned(f"planned_{len(self._planned)}", {name: _Input(table) for name, table in tables.items()})
        for name, given in planned.inputs.items():
            connection.register(name, given)
        try:
            connection.execute(f"PREPARE {planned.name} AS {sql}")
        finally:
            for name in planned.inputs:
                connection.unregister(name)
        return planned

    def fork(self) -> Session:
        """Another session on the same database, for another thread."""
        other = Session(self._settings, self._connection.cursor(), limit_s=self._settings.time_limit_s)
        with self._forks_lock:
            self._forks.add(other)
        return other

    def interrupt(self) -> None:
        """Stop the query that runs in this session or in a fork of it, from any thread; it raises QueryError."""
        with self._forks_lock:
            forks = list(self._forks)
        for fork in forks:
            fork.interrupt()
        with suppress(duckdb.ConnectionException):  # it was closed meanwhile
            self._connection.interrupt()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    @contextmanager
    def _guard(self, time_limit_s: float | None) -> Iterator[duckdb.DuckDBPyConnection]:
        limit_s = self._settings.time_limit_s if time_limit_s is None else time_limit_s
        with self._lock:
            if limit_s != self._limit_s:
                self._connection.execute(f"SET max_execution_time = {int(limit_s * 1000)}")
                self._limit_s = limit_s
            try:
                yield self._connection
            except duckdb.InterruptException as error:
                if "execution time" in str(error):
                    raise QueryTimeoutError(limit_s) from error
                raise QueryError("the query was interrupted") from error
            except duckdb.Error as error:
                raise QueryError(str(error)) from error


def connect(settings: DuckSettings | None = None, *, confined_to: Sequence[str] | None = None) -> Session:
    """A session on a new in-memory database, our SQL macros loaded.

    With `confined_to` its queries reach no file outside these folders and no setting can be changed: for SQL that
    somebody typed. Costs some 15 ms; keep it and fork it.
    """
    settings = settings or DuckSettings()
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": settings.threads or len(os.sched_getaffinity(0)),
        "memory_limit": f"{settings.memory_limit_mb}MiB",
        "parquet_metadata_cache": True,
        "autoinstall_known_extensions": False,
    }
    if settings.spill_dir is not None:
        config["temp_directory"] = str(settings.spill_dir)
    connection = duckdb.connect(":memory:", config=config)
    # For all sessions of the database: one that has a limit of its own sets it.
    connection.execute(f"SET GLOBAL max_execution_time = {int(settings.time_limit_s * 1000)}")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute(read_sql("warehouse", "macros"))
    if confined_to is not None:
        connection.execute("SET allowed_directories = $folders", {"folders": list(confined_to)})
        connection.execute("SET enable_external_access = false")
        # The limit of a query is a setting too and is set by now.
        connection.execute("SET lock_configuration = true")
    return Session(settings, connection, limit_s=settings.time_limit_s)


def is_query(sql: str) -> bool:
    """Is this one statement that only reads?"""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    return len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT
