"""Many small files of a partition into few large ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from warehouse.data_file import NewFile, write_file
from warehouse.duck import Session, read_sql
from warehouse.scan import attach_files
from warehouse.schema import TABLES, TableName
from warehouse.snapshot import DataFile, Snapshot
from warehouse.tables import Change, LakeTables


@dataclass(frozen=True, slots=True)
class CompactCounts:
    """What compaction did."""

    files_before: int
    """Small files that were merged."""
    files_after: int
    """Files that hold their rows now."""
    partitions: int


def compact(lake: LakeTables, *, min_files: int = 2) -> CompactCounts:
    """Merge the small files of every partition that has at least `min_files` of them; rows stay what they were.

    A file is small below half of settings.file_rows. One atomic change a day, so a crash loses one day's work at most.
    Memory: DuckDB's limit (it sorts on disk beyond it) and one row group.
    """
    session = lake.session.fork()
    total = CompactCounts(0, 0, 0)
    try:
        days = sorted({group[0].date for table in TABLES for group in _groups(lake, lake.snapshot(), table, min_files)})
        for day in days:
            done = lake.change(lambda snapshot, day=day: _plan(lake, session, snapshot, day, min_files))  # type: ignore[misc]
            total = CompactCounts(
                total.files_before + done.files_before,
                total.files_after + done.files_after,
                total.partitions + done.partitions,
            )
        return total
    finally:
        session.close()


def _plan(lake: LakeTables, session: Session, snapshot: Snapshot, day: date, min_files: int) -> Change[CompactCounts]:
    add: list[NewFile] = []
    remove: list[DataFile] = []
    partitions = 0
    for table in TABLES:
        for group in _groups(lake, snapshot, table, min_files):
            if group[0].date == day:
                add.append(_merge(lake, session, table, group))
                remove += group
                partitions += 1
    return Change(CompactCounts(len(remove), len(add), partitions), add, remove, new_data=False)


def _groups(lake: LakeTables, snapshot: Snapshot, table: TableName, min_files: int) -> Iterator[list[DataFile]]:
    """Small files of one partition that fit into one file together."""
    most = lake.settings.file_rows[table]
    for _, files in groupby(snapshot.files[table], key=lambda file: file.date):
        small = [file for file in files if file.rows * 2 <= most]
        if len(small) < min_files:
            continue
        group: list[DataFile] = []
        for file in small:
            if group and sum(held.rows for held in group) + file.rows > most:
                if len(group) > 1:
                    yield group
                group = []
            group.append(file)
        if len(group) > 1:
            yield group


def _merge(lake: LakeTables, session: Session, table: TableName, group: list[DataFile]) -> NewFile:
    attach_files(session, "small_files", table, group)
    with session.reader(read_sql("warehouse", f"sorted_{table}"), time_limit_s=0) as rows:
        return write_file(lake.location, table, group[0].date, rows, row_group_rows=lake.settings.row_group_rows[table])
