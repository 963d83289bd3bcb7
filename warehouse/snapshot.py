"""A lake at one instant: which data files are live, the same for all four tables.

A snapshot is a plain value. Whoever holds one sees the same lake for as long as vacuum keeps the files (a setting),
whatever is loaded, updated, deleted or compacted meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from warehouse.schema import TableName


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live files of the four tables at one version of the lake."""

    version: int
    """Grows by at least one with every change of any table."""
    files: Mapping[TableName, tuple[DataFile, ...]]
    """By table, sorted by (date, name)."""

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
