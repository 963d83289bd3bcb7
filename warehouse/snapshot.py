"""A lake at one instant: which data files are live, the same for all four tables.

A snapshot is a plain value. Whoever holds one sees the same lake for as long as vacuum keeps the files (a setting),
whatever is loaded, updated, deleted or compacted meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from warehouse.schema import TableName

if TYPE_CHECKING:
    from warehouse.hot_view import HotFiles


@dataclass(frozen=True, slots=True)
class DataFile:
    """One immutable Parquet file that is part of a snapshot."""

    table: TableName
    name: str
    """Path inside the table, e.g. `date=2026-11-23/….parquet`: the file's identity."""
    path: str
    """Where DuckDB, Polars or Arrow open it."""
    date: date
    """The partition: every execution in it is placed (coalesce(started_at, created_at)) on this UTC date."""
    rows: int
    size_bytes: int
    min_key: str | None
    max_key: str | None
    """Smallest and largest execution id in it, as the log says. None: not known."""
    newest_at: datetime | None = None
    """Largest `updated_at` of a file of executions, as the log says. None: not known."""
    hot: bool = False
    """It is this process's own copy of rows of the hot store, and no part of the lake."""

    @property
    def local(self) -> bool:
        """It lies on a disk of this machine, not behind a URI."""
        return "://" not in self.path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live files of the four tables at one version of the lake."""

    version: int
    """Grows by at least one with every change of any table."""
    files: Mapping[TableName, tuple[DataFile, ...]]
    """By table, sorted by (date, name)."""
    markers: Mapping[str, int] = field(default_factory=dict)
    """Numbers committed with changes, of the names that LakeTables.watch was told."""
    change_no: int = 0
    """Grows with every change of the hot store; 0: there is none."""
    hot: HotFiles | None = None
    """The hot store's part of the files, which exist for as long as the snapshot is held. None: there is none."""

    def marker(self, name: str) -> int:
        """The number last committed under a watched name; 0: never one."""
        return self.markers[name]

    @property
    def state(self) -> tuple[int, int]:
        """Two snapshots of one lake with equal states hold the same executions."""
        return self.version, self.change_no

    def live(
        self, table: TableName, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[DataFile, ...]:
        """The files that may hold rows of executions placed in [since, until); no file is opened."""
        first = since.date() if since else date.min
        last = (until - timedelta(microseconds=1)).date() if until else date.max
        return tuple(file for file in self.files[table] if first <= file.date <= last)

    def rows(self, table: TableName) -> int:
        """Rows of the table, from the log alone."""
        return sum(file.rows for file in self.files[table])


def without_hot(snapshot: Snapshot) -> Snapshot:
    """The lake's part of a snapshot."""
    if snapshot.hot is None:
        return snapshot
    files = {table: tuple(file for file in found if not file.hot) for table, found in snapshot.files.items()}
    return replace(snapshot, files=files, hot=None)
