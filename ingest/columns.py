"""Arrow columns of nested records laid flat: structs to dotted columns, lists to a table of their elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.piece import Ints
from warehouse.duck import Session, read_sql

ROWS_A_BATCH: Final = 8192
"""Rows of a record batch that DuckDB scans, so that threads share the work; a few of its vectors."""
_NO_ROWS: Final[dict[tuple[str, tuple[pa.Schema, ...]], pa.Table]] = {}
"""What statements give for no rows, by name and schemas: most bodies have no log line or no payload, and a query that
finds nothing costs 1 to 3 ms too."""


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of one list column over all rows."""

    table: pa.Table
    """One row an element: the struct's fields as (dotted) columns."""
    position: Ints
    """Row of the list that holds the element."""
    order_index: Ints
    """Place in that list, from 0."""
    structs: dict[str, npt.NDArray[np.bool_]]
    """Which elements have the objects whose fields stand in the table under dotted names."""


def in_batches(table: pa.Table) -> pa.Table:
    """The same rows in record batches of ROWS_A_BATCH; no copy."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=ROWS_A_BATCH), table.schema)


def in_order(table: pa.Table, number: str) -> pa.Table:
    """The rows by their `number`, which is dense; no copy of the values.

    DuckDB hands out the rows of a parallel query vector by vector, in no order among them.
    """
    found = numbers(table.column(number))
    breaks = np.flatnonzero(np.diff(found) != 1) + 1
    if not len(breaks):
        return table
    starts = np.concatenate([np.zeros(1, np.int64), breaks])
    stops = np.concatenate([breaks, np.array([len(found)])])
    runs = np.argsort(found[starts], kind="stable")
    return pa.concat_tables([table.slice(int(starts[run]), int(stops[run] - starts[run])) for run in runs])


def run_in_order(session: Session, name: str, number: str, **tables: pa.Table) -> pa.Table:
    """The rows of `ingest/sql/<name>.sql` over these tables, by their `number`; no time limit.

    The statement must give no row where the tables have none: then it is run once only, to know its columns.
    """
    if any(table.num_rows for table in tables.values()):
        batches = {name: in_batches(table) for name, table in tables.items()}
        return in_order(session.table_over(read_sql("ingest", name), **batches), number)
    key = name, tuple(table.schema for table in tables.values())
    found = _NO_ROWS.get(key)
    if found is None:
        found = _NO_ROWS[key] = session.table_over(read_sql("ingest", name), **tables)
        assert not found.num_rows, name
    return found


def flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def numbers(column: pa.ChunkedArray | pa.Array) -> Ints:
    """An integer or instant column without NULLs as numpy int64."""
    array = flat(column)
    if pa.types.is_timestamp(array.type):
        array = array.view(pa.int64())
    result: Ints = array.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return result


def valid(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.bool_]:
    """Which rows are not NULL."""
    if column.null_count == 0:
        return np.ones(len(column), np.bool_)
    result: npt.NDArray[np.bool_] = flat(pc.is_valid(column)).to_numpy(zero_copy_only=False)
    return result


def truth(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.bool_]:
    """Which rows of a boolean column are true; NULL is not."""
    known = pc.fill_null(column, False) if column.null_count else column
    result: npt.NDArray[np.bool_] = flat(known).to_numpy(zero_copy_only=False)
    return result


def first_bytes(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.uint8]:
    """The first byte of each text; 0 for an empty one and for NULL."""
    texts = flat(column)
    result = np.zeros(len(texts), np.uint8)
    _, offsets_buffer, data = texts.buffers()
    if data is None or not data.size:
        return result
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset :][: len(texts) + 1]
    filled = np.flatnonzero(np.diff(offsets) > 0)
    result[filled] = np.frombuffer(data, np.uint8)[offsets[filled]]
    return result


def hashes(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.uint64]:
    """A column of DuckDB's hashes."""
    result: npt.NDArray[np.uint64] = flat(column).to_numpy(zero_copy_only=False)
    return result


def fields(struct: pa.ChunkedArray, prefix: str = "") -> dict[str, pa.ChunkedArray]:
    """The struct's fields by name, nested structs as `outer.inner`; lists stay lists. NULL in a NULL struct."""
    result: dict[str, pa.ChunkedArray] = {}
    children = struct.flatten()
    for at, child in enumerate(children):
        name = prefix + struct.type.field(at).name
        if pa.types.is_struct(child.type):
            result[name] = child
            result.update(fields(child, f"{name}."))
        else:
            result[name] = child
    return result


def elements(lists: pa.ChunkedArray) -> Elements:
    """The structs inside a list column."""
    parts: list[pa.Array] = []
    position: list[Ints] = []
    order: list[Ints] = []
    first_row = 0
    for chunk in lists.chunks:
        lengths: Ints = pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        parts.append(pc.list_flatten(chunk))
        position.append(np.repeat(np.arange(first_row, first_row + len(chunk)), lengths))
        order.append(np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths))
        first_row += len(chunk)
    column = pa.chunked_array(parts, lists.type.value_type)
    columns = fields(column)
    empty: Ints = np.zeros(0, np.int64)
    return Elements(
        pa.table({name: value for name, value in columns.items() if not pa.types.is_struct(value.type)}),
        np.concatenate([empty, *position]),
        np.concatenate([empty, *order]),
        {name: valid(value) for name, value in columns.items() if pa.types.is_struct(value.type)},
    )


def take(table: pa.Table, rows: Ints) -> pa.Table:
    """These rows in this order; no copy where it is all of them as they are, or a stretch."""
    if len(rows) == table.num_rows and (not len(rows) or (rows[0] == 0 and (np.diff(rows) == 1).all())):
        return table
    return table.take(pa.array(rows))


def occurrence(groups: Ints, words: pa.ChunkedArray | pa.Array) -> Ints:
    """For each row how many rows before it have the same group and word."""
    codes = flat(pc.dictionary_encode(flat(words), null_encoding="encode")).indices
    keys = groups * (int(pc.max(codes).as_py() or 0) + 1) + codes.to_numpy(zero_copy_only=False)
    return position_in_group(keys)


def position_in_group(keys: Ints) -> Ints:
    """For each row how many rows before it have the same key."""
    result = np.zeros(len(keys), np.int64)
    if not len(keys):
        return result
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.ones(len(keys), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    if first.all():
        return result
    place = np.arange(len(keys))
    result[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return result


def xor_by_group(values: npt.NDArray[np.uint64], groups: Ints, count: int) -> npt.NDArray[np.uint64]:
    """For each group 0..count-1 the exclusive or of its values; 0 for a group without any. Groups come in order."""
    result = np.zeros(count, np.uint64)
    if len(values):
        first = np.flatnonzero(np.concatenate([np.ones(1, bool), groups[1:] != groups[:-1]]))
        result[groups[first]] = np.bitwise_xor.reduceat(values, first)
    return result
