"""One row of a data file by its number: what a detail is read from."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from warehouse.data_file import file_schema
from warehouse.schema import SCHEMAS
from warehouse.snapshot import DataFile

if TYPE_CHECKING:
    import polars as pl


def read_row(file: DataFile, row: int) -> pa.Table:
    """The row of that number (from 0) of a file of `executions` on a local disk; schema of `executions`.

    Reads the file's footer and the pages with the row: some 5 ms, half of what planning and running a query over the
    file's 38 columns take.
    """
    import polars as pl

    found = pl.scan_parquet(
        file.path, schema=_polars_schema(), hive_partitioning=False, glob=False, use_statistics=False, cache=False
    ).slice(row, 1)
    table = _collected(found).to_arrow(compat_level=pl.CompatLevel.oldest())
    schema = SCHEMAS["executions"]
    date = pa.array([file.date] * table.num_rows, schema.field("date").type)
    return table.append_column("date", date).select(schema.names).cast(schema)


def _collected(found: pl.LazyFrame) -> pl.DataFrame:
    """The rows. An interrupt (Ctrl-C) is the main thread's to hear, but Polars raises it in every thread that collects;
    there it is asked again, so that a server that ends answers what it was asked before.
    """
    while True:
        try:
            return found.collect(engine="in-memory")
        except KeyboardInterrupt:
            if threading.current_thread() is threading.main_thread():
                raise


@cache
def _polars_schema() -> pl.Schema:
    import polars as pl

    empty = pl.from_arrow(file_schema("executions").empty_table())
    assert isinstance(empty, pl.DataFrame)
    return empty.schema
