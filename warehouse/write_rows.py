"""Rows into new data files: one or more a date, in the order that files have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.data_file import NewFile, write_file
from warehouse.schema import TableName
from warehouse.tables import LakeTables


def write_rows(lake: LakeTables, table: TableName, rows: pa.Table) -> list[NewFile]:
    """New files with these rows, one or more a date, sorted; the columns are SCHEMAS[table] (record_no ignored)."""
    if not rows.num_rows:
        return []
    rows = sort_rows(table, rows)
    settings = lake.settings
    return [
        write_file(lake.location, table, day, part, row_group_rows=settings.row_group_rows[table])
        for day, part in _by_date(rows, settings.file_rows[table])
    ]


def sort_rows(table: TableName, rows: pa.Table) -> pa.Table:
    """Rows in the order files have: date, then the table's instant, then the execution's id."""
    if table == "executions":
        instant = pc.coalesce(rows["started_at"], rows["created_at"])
    elif table == "node_runs":
        instant = rows["started_at"]
    elif table == "logs":
        instant = rows["logged_at"]
    else:
        instant = None
    keys = {"date": rows["date"]}
    if instant is not None:
        keys["instant"] = instant
    if _is_sorted(keys):
        return rows
    tie = "id" if table == "executions" else "execution_id"
    order = pc.sort_indices(
        pa.table(keys | {"tie": rows[tie]}),
        sort_keys=[(name, "ascending", "at_start") for name in (*keys, "tie")],
    )
    return rows.take(order)


def _is_sorted(keys: dict[str, pa.ChunkedArray]) -> bool:
    day = keys["date"].cast(pa.int32()).to_numpy()
    step = np.diff(day)
    if (step < 0).any():
        return False
    if "instant" in keys:
        instant = pc.fill_null(keys["instant"].cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
        return not ((step == 0) & (np.diff(instant) < 0)).any()
    return True


def _by_date(rows: pa.Table, file_rows: int) -> Iterator[tuple[date, pa.Table]]:
    days = rows["date"].cast(pa.int32()).to_numpy()
    borders = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), rows.num_rows]
    for start, end in pairwise(borders):
        day = rows["date"][start].as_py()
        for offset in range(start, end, file_rows):
            yield day, rows.slice(offset, min(file_rows, end - offset))
