"""Exports: every row of the filter, in order, in every format; safe in spreadsheets; ingest takes NDJSON back."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contract import ContractFormat
from ingest.format import RECORDS, NormaliseOptions
from warehouse import export as export_module
from warehouse.errors import BadInputError
from warehouse.export import EXPORT_SCHEMA, FORMATS, ExportFormat, ExportQuery, export
from warehouse.filters import ExecutionFilter
from warehouse.lake import Lake
from warehouse.scan import files_query
from warehouse.schema import EXECUTIONS, MODES, Batch, batch_schema

FIRST = datetime(2026, 5, 1, 22, tzinfo=UTC)

NASTY = (
    "plain",
    "",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1 item",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    'said "no", twice',
    "line\r\nbreak",
    "a,b",
    "Ünïcödé \U0001f600 漢字",
    "back\\slash",
    "'quoted'",
    " =1",
    "nul\x01\x1f",
)
"""Texts that break careless writers."""


def rows(seed: int, count: int, days: float = 3.0) -> list[dict[str, Any]]:
    """Executions by rule, of all statuses; microseconds, nasty texts and NULLs among them."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        status = ("queued", "running", "success", "success", "failed", "timeout", "cancelled")[rng.integers(0, 7)]
        at = FIRST + timedelta(
            microseconds=int(rng.integers(0, int(days * 86_400e6))) // 1000 * int(rng.choice([1, 1000]))
        )
        duration_s = (
            None if status in ("queued", "running") else float(np.round(rng.lognormal(0, 2), int(rng.integers(0, 7))))
        )
        started = None if status == "queued" else at
        stopped = None if started is None or duration_s is None else started + timedelta(seconds=duration_s)
        failed = status in ("failed", "timeout")
        text = NASTY[rng.integers(0, len(NASTY))]
        found.append(
            dict.fromkeys(EXECUTIONS.names)
            | {
                "id": f"{seed}-{number}",
                "workflow_id": None if rng.random() < 0.1 else f"wf_{rng.integers(0, 4)}",
                "workflow_name": text if rng.random() < 0.9 else None,
                "status": status,
                "mode": MODES[rng.integers(0, 5)],
                "trigger_type": "webhook" if rng.random() < 0.8 else None,
                "trigger_source": NASTY[rng.integers(0, len(NASTY))] if rng.random() < 0.8 else None,
                "trigger_at": at if rng.random() < 0.5 else None,
                "started_at": started,
                "stopped_at": stopped,
                "duration_s": duration_s,
                "error_type": f"Error{rng.integers(0, 3)}" if failed else None,
                "error_message": f"{text} Connection {number}" if failed else None,
                "error_node_id": "n1" if failed and rng.random() < 0.5 else None,
                "error_stack": "at x\n at y" if failed and rng.random() < 0.3 else None,
                "error_at": stopped if failed else None,
                "retry_of": f"{seed}-{rng.integers(0, 5)}" if rng.random() < 0.2 else None,
                "retry_count": int(rng.integers(0, 3)) if rng.random() < 0.8 else None,
                "queue_time_s": float(np.round(rng.exponential(), 3)) if rng.random() < 0.7 else None,
                "memory_mb": float(np.round(rng.exponential(100), 1)) if rng.random() < 0.5 else None,
                "node_count": int(rng.integers(1, 9)),
                "data_bytes": int(rng.integers(0, 2**60)) if rng.random() < 0.5 else None,
                "wait_till": at + timedelta(days=1) if rng.random() < 0.1 else None,
                "parent_execution_id": "77" if rng.random() < 0.1 else None,
                "custom_data": '{"key":"value, \\"x\\""}' if rng.random() < 0.1 else None,
                "source": "runlake",
                "source_status": status,
                "created_at": at,
                "updated_at": stopped or at,
                "date": at.date(),
            }
        )
    for row in found:
        row["source_mode"] = row["mode"]
    return found


def batch_of(lake: Lake, found: list[dict[str, Any]]) -> Batch:
    """The rows as a batch, with the fingerprints that ingest would give them."""
    table = pa.Table.from_pylist([{"record_no": at, **row} for at, row in enumerate(found)], batch_schema("executions"))
    with lake.session.tables(raw=table):
        printed = lake.session.table(
            "SELECT CASE WHEN error_type <> '' THEN error_fingerprint(error_type, error_message) END AS f FROM raw"
        ).column("f")
    table = table.set_column(table.column_names.index("error_fingerprint"), "error_fingerprint", printed)
    others = (batch_schema(name).empty_table() for name in ("node_runs", "payloads", "logs"))
    return Batch(table, *others)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake whose dates have one, two and three files."""
    found = Lake.open(str(tmp_path_factory.mktemp("lake")), create=True)
    for seed, count, days in ((1, 300, 3.0), (2, 120, 1.2), (3, 60, 0.5)):
        found.write(batch_of(found, rows(seed, count, days)))
    by_date = [file.date for file in found.snapshot().files["executions"]]
    assert {by_date.count(day) for day in set(by_date)} == {1, 2, 3}
    yield found
    found.close()


def reference(lake: Lake) -> pl.DataFrame:
    """All rows of the lake in the order of an export."""
    query = files_query("executions", lake.snapshot().files["executions"])
    found = pl.from_arrow(lake.session.table(query))
    assert isinstance(found, pl.DataFrame)
    return found.sort(pl.coalesce("started_at", "created_at"), "id").select(EXPORT_SCHEMA.names)


def exported(lake: Lake, format: ExportFormat, query: ExportQuery | None = None) -> bytes:
    sink = io.BytesIO()
    report = export(lake.session, lake.snapshot(), query or ExportQuery(), format, sink)
    assert report.bytes == len(sink.getvalue())
    return sink.getvalue()


def ids(lake: Lake, query: ExportQuery) -> list[str]:
    return [json.loads(line)["id"] for line in exported(lake, "ndjson", query).splitlines()]


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_tables_are_the_rows_in_order(lake: Lake, format: ExportFormat) -> None:
    data = exported(lake, format)
    table = pq.read_table(pa.BufferReader(data)) if format == "parquet" else pa.ipc.open_stream(data).read_all()
    assert table.schema.equals(EXPORT_SCHEMA)
    assert pl.from_arrow(table).equals(reference(lake))  # type: ignore[arg-type]
    if format == "parquet":
        assert pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0).column(0).compression == "ZSTD"


def test_csv_is_rfc_4180_and_harmless(lake: Lake) -> None:
    data = exported(lake, "csv")
    header, *lines = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
    assert header == EXPORT_SCHEMA.names
    expected = reference(lake)
    assert len(lines) == expected.height
    for cells, row in zip(lines, expected.iter_rows(named=True), strict=True):
        assert cells == [cell_of(value) for value in row.values()]
        for name, cell in zip(header, cells, strict=True):
            number = isinstance(row[name], (int, float))
            assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert data.endswith(b"\r\n")
    assert any(cell.startswith("'=cmd") for cells in lines for cell in cells)


def cell_of(value: object) -> str:
    """What a cell must hold."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
        return (text.rstrip("0") if value.microsecond else text) + "Z"
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return "'" + value
    return str(value)


def test_csv_tells_empty_text_from_nothing_and_may_have_a_bom(lake: Lake) -> None:
    data = exported(lake, "csv", ExportQuery(bom=True))
    assert data == b"\xef\xbb\xbf" + exported(lake, "csv")
    assert b',"",' in data
    assert reference(lake).filter(pl.col("workflow_name") == "").height > 0


def test_json_is_the_contracts_object(lake: Lake) -> None:
    objects = json.loads(exported(lake, "json"))
    assert objects == [json.loads(line) for line in exported(lake, "ndjson").split(b"\n")[:-1]]
    for found, row in zip(objects, reference(lake).iter_rows(named=True), strict=True):
        assert (found["id"], found["status"], found["mode"]) == (row["id"], row["status"], row["mode"])
        assert found.get("workflowName") == row["workflow_name"]
        assert found.get("duration") == row["duration_s"]
        assert found.get("error", {}).get("message") == row["error_message"]
        assert found.get("metadata", {}).get("queueTime") == row["queue_time_s"]
        assert found.get("trigger", {}).get("source") == row["trigger_source"]
        assert found.get("customData") == (json.loads(row["custom_data"]) if row["custom_data"] else None)
        assert None not in found.values()


def test_ndjson_goes_back_into_a_lake_and_is_the_same(lake: Lake, tmp_path: Path) -> None:
    lines = exported(lake, "ndjson").decode().split("\n")[:-1]
    records = pa.table([pa.array(range(len(lines)), pa.int64()), lines], schema=RECORDS)
    other = Lake.open(str(tmp_path / "other"), create=True)
    normalised = ContractFormat().normalise(other.session, records, NormaliseOptions())
    assert normalised.rejects.num_rows == 0
    other.write(normalised.batch)
    assert reference(other).equals(reference(lake))
    counts = lake.write(normalised.batch)
    assert (counts.new, counts.updated) == (0, 0)
    other.close()


FILTERS: list[tuple[ExecutionFilter, Callable[[pl.DataFrame], pl.Expr]]] = [
    (ExecutionFilter(since=FIRST + timedelta(hours=5)), lambda f: placed() >= FIRST + timedelta(hours=5)),
    (ExecutionFilter(until=FIRST + timedelta(days=1)), lambda f: placed() < FIRST + timedelta(days=1)),
    (ExecutionFilter(workflow_ids=("wf_1", "wf_3")), lambda f: pl.col("workflow_id").is_in(["wf_1", "wf_3"])),
    (ExecutionFilter(statuses=("failed", "queued")), lambda f: pl.col("status").is_in(["failed", "queued"])),
    (ExecutionFilter(modes=("manual",)), lambda f: pl.col("mode") == "manual"),
    (ExecutionFilter(error_types=("Error1",)), lambda f: pl.col("error_type") == "Error1"),
    (ExecutionFilter(min_duration_s=2.5), lambda f: pl.col("duration_s") >= 2.5),
    (ExecutionFilter(retry_of="1-3"), lambda f: pl.col("retry_of") == "1-3"),
    (ExecutionFilter(error_text="CONNECTION 1"), lambda f: pl.col("error_message").str.contains("Connection 1")),
    (
        ExecutionFilter(statuses=("failed",), workflow_ids=("wf_0",), min_duration_s=0.5),
        lambda f: (pl.col("status") == "failed") & (pl.col("workflow_id") == "wf_0") & (pl.col("duration_s") >= 0.5),
    ),
]


def placed() -> pl.Expr:
    return pl.coalesce("started_at", "created_at")


@pytest.mark.parametrize(("chosen", "expected"), FILTERS, ids=range(len(FILTERS)))
def test_filters(lake: Lake, chosen: ExecutionFilter, expected: Callable[[pl.DataFrame], pl.Expr]) -> None:
    frame = reference(lake)
    wanted = frame.filter(expected(frame))["id"].to_list()
    assert 0 < len(wanted) < frame.height
    assert ids(lake, ExportQuery(chosen)) == wanted


def test_a_fingerprint_chooses_its_group(lake: Lake) -> None:
    frame = reference(lake)
    fingerprint = frame["error_fingerprint"].drop_nulls().mode()[0]
    wanted = frame.filter(pl.col("error_fingerprint") == fingerprint)["id"].to_list()
    assert ids(lake, ExportQuery(ExecutionFilter(fingerprint=fingerprint))) == wanted


@pytest.mark.parametrize("limit", [0, 1, 57, 200, 479, 480, 481])
@pytest.mark.parametrize("format", FORMATS)
def test_a_limit_takes_the_oldest_and_says_so(lake: Lake, limit: int, format: ExportFormat) -> None:
    report = export(lake.session, lake.snapshot(), ExportQuery(limit=limit), format, io.BytesIO())
    assert (report.rows, report.cut) == (min(limit, 480), limit < 480)
    if format == "ndjson":
        assert ids(lake, ExportQuery(limit=limit)) == reference(lake)["id"].to_list()[:limit]


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_of_nothing_is_whole(lake: Lake, format: ExportFormat) -> None:
    nothing = ExportQuery(ExecutionFilter(since=datetime(2031, 1, 1, tzinfo=UTC)))
    data = exported(lake, format, nothing)
    match format:
        case "csv":
            assert data.decode() == ",".join(EXPORT_SCHEMA.names) + "\r\n"
        case "json":
            assert json.loads(data) == []
        case "ndjson":
            assert data == b""
        case "parquet":
            assert pq.read_table(pa.BufferReader(data)).schema.equals(EXPORT_SCHEMA)
        case _:
            assert pa.ipc.open_stream(data).read_all().num_rows == 0


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_and_a_pipe_get_the_same_bytes(lake: Lake, format: ExportFormat, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as sink:
        export(lake.session, lake.snapshot(), ExportQuery(limit=50), format, sink)
        assert not sink.closed
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as pipe:
        export(lake.session, lake.snapshot(), ExportQuery(limit=50), format, pipe)
    with os.fdopen(read_end, "rb") as pipe:
        assert pipe.read() == (tmp_path / "out").read_bytes()


def test_small_parts_give_the_same_rows_and_progress(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = exported(lake, "csv")
    monkeypatch.setattr(export_module, "PART_ROWS", 1)
    seen: list[tuple[int, int]] = []
    sink = io.BytesIO()
    export(lake.session, lake.snapshot(), ExportQuery(), "csv", sink, on_progress=lambda *step: seen.append(step))
    assert sink.getvalue() == whole
    assert len(seen) == len({file.date for file in lake.snapshot().files["executions"]})
    assert seen[-1] == (480, 480)


def test_the_callers_session_is_left_alone_and_a_broken_sink_is_told(lake: Lake) -> None:
    lake.session.run("CREATE OR REPLACE TEMP VIEW chosen_executions AS SELECT 42 AS mine")
    exported(lake, "csv")
    assert lake.session.rows("SELECT mine FROM chosen_executions") == [(42,)]
    lake.session.run("DROP VIEW chosen_executions")

    class Broken(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError("disk full")

    broken: BinaryIO = Broken()
    words: tuple[ExportFormat, ...] = ("csv", "ndjson")
    for word in words:
        with pytest.raises(OSError, match="disk full"):
            export(lake.session, lake.snapshot(), ExportQuery(), word, broken)
    assert len(ids(lake, ExportQuery())) == 480


def test_wrong_questions_say_what_is_allowed(lake: Lake) -> None:
    with pytest.raises(BadInputError, match="'xml' is unknown; allowed: csv, json, ndjson, parquet, arrow"):
        exported(lake, "xml")  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="status 'broken' is unknown; allowed: queued"):
        ExecutionFilter(statuses=("broken",))  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="limit is -1"):
        ExportQuery(limit=-1)
    with pytest.raises(BadInputError, match="without a time zone"):
        ExecutionFilter(since=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(BadInputError, match="later than until"):
        ExecutionFilter(since=FIRST, until=FIRST - timedelta(days=1))
    with pytest.raises(BadInputError, match="min_duration_s is nan"):
        ExecutionFilter(min_duration_s=float("nan"))
