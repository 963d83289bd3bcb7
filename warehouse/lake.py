"""The lake's verbs: what can be done to it, each a module of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from warehouse import compact as _compact
from warehouse import delete as _delete
from warehouse import retain as _retain
from warehouse import upsert as _upsert
from warehouse import verify as _verify
from warehouse.clock import now
from warehouse.compact import CompactCounts
from warehouse.errors import BadInputError
from warehouse.node_days import prune_days
from warehouse.rollup_cache import prune_folder
from warehouse.schema import FINISHED, Batch, TableName
from warehouse.settings import LakeSettings
from warehouse.snapshot import Snapshot
from warehouse.storage import Location
from warehouse.tables import Change, LakeTables
from warehouse.upsert import WriteCounts, WriteOutcomes
from warehouse.verify import Finding

if TYPE_CHECKING:
    from warehouse.hot.store import HotStore  # imported where it is used: half of the commands need no database

STATE_FILE = "state.db"


class _HotStoreAppearedError(Exception):
    """There is a hot store now, so records must not go past it."""


class Lake(LakeTables):
    """A lake to write to and to look after; `warehouse.open` is the door for reading."""

    def __init__(self, location: Location, settings: LakeSettings) -> None:
        super().__init__(location, settings)
        self._hot: HotStore | None = None

    @property
    def hot_url(self) -> str:
        """Where the hot store of this lake is, or would be. Raises BadInputError: a bucket's must be set."""
        if self.settings.hot_url is not None:
            return self.settings.hot_url
        if self.location.local is None:
            raise BadInputError(
                f"the lake {self.uri} is a bucket, so hot_url must say where its hot store is: "
                "postgresql://user:password@host/name or sqlite:////absolute/path/state.db",
                field="hot_url",
            )
        return f"sqlite:///{self.location.local / STATE_FILE}"

    def hot(self, *, create: bool = False) -> HotStore | None:
        """The hot store of this lake, opened at first use. None: there is none (and `create` is False).

        Raises what HotStore.open raises; BadInputError for a bucket without hot_url when `create`.
        """
        with self._lock:
            if self._hot is None and (create or self._has_hot()):
                from warehouse.hot.store import HotStore

                self._hot = HotStore.open(self.hot_url)
            return self._hot

    def load(self, batch: Batch) -> WriteCounts:
        """Upsert a batch of any size into both tiers: finished records here, the others into the hot store.

        A lake without a hot store gets one with its first unfinished record. Raises what HotStore.bulk_write raises.
        """
        unfinished = not set(batch.executions["status"].unique().to_pylist()) <= set(FINISHED)
        store = self.hot(create=unfinished)
        if store is None:
            try:
                return self._write_unless_hot(batch)
            except _HotStoreAppearedError:
                store = self.hot(create=True)
                assert store is not None
        return store.bulk_write(self, batch).counts

    def write(self, batch: Batch) -> WriteCounts:
        """Upsert a batch by id into the lake alone, atomically: see upsert.write; beside a hot store use `load`."""
        return _upsert.write(self, batch).counts

    def delete(self, ids: Iterable[str]) -> int:
        """Remove executions with all that hangs on them from the lake alone, atomically: see delete.delete."""
        return _delete.delete(self, ids)

    def close(self) -> None:
        """Give DuckDB's memory and the hot store's connections back."""
        with self._lock:
            if self._hot is not None:
                self._hot.close()
                self._hot = None
        super().close()

    def _has_hot(self) -> bool:
        local = self.location.local
        return self.settings.hot_url is not None or (local is not None and (local / STATE_FILE).exists())

    def _write_unless_hot(self, batch: Batch) -> WriteCounts:
        session = self.session.fork()

        def plan(snapshot: Snapshot) -> Change[WriteOutcomes]:
            # Looked at under the writer's lock, which every user of a hot store takes once before its first record.
            if self._has_hot():
                raise _HotStoreAppearedError
            return _upsert.plan_write(self, session, snapshot, batch)

        try:
            return self.change(plan).counts
        finally:
            session.close()

    def compact(self, *, min_files: int = 2) -> CompactCounts:
        """Merge small files: see compact.compact."""
        return _compact.compact(self, min_files=min_files)

    def retain(
        self, *, days: Mapping[TableName, int | None] | None = None, dry_run: bool = False
    ) -> dict[TableName, int]:
        """Drop partitions past their age: see retain.retain."""
        return _retain.retain(self, now(), days=days, dry_run=dry_run)

    def vacuum(self, after_hours: float | None = None) -> dict[TableName, int]:
        """Delete files that no snapshot younger than `after_hours` needs, and what was derived from dead files."""
        store = self.hot()
        if store is not None:
            store.vacuum()
        removed = super().vacuum(after_hours)
        snapshot, rollups = self.snapshot(), self.folder("rollups")
        prune_folder(rollups, [file.name for file in snapshot.files["executions"]])
        prune_days(rollups, {file.date for file in snapshot.files["node_runs"]})
        return removed

    def verify(self) -> list[Finding]:
        """Check that the lake holds what it says; an empty list is a healthy lake: see verify.verify."""
        return _verify.verify(self)
