"""A lake: four Delta tables that change together.

Delta commits one table at a time. To make a change of all four one change, the tables that hang on an execution are
committed first and `executions` last; that last commit carries the versions of the other three (markers in its log).
A reader takes the newest version of `executions` and exactly the versions it names. So a process that dies between
two commits leaves nothing to see, and the next writer puts the tables that ran ahead back before it begins.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Generic, Self, TypeVar

from warehouse.data_file import NewFile
from warehouse.delta import DeltaLog
from warehouse.duck import Session, connect
from warehouse.errors import CommitConflictError, LakeNotFoundError
from warehouse.id_index import IdIndex
from warehouse.schema import TABLES, TableName
from warehouse.settings import LakeSettings
from warehouse.snapshot import DataFile, Snapshot
from warehouse.storage import Location

Outcome = TypeVar("Outcome")

_SPARE_SESSIONS: Final = 4
"""Sessions that are kept for the next who wants one: as many as write at a time, and some."""

_DETAILS: Final[tuple[TableName, ...]] = tuple(table for table in TABLES if table != "executions")


@dataclass(frozen=True, slots=True)
class Change(Generic[Outcome]):
    """What one change does to the live files, and what its caller is told."""

    outcome: Outcome
    add: Sequence[NewFile] = ()
    remove: Sequence[DataFile] = ()
    new_data: bool = True
    """False: the rows stay what they were (compaction)."""
    markers: Mapping[str, int] = field(default_factory=dict)
    """Numbers committed together with the change, for whoever must do a thing exactly once."""

    @property
    def empty(self) -> bool:
        """Nothing to commit."""
        return not (self.add or self.remove or self.markers)


class LakeTables:
    """The writer's and the reader's view of a lake's files. Safe to share between threads."""

    def __init__(self, location: Location, settings: LakeSettings) -> None:
        self.location = location
        self.settings = settings
        self.id_index = IdIndex(location.folder("rollups"))
        """Which data files hold an id."""
        self._session: Session | None = None
        self._logs: dict[TableName, DeltaLog] = {
            table: DeltaLog(location, table, settings.storage_options) for table in TABLES
        }
        self._snapshot: Snapshot | None = None
        self._watched: tuple[str, ...] = ()
        self._spare: list[Session] = []
        self._lock = threading.RLock()

    @classmethod
    def open(cls, uri: str | os.PathLike[str], settings: LakeSettings | None = None, *, create: bool = False) -> Self:
        """The lake at a folder or URI; with `create` an empty one is made where there is none.

        Raises LakeNotFoundError when there is none and `create` is False.
        """
        settings = settings or LakeSettings()
        location = Location(uri)
        if create:
            # executions last: a lake is there when its last table is.
            for table in (*_DETAILS, "executions"):
                DeltaLog.create(location, table, settings.storage_options)
        elif location.local is not None and not (location.local / "executions" / "_delta_log").is_dir():
            raise LakeNotFoundError(
                f"there is no lake at {location.uri}; give the folder of a lake, or load something into it first"
            )
        return cls(location, settings)

    @property
    def uri(self) -> str:
        """The folder or URI."""
        return self.location.uri

    @property
    def session(self) -> Session:
        """This lake's DuckDB session, opened at first use; `fork()` it for another thread."""
        with self._lock:
            if self._session is None:
                duck = self.settings.duck
                self._session = connect(replace(duck, spill_dir=duck.spill_dir or self.folder(".spill")))
            return self._session

    @contextlib.contextmanager
    def lent_session(self) -> Iterator[Session]:
        """A session of one's own for a while, with what it has planned for those who had it before.

        For queries that are run again and again (see Session.table_over): planning them costs more than small answers.
        """
        with self._lock:
            session = self._spare.pop() if self._spare else self.session.fork()
        try:
            yield session
        except BaseException:
            session.close()
            raise
        with self._lock:
            if self._session is not None and len(self._spare) < _SPARE_SESSIONS:
                self._spare.append(session)
                return
        session.close()

    def folder(self, name: str) -> Path:
        """Local folder `rollups`, `quarantine` or `reports` of this lake (not made yet)."""
        return self.location.folder(name)

    def snapshot(self) -> Snapshot:
        """The lake as it is now: one version of all four tables.

        Costs about a millisecond when nothing has changed; then it is the same object as before.
        """
        with self._lock:
            executions = self._logs["executions"]
            executions.refresh()
            if self._snapshot is None or self._snapshot.version != executions.version:
                for table in _DETAILS:
                    self._logs[table].show(self._pinned(table))
                files = {table: self._logs[table].files() for table in TABLES}
                markers = {name: executions.marker(name) or 0 for name in self._watched}
                self._snapshot = Snapshot(executions.version, files, markers)
            return self._snapshot

    def watch(self, marker: str) -> None:
        """Have snapshots carry the number last committed under this name (Change.markers)."""
        with self._lock:
            if marker not in self._watched:
                self._watched += (marker,)
                self._snapshot = None

    def change(self, plan: Callable[[Snapshot], Change[Outcome]]) -> Outcome:
        """Make one atomic change: `plan` looks at a snapshot, writes new files, and says what to add and remove.

        One writer at a time on a local disk. Where writers meet all the same (a bucket), the one that commits second
        has its plan made again from the new state, so `plan` must depend on its snapshot alone.
        Raises LakeBusyError, CommitConflictError (after settings.commit_attempts).
        """
        with self.location.writer_lock(self.settings.lock_timeout_s):
            for attempt in range(1, self.settings.commit_attempts + 1):
                with self._lock:
                    self._repair()
                    snapshot = self.snapshot()
                change = plan(snapshot)
                if change.empty:
                    return change.outcome
                try:
                    with self._lock:
                        self._commit(change, snapshot)
                    return change.outcome
                except CommitConflictError:
                    self._discard(change.add)
                    if attempt == self.settings.commit_attempts:
                        raise
        raise AssertionError("unreachable")

    def marker_at(self, version: int, marker: str) -> int | None:
        """The number last committed under this name when the lake had this version. None: never one, or no such version
        (any more: the log keeps them for some 30 days).

        Costs some 10 ms: the log is opened anew.
        """
        return DeltaLog(self.location, "executions", self.settings.storage_options).marker_at(version, marker)

    def vacuum(self, after_hours: float | None = None) -> dict[TableName, int]:
        """Delete files that no snapshot younger than `after_hours` needs; how many, by table.

        Only then are deleted and superseded records physically gone.
        """
        hours = self.settings.vacuum_after_hours if after_hours is None else after_hours
        with self.location.writer_lock(self.settings.lock_timeout_s), self._lock:
            self._repair()
            removed = {table: self._logs[table].vacuum(hours) for table in _DETAILS}
            removed["executions"] = self._logs["executions"].vacuum(hours)
            # Vacuum writes commits of its own to the logs, so the versions that belong together have moved.
            self._commit_markers()
            return removed

    def close(self) -> None:
        """Give DuckDB's memory back."""
        with self._lock:
            for session in self._spare:
                session.close()
            self._spare.clear()
            if self._session is not None:
                self._session.close()
                self._session = None

    def log(self, table: TableName) -> DeltaLog:
        """The table's log (for verify)."""
        return self._logs[table]

    def _pinned(self, table: TableName) -> int:
        return self._logs["executions"].marker(f"runlake.{table}") or 0

    def _repair(self) -> None:
        """Put back the tables that a dead writer left ahead of `executions`."""
        self._logs["executions"].refresh()
        restored = False
        for table in _DETAILS:
            log = self._logs[table]
            log.refresh()
            if log.version > self._pinned(table):
                log.restore(self._pinned(table))
                restored = True
        if restored:
            self._commit_markers()

    def _commit(self, change: Change[Outcome], snapshot: Snapshot) -> None:
        for table in _DETAILS:
            self._logs[table].refresh()
            add = [file for file in change.add if file.table == table]
            remove = [file for file in change.remove if file.table == table]
            if add or remove:
                if self._logs[table].version != self._pinned(table):
                    raise CommitConflictError(f"another writer changed {table}")
                self._logs[table].commit(add, remove, {}, new_data=change.new_data)
        executions = self._logs["executions"]
        if executions.version != snapshot.version:
            raise CommitConflictError("another writer changed executions")
        executions.commit(
            [file for file in change.add if file.table == "executions"],
            [file for file in change.remove if file.table == "executions"],
            self._versions() | dict(change.markers),
            new_data=change.new_data,
        )

    def _commit_markers(self) -> None:
        self._logs["executions"].commit([], [], self._versions(), new_data=False)

    def _versions(self) -> dict[str, int]:
        return {f"runlake.{table}": self._logs[table].version for table in _DETAILS}

    def _discard(self, files: Sequence[NewFile]) -> None:
        for file in files:
            with contextlib.suppress(OSError):
                self.location.remove(f"{file.table}/{file.name}")
