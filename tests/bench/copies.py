"""A lake many times as large as another, on the same days, hours and workflows: cheaper than drawing it anew."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Final

from tests.bench.reference import bench_sql
from warehouse.data_file import NewFile, write_file
from warehouse.duck import Session
from warehouse.lake import Lake
from warehouse.scan import attach_files
from warehouse.snapshot import DataFile, Snapshot
from warehouse.tables import Change

_TABLE: Final = "executions"


def write_copies(source: Path, target: Path, copies: int) -> None:
    """Fill a new lake at `target` with `copies` of each execution of `source`, a date at a time, in one change.

    Copies have ids of their own, begin some seconds earlier or later within the hour, and last up to 5 % longer or
    shorter, so that their durations fill a histogram as other executions would. Memory: DuckDB's sort of one date,
    which spills.
    """
    read, write = Lake.open(source), Lake.open(target, create=True)
    try:
        write.change(lambda _: Change(None, _files(read.snapshot(), write, copies)))
    finally:
        read.close()
        write.close()


def _files(snapshot: Snapshot, lake: Lake, copies: int) -> list[NewFile]:
    session = lake.session.fork()
    try:
        days = groupby(snapshot.files[_TABLE], key=lambda file: file.date)
        return [_day(session, lake, list(files), copies) for _, files in days]
    finally:
        session.close()


def _day(session: Session, lake: Lake, files: list[DataFile], copies: int) -> NewFile:
    attach_files(session, "source_executions", _TABLE, files)
    group_rows = lake.settings.row_group_rows[_TABLE]
    with session.reader(bench_sql("copies"), {"copies": copies}, batch_rows=group_rows, time_limit_s=0) as rows:
        return write_file(lake.location, _TABLE, files[0].date, rows, row_group_rows=group_rows)
