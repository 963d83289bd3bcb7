"""The lake's verbs: what can be done to it, each a module of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from warehouse import compact as _compact
from warehouse import delete as _delete
from warehouse import retain as _retain
from warehouse import upsert as _upsert
from warehouse import verify as _verify
from warehouse.clock import now
from warehouse.compact import CompactCounts
from warehouse.node_days import prune_days
from warehouse.rollup_cache import prune_folder
from warehouse.schema import Batch, TableName
from warehouse.tables import LakeTables
from warehouse.upsert import WriteCounts
from warehouse.verify import Finding


class Lake(LakeTables):
    """A lake to write to and to look after; `warehouse.open` is the door for reading."""

    def write(self, batch: Batch) -> WriteCounts:
        """Upsert a batch by id, atomically: see upsert.write."""
        return _upsert.write(self, batch)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove executions with all that hangs on them, atomically: see delete.delete."""
        return _delete.delete(self, ids)

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
        removed = super().vacuum(after_hours)
        snapshot, rollups = self.snapshot(), self.folder("rollups")
        prune_folder(rollups, [file.name for file in snapshot.files["executions"]])
        prune_days(rollups, {file.date for file in snapshot.files["node_runs"]})
        return removed

    def verify(self) -> list[Finding]:
        """Check that the lake holds what it says; an empty list is a healthy lake: see verify.verify."""
        return _verify.verify(self)
