"""Lake and hot store as one: snapshots in which every execution is once, without a lock and without trusting a clock.

A snapshot of the lake says which seals it contains. What the hot store still holds of later seals, and of none, is
what that lake lacks. Where records of a later seal have left the hot store already, a newer lake has them.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import threading
import weakref
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa

from warehouse.errors import LakeCorruptError
from warehouse.hot_view import HotFiles, HotView
from warehouse.listing import Detail
from warehouse.schema import TABLES, TableName
from warehouse.snapshot import Snapshot
from warehouse.tables import LakeTables

if TYPE_CHECKING:
    from warehouse.hot.store import HotStore
    from warehouse.lake import Lake

_ATTEMPTS: Final = 50
_STILL_ATTEMPTS: Final = 5
"""How often a lake that changed while the hot store was looked at is looked at again."""


class Tiers:
    """A lake and its hot store, read together. Safe for several threads."""

    def __init__(self, lake: LakeTables, store: HotStore) -> None:
        """The store stays the caller's to close."""
        self.store = store
        self._lake = lake
        lake.watch(store.seal_marker)
        self._folder = PrivateFolder(lake.folder(".hot"))
        self._narrow = HotView(store, self._folder.make("executions"), ("executions",))
        self._wide = HotView(store, self._folder.make("all"), TABLES)
        self._last: dict[bool, Snapshot] = {}
        self._superseded: set[str] = set()
        self._lock = threading.Lock()

    def snapshot(self, *, details: bool = True) -> Snapshot:
        """Both tiers as they are now; the same object as before while nothing changes.

        details: with node runs, payloads and logs of hot executions; without, those tables show the lake's alone.
        """
        view = self._wide if details else self._narrow
        for attempt in range(_ATTEMPTS):
            lake = self._lake.snapshot()
            hot = view.refresh(lake.marker(self.store.seal_marker))
            if hot is None:
                continue
            last = self._last.get(details)
            if last is not None and last.version == lake.version and last.hot is hot:
                return last
            # An id may be deleted from the lake and come again to the hot store: it must not be seen in both.
            if attempt < _STILL_ATTEMPTS and self._lake.snapshot().version != lake.version:
                continue
            both = _together(lake, hot)
            with self._lock:
                before = self._last.get(details)
                self._last[details] = both
                if before is not None and before.hot is not None:
                    self._superseded |= _names(before.hot) - _names(hot)
            return both
        raise LakeCorruptError(
            f"the hot store has given records to the lake that the lake at {self._lake.uri} does not have; "
            "is it the lake of this hot store?"
        )

    def take_superseded(self) -> set[str]:
        """Names of files that the newest snapshots no longer have, each told once."""
        with self._lock:
            gone, self._superseded = self._superseded, set()
        return gone

    @property
    def folder(self) -> Path:
        """Where this process keeps the files of hot rows."""
        return self._folder.path

    def find(self, id: str, tables: Collection[TableName]) -> Detail | None:
        """An execution that lives in the hot store now. None: look into a lake that is no older than this answer."""
        return self.store.find(id, tables)

    def details(
        self, ids: Collection[str], tables: Collection[TableName]
    ) -> tuple[set[str], dict[TableName, dict[str, pa.Table]]]:
        """(those of the ids that live in the hot store now, by table and id what hangs on them)."""
        found = self.store.find_all(ids, tables) if ids else {}
        parts: dict[TableName, dict[str, pa.Table]] = {table: {} for table in tables}
        for id_, detail in found.items():
            for table in tables:
                rows: pa.Table = getattr(detail, "execution" if table == "executions" else table)
                if rows.num_rows:
                    parts[table][id_] = rows
        return set(found), parts

    def close(self) -> None:
        """Remove the files of this process."""
        self._last.clear()
        self._narrow.close()
        self._wide.close()
        self._folder.close()


def _names(hot: HotFiles) -> set[str]:
    return {file.name for files in hot.files.values() for file in files}


class HotDoor:
    """The way to a lake's hot store, from when there is one on. Safe for several threads."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._tiers: Tiers | None = None
        self._opening = threading.Lock()

    def tiers(self) -> Tiers | None:
        """Both tiers. None: there is no hot store."""
        if self._tiers is None and (store := self._lake.hot()) is not None:
            with self._opening:
                if self._tiers is None:
                    self._tiers = Tiers(self._lake, store)
        return self._tiers

    def close(self) -> None:
        """Remove the files of this process; the store is the lake's to close."""
        if self._tiers is not None:
            self._tiers.close()
            self._tiers = None


def _together(lake: Snapshot, hot: HotFiles) -> Snapshot:
    files = dict(lake.files)
    for table, own in hot.files.items():
        if own:
            files[table] = tuple(sorted((*lake.files[table], *own), key=lambda file: (file.date, file.name)))
    return replace(lake, files=files, change_no=hot.change_no, hot=hot)


class PrivateFolder:
    """A folder of this process alone; those of processes that died are removed on the way."""

    def __init__(self, parent: Path) -> None:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            gate: IO[str] = (parent / ".lock").open("w")
        except OSError:  # a lake that cannot be written to
            self._path = Path(tempfile.mkdtemp(prefix="runlake-hot-"))
            self._lock: IO[str] | None = None
            weakref.finalize(self, shutil.rmtree, self._path, True)
            return
        with gate:  # one process at a time makes its folder and looks for dead ones
            fcntl.flock(gate, fcntl.LOCK_EX)
            self._path = Path(tempfile.mkdtemp(dir=parent))
            self._lock = (self._path / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            weakref.finalize(self, shutil.rmtree, self._path, True)  # at the end of the process, if nobody closes
            _remove_dead(parent, besides=self._path)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    def make(self, name: str) -> Path:
        """A new folder in it, with a name that no other process has."""
        path = self._path / f"{self._path.name}-{name}"
        path.mkdir()
        return path

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self._path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


def _remove_dead(parent: Path, *, besides: Path) -> None:
    for path in parent.iterdir():
        if path == besides or not path.is_dir():
            continue
        with contextlib.suppress(OSError), (path / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held while its process lives
            shutil.rmtree(path, ignore_errors=True)
