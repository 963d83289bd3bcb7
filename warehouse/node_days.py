"""The nodes of one UTC day: built once for the day's immutable files, kept on disk, like the rollups of executions."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa

from warehouse.derived import write_atomically
from warehouse.duck import Session, read_sql
from warehouse.lru import Lru
from warehouse.rollup import worker_session
from warehouse.scan import attach_files
from warehouse.snapshot import DataFile, Snapshot

FORMAT: Final = "1"
"""Changes with node_day.sql; days of another format are built again."""
_SUFFIX: Final = ".nodes.arrow"


@dataclass(frozen=True, slots=True)
class NodeDay:
    """The files that hold the executions placed on one date and their node runs."""

    date: date
    executions: tuple[DataFile, ...]
    node_runs: tuple[DataFile, ...]

    @property
    def since(self) -> datetime:
        """Midnight UTC."""
        return datetime.combine(self.date, time(), UTC)

    @property
    def until(self) -> datetime:
        """The next midnight UTC."""
        return self.since + timedelta(days=1)

    @property
    def hot(self) -> bool:
        """Some of it is in the hot store, so that it will not be the same for long."""
        return any(file.hot for file in (*self.executions, *self.node_runs))

    @property
    def digest(self) -> str:
        """Names these very files: another one means another answer."""
        names = [FORMAT, *sorted(file.name for file in (*self.executions, *self.node_runs))]
        return hashlib.sha256("\n".join(names).encode()).hexdigest()


def days_of(snapshot: Snapshot, since: datetime, until: datetime) -> list[NodeDay]:
    """The days of [since, until) with node runs, ascending."""
    executions, runs = snapshot.live("executions", since, until), snapshot.live("node_runs", since, until)
    return [
        NodeDay(
            day,
            tuple(file for file in executions if file.date == day),
            tuple(file for file in runs if file.date == day),
        )
        for day in sorted({file.date for file in runs})
    ]


def read_node_day(session: Session, day: NodeDay, since: datetime, until: datetime) -> pa.Table:
    """The nodes of the executions of the day placed in [since, until); columns: see sql/node_day.sql."""
    with session.tables():  # keeps other threads from attaching theirs in between
        attach_files(session, "executions", "executions", day.executions)
        attach_files(session, "node_runs", "node_runs", day.node_runs)
        return session.table(read_sql("warehouse", "node_day"), {"since": since, "until": until})


def build_node_day(day: NodeDay) -> bytes:
    """The whole day as it is stored. Pure, plain values in and out: runs in a thread, a process or elsewhere."""
    table = read_node_day(worker_session(), day, day.since, day.until)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema.with_metadata({b"digest": day.digest.encode()})) as writer:
        writer.write_table(table.combine_chunks())
    stored: bytes = sink.getvalue().to_pybytes()
    return stored


def prune_days(folder: Path, live: Collection[date]) -> int:
    """Delete the stored days that are none of these dates; how many."""
    kept = {f"{day.isoformat()}{_SUFFIX}" for day in live}
    gone = [path for path in folder.glob(f"*{_SUFFIX}") if path.name not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


class NodeDays:
    """Whole days, in memory and in one file a date in `folder`. Safe for several threads."""

    def __init__(self, folder: Path, executor: Executor, *, limit_bytes: int = 128 << 20) -> None:
        self._folder = folder
        self._executor = executor
        self._tables: Lru[str, pa.Table] = Lru(limit_bytes)

    def get(self, days: Sequence[NodeDay]) -> list[pa.Table]:
        """The nodes of these whole days, in order; those missing are built on the executor."""
        found = {day.digest: self._lookup(day) for day in days}
        missing = [day for day in days if found[day.digest] is None]
        tasks = {self._executor.submit(build_node_day, day): day for day in missing}
        try:
            for task in as_completed(tasks):
                day = tasks.pop(task)
                stored = task.result()
                write_atomically(self._path(day.date), stored)
                found[day.digest] = table = pa.ipc.open_file(pa.BufferReader(stored)).read_all()
                self._tables.put(day.digest, table)
        finally:
            for task in tasks:
                task.cancel()
        return [table for table in found.values() if table is not None]

    def _lookup(self, day: NodeDay) -> pa.Table | None:
        """From memory, else from disk. None: it has to be built."""
        table = self._tables.get(day.digest)
        if table is not None:
            return table
        try:
            with pa.memory_map(str(self._path(day.date))) as source:
                table = pa.ipc.open_file(source).read_all()
        except (OSError, pa.ArrowException):
            return None  # absent or cut off: derived data, so it is built again
        if (table.schema.metadata or {}).get(b"digest") != day.digest.encode():
            return None
        self._tables.put(day.digest, table)
        return table

    def _path(self, day: date) -> Path:
        return self._folder / f"{day}{_SUFFIX}"
