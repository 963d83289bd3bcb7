"""One Delta table: its live files, and commits that add and remove files.

The only module that talks to deltalake. Every commit is made against exactly the version that was read (no silent
retries below us), so two writers can never both succeed from the same state.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from warehouse.data_file import STATS_COLUMNS, NewFile
from warehouse.errors import CommitConflictError, LakeCorruptError, LakeNotFoundError
from warehouse.schema import KEY_COLUMN, SCHEMAS, TableName
from warehouse.snapshot import DataFile
from warehouse.storage import Location

CHECKPOINT_INTERVAL = 20
"""Commits between checkpoints: how many small log files a new reader has to open at most."""
_READ_ANYWAY_S = 60.0
"""So often the log is read whether or not its next commit is there: old commits are cleaned away, and who slept for
weeks would wait for one of them for ever."""


class DeltaLog:
    """The log of one table as this process last read it. Not for two threads at once."""

    def __init__(self, location: Location, table: TableName, storage_options: Mapping[str, str]) -> None:
        self.table = table
        self._location = location
        self._uri = location.join(table)
        self._schema = Schema.from_arrow(SCHEMAS[table])
        try:
            self._delta = DeltaTable(self._uri, storage_options=dict(storage_options) or None)
        except TableNotFoundError as error:
            raise LakeNotFoundError(
                f"there is no lake at {location.uri} (its table {table!r} is missing); "
                "give the folder of a lake, or load something into it first"
            ) from error
        self._files: tuple[int, tuple[DataFile, ...]] | None = None
        self._read_at_s = time.monotonic()

    @staticmethod
    def create(location: Location, table: TableName, storage_options: Mapping[str, str]) -> None:
        """Make the empty table; nothing happens where it is there already."""
        if location.local is not None:
            (location.local / table).mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            location.join(table),
            schema=Schema.from_arrow(SCHEMAS[table]),
            mode="ignore",
            partition_by=["date"],
            name=table,
            configuration={
                "delta.checkpointInterval": str(CHECKPOINT_INTERVAL),
                # Named, since by default the log keeps the statistics of a table's first 32 columns only.
                "delta.dataSkippingStatsColumns": ",".join(STATS_COLUMNS[table]),
            },
            storage_options=dict(storage_options) or None,
        )

    @property
    def version(self) -> int:
        """The version that this object shows."""
        return int(self._delta.version())

    def refresh(self) -> None:
        """Show the newest version. When there is none newer: some microseconds on a local disk, where the next commit
        has a name that is known, else about a millisecond.
        """
        now_s = time.monotonic()
        if (
            self._location.local is not None
            and now_s < self._read_at_s + _READ_ANYWAY_S
            and not (self._location.local / self._commit_path(self.version + 1)).exists()
        ):
            return
        self._read_at_s = now_s
        self._delta.update_incremental()

    def show(self, version: int) -> None:
        """Show exactly this version."""
        if self.version == version:
            return
        if self.version < version:
            self.refresh()
        if self.version != version:
            self._delta.load_as_version(version)

    def restore(self, version: int) -> None:
        """Undo, by a commit of its own, what was committed after `version`."""
        self._delta.restore(version)
        self.refresh()

    def marker(self, name: str) -> int | None:
        """The number last committed under this name. None: never."""
        return self._delta.transaction_version(name)

    def marker_at(self, version: int, name: str) -> int | None:
        """The same as of this version, which is shown from now on. None too: there is no such version (any more)."""
        try:
            self._delta.load_as_version(version)
        except DeltaError:
            return None
        return self.marker(name)

    def files(self) -> tuple[DataFile, ...]:
        """The live files of the version shown, sorted by (date, name)."""
        version = self.version
        if self._files is None or self._files[0] != version:
            self._files = (version, self._read_files())
        return self._files[1]

    def commit(
        self, add: Sequence[NewFile], remove: Iterable[DataFile], markers: Mapping[str, int], *, new_data: bool
    ) -> int:
        """One new version with these files added and removed and the markers set; the version's number.

        new_data is False where the rows stay what they were (compaction). Durable when it returns.
        Raises CommitConflictError when somebody else committed after the version shown.
        """
        now_ms = time.time_ns() // 1_000_000
        actions: list[AddAction | RemoveAction] = [
            AddAction(file.name, file.size_bytes, {"date": file.date.isoformat()}, now_ms, new_data, file.stats)
            for file in add
        ]
        actions += [
            RemoveAction(file.name, new_data, now_ms, file.size_bytes, {"date": file.date.isoformat()})
            for file in remove
        ]
        properties = CommitProperties(
            max_commit_retries=0,
            app_transactions=[Transaction(name, number) for name, number in markers.items()],
        )
        base = self.version
        try:
            self._delta.create_write_transaction(
                actions, "append", self._schema, ["date"], commit_properties=properties
            )
        except CommitFailedError as error:
            raise CommitConflictError(f"another writer changed {self._uri} after version {base}") from error
        self.refresh()
        self._location.sync(self._commit_path(base + 1))
        return base + 1

    def vacuum(self, after_hours: float) -> int:
        """Delete files that have not been live, or never became so, for this long; how many."""
        hours = int(after_hours)
        return len(self._delta.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True))

    def stats(self) -> pa.Table:
        """The log's own statistics, one row a live file (for verify)."""
        return pa.table(self._delta.get_add_actions(flatten=True))

    def _commit_path(self, version: int) -> str:
        return f"{self.table}/_delta_log/{version:020d}.json"

    def _read_files(self) -> tuple[DataFile, ...]:
        try:
            actions = self.stats()
        except DeltaError as error:
            raise LakeCorruptError(f"the log of {self._uri} cannot be read: {error}") from error
        if not actions.num_rows:
            return ()
        key = KEY_COLUMN[self.table]
        absent = [None] * actions.num_rows
        names = actions.column_names
        least = actions.column(f"min.{key}").to_pylist() if f"min.{key}" in names else absent
        most = actions.column(f"max.{key}").to_pylist() if f"max.{key}" in names else absent
        newest = actions.column("max.updated_at").to_pylist() if "max.updated_at" in names else absent
        known = {file.name: file for file in self._files[1]} if self._files else {}
        files = [
            known.get(name)
            or DataFile(self.table, name, f"{self._uri}/{name}", day, rows, size, min_key, max_key, newest_at)
            for name, day, rows, size, min_key, max_key, newest_at in zip(
                actions.column("path").to_pylist(),
                actions.column("partition.date").to_pylist(),
                actions.column("num_records").to_pylist(),
                actions.column("size_bytes").to_pylist(),
                least,
                most,
                newest,
                strict=True,
            )
        ]
        return tuple(sorted(files, key=lambda file: (file.date, file.name)))
