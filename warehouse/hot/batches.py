"""Records as they lie in the hot store: four Arrow tables a batch, encoded once, decoded when somebody reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
import zstandard

from warehouse.hot.any_of import in_any
from warehouse.hot.tables import hot_batches
from warehouse.schema import TABLES, Batch, TableName, batch_schema

_LEVEL: Final = 1


def encode(table: TableName, rows: pa.Table) -> bytes | None:
    """Rows of a table with record_no as an Arrow IPC stream inside one zstd frame. None: there are none.

    One frame for all columns: a frame a column, as Arrow itself compresses, takes four times as long.
    """
    if not rows.num_rows:
        return None
    sink = pa.BufferOutputStream()
    rows = rows.cast(batch_schema(table)).combine_chunks()
    with pa.ipc.new_stream(sink, rows.schema.remove_metadata()) as stream:
        stream.write_table(rows)
    return zstandard.ZstdCompressor(level=_LEVEL).compress(memoryview(sink.getvalue()))


def decode(table: TableName, data: bytes | memoryview | None) -> pa.Table:
    """The rows again, with batch_schema(table)."""
    if data is None:
        return batch_schema(table).empty_table()
    raw = zstandard.ZstdDecompressor().decompress(data)
    rows = pa.ipc.open_stream(raw).read_all()
    # Field by field what the writer wrote; only the documentation of the columns is not stored.
    return pa.Table.from_arrays(rows.columns, schema=batch_schema(table))


@dataclass(slots=True)
class HotBatch:
    """One row of hot_batches, with those tables that were asked for. Safe to share between threads."""

    batch_no: int
    data: Mapping[TableName, bytes | None]
    _tables: dict[TableName, pa.Table] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of the encoded tables."""
        return sum(len(one) for one in self.data.values() if one is not None)

    def table(self, name: TableName) -> pa.Table:
        """Rows with batch_schema(name), decoded at the first call. KeyError: it was not asked for."""
        found = self._tables.get(name)
        if found is None:
            found = self._tables[name] = decode(name, self.data[name])
        return found

    def records(self, record_nos: Iterable[int], names: Collection[TableName] = TABLES) -> dict[TableName, pa.Table]:
        """The rows of these records."""
        numbers = pa.array(np.fromiter(record_nos, np.int64), pa.int64())
        return {name: _of(self.table(name), numbers) for name in names}


def encode_batch(batch_no: int, batch: Batch) -> HotBatch:
    """Ready to be written; what it was made from is at hand for who reads it next."""
    return HotBatch(batch_no, {name: encode(name, batch.table(name)) for name in TABLES})


def insert_batch(connection: sa.Connection, batch: HotBatch, rows: int) -> None:
    """Write it, with so many records that all have a pointer."""
    values: dict[str, Any] = {
        "batch_no": batch.batch_no,
        "rows": rows,
        "live_rows": rows,
        "size_bytes": batch.nbytes,
    }
    values |= dict(batch.data.items())
    connection.execute(sa.insert(hot_batches), [values])


def read_batches(
    connection: sa.Connection, batch_nos: Collection[int], names: Collection[TableName] = TABLES
) -> dict[int, HotBatch]:
    """Those of the batches that are there, with these tables."""
    if not batch_nos:
        return {}
    columns = [hot_batches.c[name] for name in names]
    wanted = sa.select(hot_batches.c.batch_no, *columns).where(in_any(hot_batches.c.batch_no, batch_nos))
    return {
        batch_no: HotBatch(batch_no, dict(zip(names, data, strict=True)))
        for batch_no, *data in connection.execute(wanted)
    }


def release_rows(connection: sa.Connection, gone: Mapping[int, int]) -> None:
    """So many pointers to these batches are gone; a batch without any goes."""
    if not gone:
        return
    change = sa.update(hot_batches).where(hot_batches.c.batch_no == sa.bindparam("number"))
    connection.execute(
        change.values(live_rows=hot_batches.c.live_rows - sa.bindparam("count")),
        [{"number": number, "count": count} for number, count in gone.items()],
    )
    connection.execute(
        sa.delete(hot_batches).where(in_any(hot_batches.c.batch_no, list(gone)), hot_batches.c.live_rows <= 0)
    )


def _of(rows: pa.Table, numbers: pa.Array) -> pa.Table:
    return rows.filter(pc.is_in(rows["record_no"], value_set=numbers))
