"""Writing one immutable Parquet file of a table, and saying what is in it for the Delta log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.schema import KEY_COLUMN, SCHEMAS, TableName
from warehouse.storage import Location

BLOOM_FALSE_POSITIVE_RATIO = 0.01
ZSTD_LEVEL = 1

_PAGE_ROWS: dict[TableName, int] = {"executions": 2048}
"""Rows of a page, where one row is read by its number; elsewhere pages are cut by their bytes."""
_PAGE_ROWS_MAX = 20_000

STATS_COLUMNS: dict[TableName, tuple[str, ...]] = {
    "executions": ("id", "workflow_id", "status", "started_at", "stopped_at", "duration_s", "created_at", "updated_at"),
    "node_runs": ("execution_id", "workflow_id", "started_at", "stopped_at", "duration_s"),
    "payloads": ("execution_id",),
    "logs": ("execution_id", "logged_at", "level"),
}
"""Columns whose smallest and largest value stand in the Delta log, so that files are ruled out unopened."""

_FULL_WIDTH_TEXT = frozenset({"data", "error_stack", "error_message", "message", "custom_data"})
"""Columns of long text that hardly repeats: neither a dictionary nor its smallest value is worth the time."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A data file that lies in the table's folder and is not live until a commit names it."""

    table: TableName
    name: str
    date: date
    rows: int
    size_bytes: int
    stats: str
    """Delta's statistics as JSON: numRecords, minValues, maxValues, nullCount."""


def file_schema(table: TableName) -> pa.Schema:
    """The columns inside a file: all but the partition."""
    return pa.schema([field for field in SCHEMAS[table] if field.name != "date"])


def write_file(
    location: Location, table: TableName, day: date, rows: pa.Table | Iterable[pa.RecordBatch], *, row_group_rows: int
) -> NewFile:
    """Write rows of one partition, in the order given, as one new file.

    `rows` has the columns of `file_schema(table)` (others are ignored). A stream of batches is written one row group
    at a time, so memory stays at a row group. Bloom filter on the execution's id, instants delta-packed, zstd.
    """
    schema = file_schema(table)
    name = f"date={day.isoformat()}/{uuid.uuid4().hex}.parquet"
    count = rows.num_rows if isinstance(rows, pa.Table) else row_group_rows
    written: list[pq.FileMetaData] = []
    with (
        location.create(f"{table}/{name}") as sink,
        _writer(sink, table, schema, min(count, row_group_rows), written) as writer,
    ):
        for group in _row_groups(rows, row_group_rows):
            writer.write_table(group.select(schema.names).cast(schema), row_group_size=row_group_rows)
    (metadata,) = written
    size_bytes = location.size(f"{table}/{name}")
    return NewFile(table, name, day, metadata.num_rows, size_bytes, _log_statistics(table, metadata))


def _writer(
    sink: BinaryIO, table: TableName, schema: pa.Schema, keys_per_group: int, written: list[pq.FileMetaData]
) -> pq.ParquetWriter:
    key = KEY_COLUMN[table]
    packed = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    encodings = dict.fromkeys(packed, "DELTA_BINARY_PACKED") | {key: "DELTA_BYTE_ARRAY"}
    plain = _FULL_WIDTH_TEXT | encodings.keys()
    return pq.ParquetWriter(
        sink,
        schema.remove_metadata(),
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=[field.name for field in schema if field.name not in plain],
        column_encoding=encodings,
        write_statistics=[field.name for field in schema if field.name not in _FULL_WIDTH_TEXT],
        bloom_filter_options={key: {"ndv": max(1, keys_per_group), "fpp": BLOOM_FALSE_POSITIVE_RATIO}},
        metadata_collector=written,
        max_rows_per_page=_PAGE_ROWS.get(table, _PAGE_ROWS_MAX),
        store_schema=False,
    )


def _row_groups(rows: pa.Table | Iterable[pa.RecordBatch], row_group_rows: int) -> Iterator[pa.Table]:
    if isinstance(rows, pa.Table):
        for offset in range(0, rows.num_rows, row_group_rows):
            yield rows.slice(offset, row_group_rows)
        return
    held: list[pa.RecordBatch] = []
    held_rows = 0
    for batch in rows:
        while batch.num_rows:
            part = batch.slice(0, row_group_rows - held_rows)
            batch = batch.slice(part.num_rows)
            held.append(part)
            held_rows += part.num_rows
            if held_rows == row_group_rows:
                yield pa.Table.from_batches(held)
                held, held_rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


def _log_statistics(table: TableName, metadata: pq.FileMetaData) -> str:
    """Delta's statistics from those that the Parquet writer kept anyway."""
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, int] = dict.fromkeys(STATS_COLUMNS[table], 0)
    for group in range(metadata.num_row_groups):
        columns = metadata.row_group(group)
        for at in range(columns.num_columns):
            column = columns.column(at)
            name = column.path_in_schema
            if name not in nulls:
                continue
            found = column.statistics
            nulls[name] += found.null_count
            if found.has_min_max:
                least[name] = min(least.get(name, found.min), found.min)
                most[name] = max(most.get(name, found.max), found.max)
    return json.dumps(
        {
            "numRecords": metadata.num_rows,
            "minValues": {name: _stat(value) for name, value in least.items()},
            "maxValues": {name: _stat(value) for name, value in most.items()},
            "nullCount": nulls,
        },
        ensure_ascii=False,
    )


def _stat(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value
