"""Makes realistic execution records: as NDJSON of the contract, or straight into a lake.

Records are drawn in SQL, a slice of some hundred thousand at a time, each a pure function of the options and its
number: the same options give the same records, byte for byte, however many threads draw them. What is planted in
them (`generate_plan.planted`) is data, so that reports can be checked against it.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import pyarrow as pa
import zstandard

from ingest import generate_tables as tables
from ingest.contract import ContractFormat
from ingest.format import RECORDS, NormaliseOptions
from ingest.generate_plan import GenerateOptions
from warehouse.duck import Session, read_sql
from warehouse.errors import BadInputError
from warehouse.export import text_bytes
from warehouse.schema import TABLES, Batch, batch_schema

SLICE_RECORDS: Final = {"narrow": 500_000, "nodes": 200_000}
"""Most records drawn at once: what bounds the memory. A slice with more than one day holds whole days."""

Progress = Callable[[int], None]
"""Called with the number of records done so far."""


class Target(Protocol):
    """Where batches go: a lake."""

    @property
    def session(self) -> Session:
        """Its DuckDB session."""
        ...

    def load(self, batch: Batch) -> object:
        """Store one batch, finished executions and others."""
        ...


@dataclass(frozen=True, slots=True)
class GenerateReport:
    """What was generated."""

    executions: int
    bytes_out: int
    """Bytes of NDJSON before compression; 0 for a lake."""


def generate_into_lake(lake: Target, options: GenerateOptions, on_progress: Progress | None = None) -> GenerateReport:
    """Write the records into the lake, a commit a slice; they equal an ingest of the same records as NDJSON."""
    done = 0
    session = lake.session.fork()
    try:
        for batch in batches(session, options):
            lake.load(batch)
            done += batch.executions.num_rows
            if on_progress:
                on_progress(done)
    finally:
        session.close()
    return GenerateReport(done, 0)


def generate_ndjson(
    session: Session,
    options: GenerateOptions,
    target: Path | str | BinaryIO,
    on_progress: Progress | None = None,
) -> GenerateReport:
    """Write the records as NDJSON to a path (compressed if it ends in .gz or .zst), `-` (stdout) or an open file."""
    done = size = 0
    with _opened(target) as sink:
        for lines in line_slices(session, options):
            for chunk in lines.chunks:
                size += _write_strings(sink, chunk)
            done += len(lines)
            if on_progress:
                on_progress(done)
    return GenerateReport(done, size)


def batches(session: Session, options: GenerateOptions) -> Iterator[Batch]:
    """The records as batches for the lake, in order of time; `record_no` is the number of the record, from 0.

    With nodes or payloads the rows come from the records' own JSON through the ingest of the contract's format.
    """
    for executions in _execution_slices(session, options):
        if options.with_nodes:
            yield _normalised(session, _lines(session, options, executions), executions)
        else:
            yield Batch(executions, *(batch_schema(name).empty_table() for name in TABLES if name != "executions"))


def line_slices(session: Session, options: GenerateOptions) -> Iterator[pa.ChunkedArray]:
    """The records as JSON texts, each with its line end, in order of their numbers, a slice at a time."""
    for executions in _execution_slices(session, options):
        yield _lines(session, options, executions)


def _execution_slices(session: Session, options: GenerateOptions) -> Iterator[pa.Table]:
    """Rows of `executions` with batch_schema, slice after slice; the tables of the draw stay visible meanwhile."""
    slots = tables.slots_table(options)
    unfinished = min(5, options.executions // 200)
    fixed = {
        "seed": options.seed,
        "until_us": tables.us_of(options.until),
        "queued_no": options.executions - unfinished,
        "unfinished_no": options.executions - 2 * unfinished,
    }
    session.run(read_sql("ingest", "generate_macros"))
    draws = session.tables(
        generate_slots=slots,
        generate_workflows=tables.workflows_table(options),
        generate_picks=tables.picks_table(options),
        generate_families=tables.families_table(),
    )
    rows_sql, executions_sql = read_sql("ingest", "generate_rows"), read_sql("ingest", "generate_executions")
    with draws:
        try:
            for from_no, to_no in _slices(slots, SLICE_RECORDS["nodes" if options.with_nodes else "narrow"]):
                session.run(rows_sql, {**fixed, "from_no": from_no, "to_no": to_no}, time_limit_s=0)
                rows = session.table(executions_sql, {"seed": options.seed}, time_limit_s=0)
                yield rows.cast(batch_schema("executions"))
        finally:
            session.run("DROP TABLE IF EXISTS generate_rows")


def _lines(session: Session, options: GenerateOptions, executions: pa.Table) -> pa.ChunkedArray:
    """The JSON texts of the slice that was drawn last."""
    params = {"seed": options.seed, "nodes": options.with_nodes, "payloads": options.payloads}
    with session.tables(generated_executions=executions):
        return session.table(read_sql("ingest", "generate_lines"), params, time_limit_s=0).column("line")


def _normalised(session: Session, lines: pa.ChunkedArray, executions: pa.Table) -> Batch:
    records = pa.table([executions.column("record_no"), lines], schema=RECORDS)
    outcome = ContractFormat().normalise(session, records, NormaliseOptions())
    if outcome.rejects.num_rows:
        raise AssertionError(f"a generated record was rejected: {outcome.rejects.slice(0, 1).to_pylist()}")
    return outcome.batch


def _slices(slots: pa.Table, most: int) -> Iterator[tuple[int, int]]:
    """Ranges of record numbers of about `most` records: whole days, or parts of one day cut at multiples of 64."""
    part = most // 64 * 64
    begin = end = 0
    days = slots.group_by(["day_first_no", "day_executions"], use_threads=False).aggregate([])
    for first, count in sorted(zip(days["day_first_no"].to_pylist(), days["day_executions"].to_pylist(), strict=True)):
        if end > begin and first + count - begin > most:
            yield begin, end
            begin = first
        end = first + count
        while end - begin > most:
            yield begin, begin + part
            begin += part
    if end > begin:
        yield begin, end


@contextmanager
def _opened(target: Path | str | BinaryIO) -> Iterator[BinaryIO]:
    """The sink to write bytes to; files we opened are closed, the caller's are flushed."""
    if not isinstance(target, (str, Path)) or str(target) == "-":
        sink: BinaryIO = sys.stdout.buffer if isinstance(target, (str, Path)) else target
        yield sink
        sink.flush()
        return
    path = Path(target)
    if not path.parent.is_dir():
        raise BadInputError(f"the folder {path.parent} does not exist; make it first", field="output", value=str(path))
    with path.open("wb") as raw:
        match path.suffix:
            case ".gz":
                # No name and no time in the header: the same records are the same file.
                with gzip.GzipFile("", "wb", 3, raw, mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            case ".zst":
                with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as packed_zst:
                    yield packed_zst
            case _:
                yield raw


def _write_strings(sink: BinaryIO, strings: pa.Array) -> int:
    """Write the texts one after the other, as they lie in memory; the number of bytes."""
    if not len(strings):
        return 0
    data = text_bytes(strings)
    sink.write(data)
    return data.nbytes
