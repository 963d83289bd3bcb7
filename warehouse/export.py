"""Executions out of the lake as a file: CSV, JSON, NDJSON, Parquet or an Arrow stream.

Order: by the instant that places an execution (started_at, else created_at), oldest first. The dates of the lake are
walked one after the other, so memory stays bounded whatever is asked: by what DuckDB needs to merge the files of one
date, and a few batches of text. Nothing is left out silently: the report says how many rows there are and whether
`limit` cut some off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, BinaryIO, Final, Literal, Protocol, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.duck import Params, Session, read_sql
from warehouse.errors import BadInputError
from warehouse.filters import ExecutionFilter
from warehouse.scan import attach_files, files_query
from warehouse.schema import EXECUTIONS
from warehouse.snapshot import DataFile, Snapshot

ExportFormat = Literal["csv", "json", "ndjson", "parquet", "arrow"]
FORMATS: Final[tuple[ExportFormat, ...]] = get_args(ExportFormat)

PART_ROWS: Final = 1_000_000
"""Dates are exported together up to about so many rows; a larger date is a part of its own."""

EXPORT_SCHEMA: Final = pa.schema(
    [field for field in EXECUTIONS if not field.name.startswith(("nodes_", "payloads_"))]
).remove_metadata()
"""Columns of csv, parquet and arrow: those of `executions` without the four that only the merge of records uses."""

ExportKey = tuple[datetime, str]
"""(placed_at, id) of an execution: its place in the order of the export."""

Progress = Callable[[int, int], None]
"""Called after each part with (rows written, rows in the files walked so far)."""


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """What to export."""

    filter: ExecutionFilter = field(default_factory=ExecutionFilter)
    limit: int | None = None
    """Most rows, the oldest first; None: all."""
    bom: bool = False
    """CSV begins with a byte order mark, which some spreadsheets need to see UTF-8."""
    after: ExportKey | None = None
    """Only what comes after this execution in the order of the export: `next_key` of a plan. None: from the first."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise BadInputError(f"limit is {self.limit}; allowed: 0 or more", field="limit", value=self.limit)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written."""

    rows: int
    bytes: int
    cut: bool
    """More executions match than `limit` let through."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export of a snapshot will write."""

    rows: int
    next_key: ExportKey | None
    """`after` of the export that goes on where `limit` cuts this one. None: nothing is left after it."""


def plan_export(session: Session, snapshot: Snapshot, query: ExportQuery) -> ExportPlan:
    """How many rows an export of this snapshot writes, and where the next one goes on.

    Costs the count of what matches, some 5 ms a million rows; with a limit only up to the part where it cuts.
    """
    own = session.fork()
    rows, last = 0, None
    try:
        for files in _parts(_live(snapshot, query)):
            _choose(own, files)
            params = _params(query)
            found: int = own.rows(read_sql("warehouse", "export_count"), params)[0][0]
            if query.limit is not None and rows + found >= query.limit:
                if rows + found > query.limit == rows:
                    return ExportPlan(rows, last)
                last = _key_at(own, params, query.limit - rows - 1) if query.limit > rows else last
                if rows + found > query.limit:
                    return ExportPlan(query.limit, last)
            rows += found
    finally:
        own.close()
    return ExportPlan(rows, None)


def _key_at(session: Session, params: Params, offset: int) -> ExportKey:
    """The place of the execution with `offset` others before it."""
    placed_at, last_id = session.rows(read_sql("warehouse", "export_cut"), {**params, "left": offset})[0]
    return placed_at.astimezone(UTC), last_id


def export(
    session: Session,
    snapshot: Snapshot,
    query: ExportQuery,
    format: ExportFormat,
    sink: BinaryIO,
    *,
    on_progress: Progress | None = None,
) -> ExportReport:
    """Write the executions that match, oldest first, to an open binary file or stream.

    csv: RFC 4180 (comma, CRLF, header of column names), UTF-8; instants ISO 8601 UTC with Z; NULL an empty cell, empty
    text ""; text beginning with = + - @ tab CR LF gets an apostrophe before it, so that no spreadsheet runs it.
    json: one array, ndjson: one object a line, of the contract's Execution without node data, which ingest takes back.
    parquet: zstd; arrow: an IPC stream; both with EXPORT_SCHEMA.
    The session is forked: the caller's own views stay as they are. Raises BadInputError for an unknown format.
    """
    if format not in FORMATS:
        raise BadInputError(
            f"format {format!r} is unknown; allowed: {', '.join(FORMATS)}", field="format", value=format
        )
    counted = _Counting(sink)
    own = session.fork()
    rows = walked = 0
    cut = False
    try:
        with _writer(format, own, counted, query.bom) as writer:
            for files in _parts(_live(snapshot, query)):
                walked += sum(file.rows for file in files)
                _choose(own, files)
                bounds, cut = _cut(own, query, None if query.limit is None else query.limit - rows)
                rows += writer.write(_params(query) | bounds)
                if on_progress:
                    on_progress(rows, walked)
                if cut:
                    break
    finally:
        own.close()
    return ExportReport(rows, counted.bytes, cut)


def _live(snapshot: Snapshot, query: ExportQuery) -> list[DataFile]:
    """Files that may hold rows of the export."""
    files = snapshot.live("executions", query.filter.since, query.filter.until)
    first = query.after[0].astimezone(UTC).date() if query.after else date.min
    return [file for file in files if file.date >= first]


def _params(query: ExportQuery) -> dict[str, Any]:
    after_at, after_id = query.after or (None, None)
    return query.filter.params() | {"after_at": after_at, "after_id": after_id}


def _parts(files: Sequence[DataFile]) -> Iterator[list[DataFile]]:
    """Files by date, oldest first: dates of a single file together up to PART_ROWS, others each on its own."""
    part: list[DataFile] = []
    for _, same_day in groupby(sorted(files, key=_by_date), key=_by_date):
        day = list(same_day)
        if part and (len(day) > 1 or sum(file.rows for file in (*part, *day)) > PART_ROWS):
            yield part
            part = []
        if len(day) > 1:
            yield day
        else:
            part += day
    if part:
        yield part


def _by_date(file: DataFile) -> date:
    return file.date


def _choose(session: Session, files: Sequence[DataFile]) -> None:
    """The view `chosen_executions` over a part, in the order of the export.

    A file is sorted as it lies in the lake and DuckDB keeps the order of files and rows, so only the files of a date
    that has several need to be merged.
    """
    if len({file.date for file in files}) == len(files):
        attach_files(session, "chosen_executions", "executions", files)
    else:
        merged = f"SELECT * FROM ({files_query('executions', files)}) ORDER BY placed_at(started_at, created_at), id"
        session.run(f"CREATE OR REPLACE TEMP VIEW chosen_executions AS {merged}")
    session.run(read_sql("warehouse", "filters"))


def _cut(session: Session, query: ExportQuery, left: int | None) -> tuple[dict[str, Any], bool]:
    """($cut_at and $cut_id of the part, whether they cut anything off) when `left` more rows may be written."""
    if left is None:
        return {"cut_at": None, "cut_id": None}, False
    first_over = session.rows(read_sql("warehouse", "export_cut"), _params(query) | {"left": left}, time_limit_s=0)
    if not first_over:
        return {"cut_at": None, "cut_id": None}, False
    return {"cut_at": first_over[0][0], "cut_id": first_over[0][1]}, True


class _Counting:
    """Passes bytes on to the sink and counts them."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.bytes = 0
        self.closed = False

    def write(self, data: bytes | memoryview) -> int:
        self._sink.write(data)
        size = memoryview(data).nbytes
        self.bytes += size
        return size

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        """The sink is the caller's; it stays open."""


class _Writer(Protocol):
    def write(self, params: Params) -> int:
        """Write what matches in the view `chosen_executions`; the number of rows."""
        ...


def _writer(format: ExportFormat, session: Session, sink: _Counting, bom: bool) -> AbstractContextManager[_Writer]:
    if format == "csv":
        return _csv(session, sink, bom)
    if format in ("json", "ndjson"):
        return _json(session, sink, as_array=format == "json")
    return _tables(session, sink, parquet=format == "parquet")


@contextmanager
def _csv(session: Session, sink: _Counting, bom: bool) -> Iterator[_Writer]:
    session.run(read_sql("warehouse", "export_macros"))
    sink.write((b"\xef\xbb\xbf" if bom else b"") + ",".join(EXPORT_SCHEMA.names).encode() + b"\r\n")
    yield _Texts(session, sink, "export_csv", {})


@contextmanager
def _json(session: Session, sink: _Counting, *, as_array: bool) -> Iterator[_Writer]:
    session.run(read_sql("warehouse", "export_macros"))
    if as_array:
        sink.write(b"[")
        # The comma before the first object is left out.
        yield _Texts(session, sink, "export_json", {"head": ",\n", "tail": ""}, skip_bytes=1)
        sink.write(b"\n]\n")
    else:
        yield _Texts(session, sink, "export_json", {"head": "", "tail": "\n"})


class _Texts:
    """Lines made by DuckDB with all threads: one after the other in Arrow's buffers, and written as they lie there."""

    def __init__(self, session: Session, sink: _Counting, sql: str, params: Params, skip_bytes: int = 0) -> None:
        self._session, self._sink = session, sink
        self._sql, self._params = read_sql("warehouse", sql), params
        self._skip_bytes = skip_bytes

    def write(self, params: Params) -> int:
        rows = 0
        with self._session.reader(self._sql, {**params, **self._params}, batch_rows=16_384, time_limit_s=0) as batches:
            for batch in batches:
                if batch.num_rows:
                    self._sink.write(text_bytes(batch.column(0))[self._skip_bytes :])
                    self._skip_bytes = 0
                    rows += batch.num_rows
        return rows


def text_bytes(texts: pa.Array) -> memoryview:
    """The bytes of all texts of an Arrow string array, one after the other, not copied; it must hold no NULL."""
    raw = memoryview(texts.buffers()[1]).cast("b")
    offsets = raw.cast("q") if pa.types.is_large_string(texts.type) else raw.cast("i")
    return memoryview(texts.buffers()[2])[offsets[texts.offset] : offsets[texts.offset + len(texts)]]


@contextmanager
def _tables(session: Session, sink: _Counting, *, parquet: bool) -> Iterator[_Writer]:
    with ExitStack() as stack:
        out = pa.PythonFile(sink, mode="w")
        writer: pq.ParquetWriter | pa.ipc.RecordBatchStreamWriter
        if parquet:
            writer = stack.enter_context(pq.ParquetWriter(out, EXPORT_SCHEMA, compression="zstd"))
        else:
            writer = stack.enter_context(pa.ipc.new_stream(out, EXPORT_SCHEMA))
        yield _TableParts(session, writer)


class _TableParts:
    """Arrow batches on their way to a Parquet file or a stream."""

    def __init__(self, session: Session, writer: pq.ParquetWriter | pa.ipc.RecordBatchStreamWriter) -> None:
        self._session, self._writer = session, writer

    def write(self, params: Params) -> int:
        rows = 0
        with self._session.reader(
            read_sql("warehouse", "export_rows"), params, batch_rows=122_880, time_limit_s=0
        ) as batches:
            for batch in batches:
                if batch.num_rows:
                    self._writer.write_batch(batch.cast(EXPORT_SCHEMA))
                    rows += batch.num_rows
        return rows
