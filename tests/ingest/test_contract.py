"""The contract's objects become the rows that the contract of the tables promises."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ingest.format import NormaliseOptions
from tests.ingest.records_by_rule import START, normalised, record
from warehouse.schema import TABLES, batch_schema

LIST_ITEM = {
    "id": "exec_1234567890", "workflowId": "wf_abcdef123456", "workflowName": "GitHub to Slack Notification",
    "status": "failed", "mode": "webhook",
    "trigger": {"type": "webhook", "source": "github", "timestamp": "2023-12-06T10:30:00Z"},
    "startedAt": "2023-12-06T10:30:00Z", "stoppedAt": "2023-12-06T10:30:15Z", "duration": 15.2,
    "error": {
        "type": "ConnectionError", "message": "Failed to connect to Slack API", "nodeId": "slack_1",
        "timestamp": "2023-12-06T10:30:15Z",
    },
    "metadata": {"retryCount": 0, "queueTime": 0.1, "memoryUsage": 45.2},
    "createdAt": "2023-12-06T10:30:00Z", "updatedAt": "2023-12-06T10:30:15Z",
}  # fmt: skip


def _one(given_record: Any, table: str = "executions", options: NormaliseOptions | None = None) -> list[dict[str, Any]]:
    result = normalised(given_record, options=options)
    assert result.rejects.to_pylist() == []
    rows: list[dict[str, Any]] = getattr(result.batch, table).to_pylist()
    return rows


def test_the_list_item_of_the_contract() -> None:
    row = _one(LIST_ITEM)[0]
    at = datetime(2023, 12, 6, 10, 30, tzinfo=UTC)
    assert row["started_at"] == row["created_at"] == row["trigger_at"] == at
    assert row["duration_s"] == 15.2
    assert row["error_type"] == "ConnectionError"
    assert row["error_node_id"] == "slack_1"
    assert row["error_fingerprint"]
    assert (row["retry_count"], row["queue_time_s"], row["memory_mb"]) == (0, 0.1, 45.2)
    assert row["date"] == date(2023, 12, 6)
    assert row["source"] == "runlake"
    assert row["nodes_hash"] is None
    assert row["payloads_hash"] is None
    assert row["nodes_rank"] is None


def test_the_tables_have_exactly_the_columns_of_a_batch() -> None:
    result = normalised(*[record(number) for number in range(5)], "junk")
    for table in TABLES:
        found = result.batch.table(table)
        assert found.schema.equals(batch_schema(table))
        found.validate(full=True)


def test_node_runs_and_payloads() -> None:
    node = {
        "nodeId": "a",
        "status": "success",
        "startedAt": "2026-03-01T00:00:00Z",
        "stoppedAt": "2026-03-01T00:00:02Z",
    }
    given_record = record(
        0,
        inputData={"x": 1},
        trigger={"type": "webhook", "payload": [1]},
        executionData=[
            node | {"inputData": [1, 2], "outputData": [1, 2, 3]},
            {"nodeName": "no id", "status": "running", "startedAt": "2026-03-01T00:00:01Z", "duration": 5},
            node | {"outputData": None, "inputData": {"not": "a list"}, "error": {"type": "E", "message": "m"}},
        ],
    )
    rows = _one(given_record, "node_runs")
    assert [(row["node_id"], row["run_index"], row["order_index"]) for row in rows] == [
        ("a", 0, 0), ("no id", 0, 1), ("a", 1, 2),
    ]  # fmt: skip
    assert [row["duration_s"] for row in rows] == [2.0, None, 2.0]
    assert [(row["items_in"], row["items_out"]) for row in rows] == [(2, 3), (None, None), (None, None)]
    assert rows[2]["error_message"] == "m"
    payloads = _one(given_record, "payloads")
    assert [(row["node_id"], row["run_index"], row["kind"], row["data"]) for row in payloads] == [
        (None, 0, "input", '{"x":1}'),
        (None, 0, "trigger", "[1]"),
        ("a", 0, "input", "[1,2]"),
        ("a", 0, "output", "[1,2,3]"),
        ("a", 1, "input", '{"not":"a list"}'),
    ]
    assert [row["data_bytes"] for row in payloads] == [len(row["data"]) for row in payloads]
    assert _one(given_record, "payloads", NormaliseOptions(payloads="drop")) == []


def test_log_lines() -> None:
    at = "2026-03-01T00:00:0{}Z"
    given_record = record(
        0,
        logs=[
            {"timestamp": at.format(2), "level": "error", "message": "later"},
            {"timestamp": at.format(1), "level": "info", "nodeId": "n", "message": "a", "data": {"password": "x"}},
            {"timestamp": at.format(1), "level": "warn", "message": "b api_key=abc"},
        ],
    )
    rows = _one(given_record, "logs")
    assert [(row["message"], row["seq"], row["level"]) for row in rows] == [
        ("a", 0, "info"), ("b api_key=***", 1, "warn"), ("later", 0, "error"),
    ]  # fmt: skip
    assert rows[0]["data"] == '{"password":"***"}'


def test_durations() -> None:
    def duration(**changes: Any) -> Any:
        return _one(record(0, **changes))[0]["duration_s"]

    assert duration() == 3.25
    assert duration(duration=None) == 3.0
    assert duration(duration=None, stoppedAt=None) is None
    assert duration(duration=0) == 0.0
    assert duration(status="running") is None
    assert duration(status="queued", startedAt=None) is None


def test_instants() -> None:
    for text in ("2026-03-01T02:00:00+02:00", "2026-03-01T00:00:00", "2026-03-01 00:00:00.000Z", "2026-03-01"):
        assert _one(record(0, startedAt=text))[0]["started_at"] == START
    row = _one(record(0, createdAt=None, updatedAt=None))[0]
    assert row["created_at"] == START
    assert row["updated_at"] == row["stopped_at"]


def test_ids_may_be_whole_numbers() -> None:
    row = _one(record(0, id=17, workflowId=4, retryOf=16))[0]
    assert (row["id"], row["workflow_id"], row["retry_of"]) == ("17", "4", "16")


def test_workflow_names_from_outside_fill_gaps_only() -> None:
    options = NormaliseOptions(workflow_names={"wf_0": "Other", "wf_1": "Filled"})
    assert _one(record(0), options=options)[0]["workflow_name"] == "Workflow 0"
    assert _one(record(1, workflowName=None), options=options)[0]["workflow_name"] == "Filled"
    assert _one(record(2, workflowName=None), options=options)[0]["workflow_name"] is None


def test_rows_come_sorted_and_hang_together() -> None:
    numbers = [7, 3, 9, 1, 3, 2000]
    batch = normalised(*[record(number) for number in numbers]).batch
    executions = batch.executions.to_pylist()
    assert [row["id"] for row in executions] == [f"exec_{number:05d}" for number in sorted(numbers)]
    order = [row["record_no"] for row in executions]
    assert {row["record_no"]: row["id"] for row in executions} == {
        at: f"exec_{number:05d}" for at, number in enumerate(numbers)
    }
    for table in ("node_runs", "payloads"):
        rows = batch.table(table).to_pylist()
        assert [row["record_no"] for row in rows] == [at for at in order for _ in range(2)]
    for row in batch.payloads.to_pylist():
        assert json.loads(row["data"])[0]["json"]["n"] == numbers[row["record_no"]]


def test_hashes_depend_on_the_content_alone() -> None:
    big = [record(number) for number in range(5000)]
    first = {row["id"]: row for row in normalised(*big).batch.executions.to_pylist()}
    again = {row["id"]: row for row in normalised(*big[::-1]).batch.executions.to_pylist()}
    for key, row in first.items():
        assert {**row, "record_no": 0} == {**again[key], "record_no": 0}
    changed = record(3)
    changed["executionData"][0]["outputData"] = [1]
    row = normalised(changed).batch.executions.to_pylist()[0]
    assert row["payloads_hash"] != first["exec_00003"]["payloads_hash"]
    assert _one(record(1, executionData=[]))[0]["nodes_hash"] is not None


@pytest.mark.parametrize("payloads", ["keep", "redact", "drop"])
def test_secrets_in_errors_are_masked_unless_all_is_kept(payloads: Any) -> None:
    error = {
        "type": "E",
        "message": "GET /?access_token=s3cr3t failed",
        "stack": "Authorization: Bearer abcdefghijklmnopqrs",
    }
    row = _one(record(0, error=error), options=NormaliseOptions(payloads=payloads))[0]
    kept = payloads == "keep"
    assert ("s3cr3t" in row["error_message"]) is kept
    assert ("abcdefghijklmnopqrs" in row["error_stack"]) is kept
