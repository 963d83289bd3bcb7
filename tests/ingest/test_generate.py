"""Generated records: exact number, deterministic, the same by both ways, and true to what is said to be planted."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import zstandard

from ingest import generate as generate_module
from ingest.contract import ContractFormat
from ingest.format import RECORDS, NormaliseOptions
from ingest.generate import batches, generate_into_lake, generate_ndjson
from ingest.generate_plan import GenerateOptions, Planted, planted, workflows
from tests.warehouse.hot_helpers import all_of
from warehouse.duck import DuckSettings, Session, connect
from warehouse.errors import BadInputError
from warehouse.lake import Lake
from warehouse.schema import SCHEMAS, TABLES

SMALL = GenerateOptions(1_200, days=5, workflows=12, seed=7)
LARGE = GenerateOptions(60_000, days=30, workflows=20, seed=3)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    found = connect()
    yield found
    found.close()


@pytest.fixture(scope="module")
def large(session: Session) -> pl.DataFrame:
    """The executions of LARGE."""
    tables = [batch.executions for batch in batches(session, LARGE)]
    frame = pl.from_arrow(pa.concat_tables(tables))
    assert isinstance(frame, pl.DataFrame)
    return frame


@pytest.fixture(scope="module")
def truths() -> Planted:
    return planted(LARGE)


def ndjson(session: Session, options: GenerateOptions) -> bytes:
    sink = io.BytesIO()
    report = generate_ndjson(session, options, sink)
    assert (report.executions, report.bytes_out) == (options.executions, len(sink.getvalue()))
    return sink.getvalue()


def test_same_options_give_the_same_bytes_whatever_the_threads(session: Session) -> None:
    options = GenerateOptions(2_000, days=3, seed=11, payloads=True)
    other = connect(DuckSettings(threads=1))
    assert ndjson(session, options) == ndjson(session, options) == ndjson(other, options)
    assert ndjson(session, GenerateOptions(2_000, days=3, seed=12, payloads=True)) != ndjson(session, options)
    other.close()


def test_slices_do_not_change_the_records(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sorted(ndjson(session, SMALL).splitlines())
    for most in (192, 700):  # parts of a day; some days at once
        monkeypatch.setitem(generate_module.SLICE_RECORDS, "narrow", most)
        assert sorted(ndjson(session, SMALL).splitlines()) == whole
        assert max(batch.executions.num_rows for batch in batches(session, SMALL)) <= most


@pytest.mark.parametrize("executions", [1, 2, 63, 64, 65, 999])
@pytest.mark.parametrize("days", [1, 40])
def test_exactly_so_many_inside_the_window(session: Session, executions: int, days: int) -> None:
    until = datetime(2026, 3, 4, 15, 17, 33, tzinfo=UTC)
    options = GenerateOptions(executions, days=days, workflows=3, until=until)
    rows = pa.concat_tables([batch.executions for batch in batches(session, options)])
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    placed = frame.select(at=pl.coalesce("started_at", "created_at"))["at"]
    assert frame["id"].n_unique() == executions == frame.height
    assert placed.min() >= until - timedelta(days=days)  # type: ignore[operator]
    assert placed.max() < until  # type: ignore[operator]
    assert (placed.dt.date() == frame["date"]).all()
    assert placed.is_sorted()


@pytest.mark.parametrize("wide", [{}, {"nodes": True}, {"payloads": True}])
def test_into_a_lake_is_the_same_as_ndjson_ingested(session: Session, tmp_path: Path, wide: dict[str, bool]) -> None:
    options = GenerateOptions(1_500, days=4, workflows=9, seed=5, **wide)  # type: ignore[arg-type]
    straight = Lake.open(str(tmp_path / "straight"), create=True)
    generate_into_lake(straight, options)
    loaded = Lake.open(str(tmp_path / "loaded"), create=True)
    lines = ndjson(session, options).decode().splitlines()
    records = pa.table([pa.array(range(len(lines)), pa.int64()), lines], schema=RECORDS)
    normalised = ContractFormat().normalise(session, records, NormaliseOptions())
    assert normalised.rejects.num_rows == 0
    loaded.load(normalised.batch)
    assert contents(straight) == contents(loaded)
    assert bool(contents(straight)["payloads"]) == options.payloads
    assert bool(contents(straight)["node_runs"]) == options.with_nodes
    # ... so that loading the NDJSON into the lake that was generated straight changes nothing.
    counts = straight.load(normalised.batch)
    assert (counts.new, counts.updated, counts.unchanged) == (0, 0, options.executions)
    straight.close()
    loaded.close()


def contents(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    return {
        table: sorted(rows.to_pylist(), key=lambda row: [str(value) for value in row.values()])
        for table, rows in all_of(lake).items()
    }


def test_files_are_compressed_by_their_name(session: Session, tmp_path: Path) -> None:
    plain = ndjson(session, SMALL)
    for name in ("r.ndjson", "r.ndjson.gz", "r.ndjson.zst", "again.gz"):
        generate_ndjson(session, SMALL, tmp_path / name)
    assert (tmp_path / "r.ndjson").read_bytes() == plain
    assert gzip.decompress((tmp_path / "r.ndjson.gz").read_bytes()) == plain
    assert (tmp_path / "r.ndjson.gz").read_bytes() == (tmp_path / "again.gz").read_bytes()
    with zstandard.open(tmp_path / "r.ndjson.zst", "rb") as packed:
        assert packed.read() == plain
    with pytest.raises(BadInputError, match="does not exist"):
        generate_ndjson(session, SMALL, tmp_path / "no" / "folder.ndjson")


def test_to_stdout(session: Session, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    done: list[int] = []
    generate_ndjson(session, SMALL, "-", done.append)
    assert capfdbinary.readouterr().out == ndjson(session, SMALL)
    assert done[-1] == SMALL.executions


def test_objects_have_the_contracts_keys_and_no_nulls(session: Session) -> None:
    objects = [json.loads(line) for line in ndjson(session, GenerateOptions(500, payloads=True)).splitlines()]
    known = {
        "id", "workflowId", "workflowName", "status", "mode", "trigger", "startedAt", "stoppedAt", "duration",
        "inputData", "outputData", "executionData", "error", "metadata", "createdAt", "updatedAt", "retryOf",
        "retrySuccessId",
    }  # fmt: skip
    assert set().union(*objects) <= known
    assert all(value is not None for found in objects for value in found.values())
    nodes = [node for found in objects for node in found.get("executionData", [])]
    assert {"nodeId", "nodeName", "nodeType", "status", "startedAt", "stoppedAt", "duration"} <= nodes[0].keys()
    for found in objects:
        ran = found.get("executionData")
        if ran:
            assert len(ran) == found["metadata"]["nodeCount"]
            assert (ran[0]["startedAt"], ran[-1]["stoppedAt"]) == (found["startedAt"], found["stoppedAt"])
            assert sum(node["duration"] for node in ran) == pytest.approx(found["duration"])


def test_bad_options_say_what_is_allowed() -> None:
    with pytest.raises(BadInputError, match="executions is 0; allowed: 1 to"):
        GenerateOptions(0)
    with pytest.raises(BadInputError, match="workflows is 5001"):
        GenerateOptions(1, workflows=5001)
    with pytest.raises(BadInputError, match="without a time zone"):
        GenerateOptions(1, until=datetime(2026, 1, 1))  # noqa: DTZ001


def test_workflows_follow_zipf_and_the_week_has_a_weekend(large: pl.DataFrame) -> None:
    counts = large["workflow_id"].value_counts(sort=True)["count"]
    assert counts[0] > 1.6 * counts[1] > 2.5 * counts[5]
    by_day = large.group_by("date").len().with_columns(weekend=pl.col("date").dt.weekday() > 5)
    means = dict(by_day.group_by("weekend").agg(pl.col("len").mean()).iter_rows())
    assert means[True] < 0.4 * means[False]
    hours = dict(large.group_by(pl.col("started_at").dt.hour()).len().iter_rows())
    assert hours[10] > 5 * hours[3]


def test_schedules_fire_at_their_minutes(large: pl.DataFrame) -> None:
    intervals = {flow.id: flow.interval_s for flow in workflows(LARGE) if flow.interval_s}
    fired = large.filter(pl.col("workflow_id").is_in(list(intervals)), pl.col("mode") == "scheduled")
    late_s = fired.select(late=pl.col("started_at").dt.epoch("s") % pl.col("workflow_id").replace_strict(intervals))[
        "late"
    ]
    assert fired.height > 1_000
    assert late_s.max() <= 2  # type: ignore[operator]


def test_retries_repeat_what_failed_and_know_each_other(large: pl.DataFrame) -> None:
    retries = large.filter(pl.col("retry_of").is_not_null()).join(
        large, left_on="retry_of", right_on="id", suffix="_of"
    )
    assert retries.height == large["retry_of"].count() > 300
    assert set(retries["status_of"]) <= {"failed", "timeout"}
    assert (retries["workflow_id"] == retries["workflow_id_of"]).all()
    assert (retries["retry_count"] == retries["retry_count_of"] + 1).all()
    assert (retries["started_at"] > retries["stopped_at_of"]).all()
    assert set(retries["mode"]) == {"retry"}
    succeeded = retries.filter(pl.col("status") == "success")
    assert (succeeded["retry_success_id_of"] == succeeded["id"]).all()
    assert large["retry_success_id"].count() == succeeded.height
    assert retries["retry_count"].max() == 2


def test_the_end_is_unfinished_and_all_statuses_occur(large: pl.DataFrame) -> None:
    assert set(large["status"]) == {"queued", "running", "success", "failed", "cancelled", "timeout"}
    queued, running = (large.filter(pl.col("status") == status) for status in ("queued", "running"))
    assert 1 <= queued.height <= 5
    assert queued["started_at"].null_count() == queued.height
    assert running["stopped_at"].null_count() == running["duration_s"].null_count() == running.height
    assert running["started_at"].null_count() == 0
    ended = large.filter(pl.col("stopped_at").is_not_null())
    lasted_s = (ended["stopped_at"] - ended["started_at"]).dt.total_microseconds() / 1e6
    assert ((lasted_s - ended["duration_s"]).abs() < 1e-9).all()


def test_planted_incidents_are_there(large: pl.DataFrame, truths: Planted) -> None:
    base = large.select((pl.col("status") == "failed").mean()).item()
    assert {incident.kind for incident in truths.incidents} == {"outage", "database", "queue"}
    for incident in truths.incidents:
        at = pl.coalesce("started_at", "created_at")
        inside = large.filter(at >= incident.since, at < incident.until, pl.col("mode") != "retry")
        if incident.workflow_id:
            inside = inside.filter(pl.col("workflow_id") == incident.workflow_id)
        assert inside.height > 20
        if incident.failure_rate is not None:
            failed = inside.select((pl.col("status") == "failed").mean()).item()
            assert failed == pytest.approx(incident.failure_rate, abs=0.25)
            assert failed > 4 * base
            assert incident.error_type == inside["error_type"].drop_nulls().mode()[0]
        if incident.queue_time_s is not None:
            assert inside["queue_time_s"].median() == pytest.approx(incident.queue_time_s, rel=0.3)
            assert large["queue_time_s"].median() < 1  # type: ignore[operator]


def test_planted_regression_and_new_error_are_there(large: pl.DataFrame, truths: Planted) -> None:
    slow = large.filter(pl.col("workflow_id") == truths.regression.workflow_id, pl.col("status") == "success")
    before = slow.filter(pl.col("started_at") < truths.regression.since)["duration_s"].median()
    last = slow.filter(pl.col("started_at") >= truths.until - timedelta(days=2))["duration_s"].median()
    assert last / before == pytest.approx(truths.regression.factor, rel=0.25)  # type: ignore[operator]
    new = large.filter(pl.col("error_type") == truths.new_error.error_type)
    assert set(new["workflow_id"]) == {truths.new_error.workflow_id}
    assert new["started_at"].min() >= truths.new_error.since  # type: ignore[operator]
    assert new.height > 20


def test_planted_bottlenecks_take_most_of_the_time(session: Session) -> None:
    options = GenerateOptions(4_000, workflows=8, nodes=True)
    runs = pl.concat([frame(batch.node_runs) for batch in batches(session, options)])
    shares = runs.group_by("workflow_id", "node_id").agg(pl.col("duration_s").sum())
    top = shares.sort("duration_s", descending=True).group_by("workflow_id", maintain_order=True).first()
    assert dict(planted(options).bottlenecks) == dict(top.select("workflow_id", "node_id").iter_rows())
    per_execution = runs.group_by("execution_id").len()["len"]
    assert per_execution.max() <= 6  # type: ignore[operator]


def frame(table: pa.Table) -> pl.DataFrame:
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return found


def test_every_family_of_errors_is_one_group(large: pl.DataFrame) -> None:
    groups = (
        large.drop_nulls("error_type")
        .group_by("error_type")
        .agg(
            pl.col("error_fingerprint").n_unique().alias("groups"), pl.col("error_message").n_unique().alias("messages")
        )
    )
    assert set(groups["groups"]) == {1}
    assert groups.height >= 10
    assert groups["messages"].max() > 100  # type: ignore[operator]


def test_columns_are_those_of_a_batch(session: Session) -> None:
    batch = next(batches(session, SMALL))
    for table in TABLES:
        assert batch.table(table).schema.names == ["record_no", *SCHEMAS[table].names]
