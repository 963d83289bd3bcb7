"""Rows into new data files: one or more a date, in the order that files have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt
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
    """Rows in the order files have: date, then the table's instant (NULL first), executions then by id; otherwise as
    they came.
    """
    day = rows["date"].cast(pa.int32()).to_numpy()
    instant = _instant_us(table, rows)
    step = np.diff(day)
    if (step < 0).any() or (instant is not None and ((step == 0) & (np.diff(instant) < 0)).any()):
        order = np.argsort(day, kind="stable") if instant is None else np.lexsort((instant, day))
        rows = rows.take(pa.array(order))
    return _ties_by_id(rows) if table == "executions" else rows


def _ties_by_id(rows: pa.Table) -> pa.Table:
    """Executions sorted by date and instant, those of one instant sorted by id too: pages and exports go on by both."""
    instant = _instant_us("executions", rows)
    assert instant is not None
    same = np.flatnonzero((np.diff(instant) == 0) & (np.diff(rows["date"].cast(pa.int32()).to_numpy()) == 0))
    if not len(same):
        return rows
    ids = rows["id"]
    if not pc.any(pc.greater(ids.take(pa.array(same)), ids.take(pa.array(same + 1)))).as_py():
        return rows
    keys = pa.table({"date": rows["date"], "instant": pa.array(instant), "id": ids})
    return rows.take(pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]))


def _instant_us(table: TableName, rows: pa.Table) -> npt.NDArray[np.int64] | None:
    if table == "payloads":
        return None
    if table == "executions":
        instant = pc.coalesce(rows["started_at"], rows["created_at"])
    else:
        instant = rows["started_at" if table == "node_runs" else "logged_at"]
    result: npt.NDArray[np.int64] = pc.fill_null(instant.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
    return result


def _by_date(rows: pa.Table, file_rows: int) -> Iterator[tuple[date, pa.Table]]:
    days = rows["date"].cast(pa.int32()).to_numpy()
    borders = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), rows.num_rows]
    for start, end in pairwise(borders):
        day = rows["date"][start].as_py()
        for offset in range(start, end, file_rows):
            yield day, rows.slice(offset, min(file_rows, end - offset))
