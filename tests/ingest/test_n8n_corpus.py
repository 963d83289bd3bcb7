"""Real n8n pages through the mapping, compared with an independent reading of the same JSON.

The bundled sample is always read; the full corpus too where it lies beside the repository.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.format import Normalised, NormaliseOptions
from ingest.n8n import N8nFormat
from ingest.sample import sample_files, sample_workflows
from tests.fixtures.n8n_reading import (
    Record,
    entry_start,
    expected_duration_s,
    expected_mode,
    expected_node_runs,
    expected_status,
    instant,
    item_count,
    read_items,
    seconds_between,
    table_of,
)
from warehouse.duck import Session, connect

SCRUBBED = "0" * 64
CORPUS = Path(__file__).parents[2].parent / "shared" / "data" / "n8n"
MADE_UP = "isArtificialRecoveredEventItem"


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    session = connect()
    yield session
    session.close()


def _corpus_files() -> list[Path]:
    return sorted([*CORPUS.glob("pages/executions-*"), *CORPUS.glob("queued/*"), *CORPUS.glob("samples/*")])


@pytest.fixture(scope="module", params=["sample", "corpus"])
def mapped(request: pytest.FixtureRequest, session: Session) -> tuple[list[Record], Normalised]:
    files = sample_files() if request.param == "sample" else _corpus_files()
    if not files:
        pytest.skip(f"the full corpus is not at {CORPUS.name} beside the repository; the sample is checked anyway")
    items = [item for file in files for item in read_items(file)]
    return items, N8nFormat().normalise(session, table_of(items), NormaliseOptions())


Mapped = tuple[list[Record], Normalised]


def test_nothing_is_refused_and_every_record_comes_out_once(mapped: Mapped) -> None:
    items, outcome = mapped
    assert outcome.rejects.num_rows == 0
    assert outcome.batch.executions.column("record_no").to_pylist() == list(range(len(items)))
    assert outcome.batch.executions.column("id").to_pylist() == [item["id"] for item in items]


def test_counts_by_mode_and_status(mapped: Mapped) -> None:
    items, outcome = mapped
    rows = outcome.batch.executions.select(["source_mode", "source_status", "mode", "status"]).to_pylist()
    want = Counter((i["mode"], i["status"], expected_mode(i), expected_status(i)) for i in items)
    assert Counter(tuple(row.values()) for row in rows) == want
    assert {status for *_, status in want} == {"queued", "running", "success", "failed", "cancelled", "timeout"}
    assert {mode for _, _, mode, _ in want} == {"manual", "trigger", "webhook", "scheduled", "retry"}


def test_times_and_durations(mapped: Mapped) -> None:
    items, outcome = mapped
    columns = ["started_at", "stopped_at", "duration_s", "updated_at", "wait_till", "queue_time_s", "created_at"]
    for item, row in zip(items, outcome.batch.executions.select(columns).to_pylist(), strict=True):
        started, stopped, created = (instant(item.get(key)) for key in ("startedAt", "stoppedAt", "createdAt"))
        assert row["started_at"] == started
        is_open = item["status"] in ("new", "running", "waiting")
        assert row["stopped_at"] == (None if is_open else stopped)
        assert row["duration_s"] == expected_duration_s(item)
        assert row["updated_at"] == next(at for at in (stopped, started, row["created_at"]) if at is not None)
        assert row["wait_till"] == instant(item["waitTill"])
        assert row["created_at"] == next(at for at in (created, started, row["created_at"]) if at is not None)
        assert row["queue_time_s"] == seconds_between(item.get("createdAt"), item["startedAt"])


def test_node_runs(mapped: Mapped) -> None:
    items, outcome = mapped
    want: list[tuple[Any, ...]] = []
    for number, item in enumerate(items):
        of_name: Counter[str] = Counter()
        for name, run in expected_node_runs(item):
            node = next(n for n in item["workflowData"]["nodes"] if n["name"] == name)
            made_up = run["startTime"] < 1e11
            measured = not made_up and run["executionStatus"] not in ("waiting", "crashed")
            want.append((
                number, item["id"], name, node["id"], node["type"], of_name[name], run["executionStatus"],
                entry_start(run), run["executionTime"] / 1000 if measured else None,
                None if made_up else item_count(run),
            ))  # fmt: skip
            of_name[name] += 1
    got = outcome.batch.node_runs.select([
        "record_no", "execution_id", "node_name", "node_id", "node_type", "run_index", "source_status",
        "started_at", "duration_s", "items_out",
    ]).to_pylist()  # fmt: skip
    assert sorted((tuple(row.values()) for row in got), key=repr) == sorted(want, key=repr)
    per_record = Counter(row["record_no"] for row in got)
    for number, row in enumerate(outcome.batch.executions.select(["node_count", "nodes_hash", "status"]).to_pylist()):
        has_data = "data" in items[number] and row["status"] != "queued"
        assert row["node_count"] == (per_record[number] if has_data else None)
        assert (row["nodes_hash"] is not None) == has_data


def test_errors(mapped: Mapped) -> None:
    items, outcome = mapped
    columns = ["error_type", "error_message", "error_node_id", "error_at", "error_fingerprint", "status"]
    for item, row in zip(items, outcome.batch.executions.select(columns).to_pylist(), strict=True):
        error = item.get("data", {}).get("resultData", {}).get("error")
        if error is None:
            assert row["error_type"] == ("WorkflowCrashedError" if item["status"] == "crashed" else None)
            continue
        assert row["status"] in ("failed", "cancelled", "timeout")
        assert (row["error_type"], row["error_message"]) == (error["name"], error["message"])
        assert (row["error_at"] is None) == ("timestamp" not in error)
        assert row["error_fingerprint"] is not None
        failing = [n for n, run in expected_node_runs(item) if run["executionStatus"] in ("error", "crashed")]
        ids = {n["name"]: n["id"] for n in item["workflowData"]["nodes"]}
        assert row["error_node_id"] == (ids[failing[-1]] if failing else error.get("node", {}).get("id"))


def test_failed_nodes_inside_successful_executions_can_be_found(mapped: Mapped) -> None:
    items, outcome = mapped
    want: Counter[tuple[int, str]] = Counter()
    for number, item in enumerate(items):
        goes_on = {n["name"] for n in item.get("workflowData", {}).get("nodes", []) if "onError" in n}
        for name, run in expected_node_runs(item):
            outputs = run.get("data", {}).get("main", [])
            if name in goes_on and any(i["json"].get("error") for output in outputs for i in output or []):
                want[number, name] += 1
    got = [
        row
        for row in outcome.batch.node_runs.select(["record_no", "node_name", "status", "error_message"]).to_pylist()
        if row["status"] == "success" and row["error_message"] is not None
    ]
    assert Counter((row["record_no"], row["node_name"]) for row in got) == want
    assert len(want) > 50


def test_items_received_are_the_items_that_the_sources_gave(mapped: Mapped) -> None:
    items, outcome = mapped
    want = []
    for number, item in enumerate(items):
        for name, run in expected_node_runs(item):
            if run["startTime"] < 1e11:
                continue
            runs = item["data"]["resultData"]["runData"]
            fed = [
                runs[s["previousNode"]][s["previousNodeRun"]]["data"]["main"][s["previousNodeOutput"]] or []
                for s in run["source"]
            ]
            want.append((number, name, entry_start(run), sum(map(len, fed))))
    got = [
        tuple(row.values())
        for row in outcome.batch.node_runs.select(["record_no", "node_name", "started_at", "items_in"]).to_pylist()
        if row["items_in"] is not None
    ]
    assert sorted(got, key=repr) == sorted(want, key=repr)


def test_payloads_hold_every_output_and_no_secret(mapped: Mapped) -> None:
    items, outcome = mapped
    want = sum(
        1
        for item in items
        for _, run in expected_node_runs(item)
        if run["startTime"] >= 1e11 and item_count(run) and item["data"] is not None
    )
    rows = outcome.batch.payloads
    assert rows.num_rows == want
    text = "".join(rows.column("data").to_pylist())
    secrets = {item["data"]["resumeToken"] for item in items if "data" in item}
    secrets |= {found for item in items for found in re.findall(r'signature(?:=|": ")([0-9a-f]{64})', json.dumps(item))}
    assert len(secrets) >= 1
    assert not secrets & {*re.findall("[0-9a-f]{64}", text)}
    assert "signature=" not in text.replace("signature=***", "")
    assert MADE_UP not in text


def test_sub_workflows_name_their_parent(mapped: Mapped) -> None:
    items, outcome = mapped
    want = [item.get("data", {}).get("parentExecution") or {} for item in items]
    got = outcome.batch.executions.select(["parent_execution_id", "parent_workflow_id"]).to_pylist()
    assert [tuple(row.values()) for row in got] == [(w.get("executionId"), w.get("workflowId")) for w in want]
    assert any(want)


def test_the_sample_holds_no_secret() -> None:
    for path in sample_files():
        for item in read_items(path):
            text = json.dumps(item)
            assert {*re.findall("[0-9a-f]{64}", text)} <= {SCRUBBED}
            assert "authorization" not in text.lower()
            assert "cookie" not in text.lower()


def test_the_sample_covers_what_happens(session: Session) -> None:
    items = [item for file in sample_files() for item in read_items(file)]
    assert {item["status"] for item in items} == {
        "new", "running", "waiting", "success", "error", "crashed", "canceled"
    }  # fmt: skip
    outcome = N8nFormat().normalise(session, table_of(items), NormaliseOptions())
    executions, runs = outcome.batch.executions.to_pylist(), outcome.batch.node_runs.to_pylist()
    assert any(row["status"] == "timeout" and row["error_type"] is None for row in executions)
    assert any(row["status"] == "timeout" and row["error_type"] is not None for row in executions)
    assert any(row["status"] == "cancelled" and row["started_at"] is None for row in executions)
    assert {row["trigger_type"] for row in executions if row["source_mode"] == "retry"} >= {"webhook", "workflow"}
    assert any(row["run_index"] > 1 for row in runs)
    assert any(row["queue_time_s"] for row in executions)
    assert all(row["started_at"] or row["status"] in ("queued", "cancelled") for row in executions)
    assert sum(file.stat().st_size for file in [*sample_files(), sample_workflows()]) < 400_000
