"""The rules of the n8n mapping, one by one, on small records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.format import Normalised, NormaliseOptions
from ingest.n8n import N8nFormat
from tests.fixtures.n8n_reading import Record, table_of
from warehouse.duck import Session, connect

START = "2026-11-23T16:44:02.638Z"
STOP = "2026-11-23T16:44:04.638Z"
START_MS = 1795452242638
LISTED = {
    "id": "7", "finished": True, "mode": "webhook", "status": "success", "retryOf": None, "retrySuccessId": None,
    "startedAt": START, "stoppedAt": STOP, "workflowId": "wf1", "waitTill": None,
}  # fmt: skip
NODES = [
    {"id": "n1", "name": "Webhook", "type": "n8n-nodes-base.webhook"},
    {"id": "n2", "name": "Fetch", "type": "n8n-nodes-base.httpRequest"},
]
FROM_WEBHOOK = [{"previousNode": "Webhook", "previousNodeOutput": 0, "previousNodeRun": 0}]


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    session = connect()
    yield session
    session.close()


def _run(at_ms: float = START_MS + 5, **more: Any) -> Record:
    items = [[{"json": {"a": 1}}]]
    base = {"startTime": at_ms, "executionIndex": 0, "source": [], "executionTime": 3, "executionStatus": "success"}
    return {**base, "data": {"main": items}, **more}


def _full(runs: Any = None, *, result: Record | None = None, data: Record | None = None, **more: Any) -> Record:
    """An execution with data: runs by node name, more of resultData, more of data, other fields."""
    runs = {"Webhook": [_run()]} if runs is None else runs
    workflow = {"id": "wf1", "name": "Orders", "nodes": NODES, "settings": {}}
    inner = {"resultData": {"runData": runs, **(result or {})}, **(data or {})}
    return {**LISTED, "data": inner, "workflowData": workflow, "customData": {}, **more}


def _map(session: Session, *records: Record | str, **options: Any) -> Normalised:
    return N8nFormat().normalise(session, table_of(records), NormaliseOptions(**options))


def _one(session: Session, record: Record | str, **options: Any) -> Record:
    outcome = _map(session, record, **options)
    assert outcome.rejects.to_pylist() == []
    row: Record = outcome.batch.executions.to_pylist()[0]
    return row


def _all(session: Session, records: list[Record]) -> list[Record]:
    """The executions of records that are all taken, in their order; one call is much cheaper than many."""
    outcome = _map(session, *records)
    assert outcome.rejects.to_pylist() == []
    rows: list[Record] = outcome.batch.executions.to_pylist()
    return rows


def _runs(session: Session, record: Record, **options: Any) -> list[Record]:
    rows: list[Record] = _map(session, record, **options).batch.node_runs.to_pylist()
    return rows


STATUS_CASES: list[tuple[Record, str]] = [
    ({"status": "new", "startedAt": None, "stoppedAt": None}, "queued"),
    ({"status": "running", "stoppedAt": None}, "running"),
    ({"status": "waiting", "waitTill": "3000-01-01T00:00:00.000Z"}, "running"),
    ({"status": "error", "finished": False}, "failed"),
    ({"status": "crashed", "finished": False}, "failed"),
    ({"status": "canceled", "finished": False}, "cancelled"),
    ({"status": "unknown", "finished": True}, "success"),
    ({"status": "unknown", "finished": False}, "failed"),
    ({"status": "unknown", "finished": False, "waitTill": STOP}, "running"),
    ({"status": "unknown", "finished": False, "stoppedAt": None}, "running"),
    ({"status": "unknown", "finished": False, "startedAt": None, "stoppedAt": None, "createdAt": START}, "queued"),
    ({"status": None}, "success"),
]


def test_status(session: Session) -> None:
    rows = _all(session, [{**LISTED, **change} for change, _ in STATUS_CASES])
    for row, (change, status) in zip(rows, STATUS_CASES, strict=True):
        assert row["status"] == status, change
        assert row["source_status"] == (change["status"] or "unknown")
        if status in ("queued", "running"):
            assert (row["stopped_at"], row["duration_s"]) == (None, None), change
        else:
            assert row["duration_s"] == (None if change["status"] == "crashed" else 2.0), change


CANCELLED_CASES: list[tuple[Any, Record | None, str]] = [
    (2, None, "timeout"),
    (2.5, None, "cancelled"),
    (-1, None, "cancelled"),
    (0, None, "cancelled"),
    (None, None, "cancelled"),
    (60, {"name": "TimeoutExecutionCancelledError", "message": "m"}, "timeout"),
    (60, {"name": "E", "reason": "timeout"}, "timeout"),
    (1, {"name": "ManualExecutionCancelledError", "reason": "manual", "message": "m"}, "cancelled"),
]


def test_cancelled_or_timed_out(session: Session) -> None:
    records = []
    for limit_s, error, _ in CANCELLED_CASES:
        record = _full(status="canceled", finished=False, result={} if error is None else {"error": error})
        record["workflowData"] = {**record["workflowData"], "settings": {"executionTimeout": limit_s}}
        records.append(record)
    for row, (limit_s, error, status) in zip(_all(session, records), CANCELLED_CASES, strict=True):
        assert row["status"] == status, (limit_s, error)
        assert row["error_type"] == (error and error["name"])


def test_cancelled_while_queued_is_never_a_timeout(session: Session) -> None:
    record = _full({}, status="canceled", startedAt=None, finished=False)
    record["workflowData"]["settings"] = {"executionTimeout": 1}
    row = _one(session, record)
    assert (row["status"], row["duration_s"], row["started_at"]) == ("cancelled", None, None)
    assert row["created_at"] == row["stopped_at"] == datetime.fromisoformat(STOP)
    assert row["nodes_hash"] is not None, "it is known that no node ran"


def test_mode(session: Session) -> None:
    modes = {
        "webhook": "webhook", "retry": "retry", "manual": "manual", "chat": "manual", "evaluation": "manual",
        "agent": "manual", "trigger": "trigger", "integrated": "trigger", "error": "trigger", "internal": "trigger",
        "cli": "trigger",
    }  # fmt: skip
    rows = _all(session, [{**LISTED, "mode": word} for word in modes])
    assert {row["source_mode"]: row["mode"] for row in rows} == modes


@pytest.mark.parametrize(
    ("node_type", "mode", "word"),
    [
        ("n8n-nodes-base.scheduleTrigger", "scheduled", "schedule"),
        ("n8n-nodes-base.cron", "scheduled", "schedule"),
        ("n8n-nodes-base.interval", "scheduled", "schedule"),
        ("n8n-nodes-base.gmailTrigger", "trigger", "gmail"),
        ("@n8n/n8n-nodes-langchain.chatTrigger", "trigger", "chat"),
    ],
)
def test_a_trigger_is_scheduled_when_its_node_is(session: Session, node_type: str, mode: str, word: str) -> None:
    context = {"executionData": {"runtimeData": {"source": "trigger", "triggerNode": {"name": "T", "type": node_type}}}}
    records = [_full({}, mode="trigger", data=context)]
    # Older releases do not name the node: the trigger of the workflow that ran, or its only one, tells.
    trigger, other = {"id": "t", "name": "T", "type": node_type}, {"id": "u", "name": "U", "type": "x.webhook"}
    for runs, nodes in (({}, [*NODES[1:], trigger]), ({"T": [_run()]}, [other, trigger])):
        old = _full(runs, mode="trigger")
        old["workflowData"] = {**old["workflowData"], "nodes": nodes}
        records.append(old)
    for row in _all(session, records):
        assert (row["mode"], row["trigger_type"], row["trigger_source"]) == (mode, word, "T")


def test_the_key_of_a_schedule_says_scheduled(session: Session) -> None:
    row = _one(session, {**LISTED, "mode": "trigger", "deduplicationKey": "wf:node:2026-11-23T16:44:00.000Z"})
    assert (row["mode"], row["trigger_type"]) == ("scheduled", "schedule")
    assert row["trigger_at"] == datetime(2026, 11, 23, 16, 44, tzinfo=UTC)


REFUSED_CASES: list[tuple[Record, str, str]] = [
    ({"id": None}, "id", "missing"),
    ({"id": ""}, "id", "empty"),
    ({"id": "x" * 10_000}, "id", "longer than 255"),
    ({"id": 1.5}, "id", "not a string"),
    ({"id": {"a": 1}}, "id", "not a string"),
    ({"status": "done"}, "status", "unknown status"),
    ({"status": None, "finished": None}, "status", "missing"),
    ({"mode": "email"}, "mode", "unknown mode"),
    ({"mode": None}, "mode", "missing"),
    ({"startedAt": "yesterday"}, "startedAt", "not an ISO"),
    ({"startedAt": "2026-13-41T00:00:00Z"}, "startedAt", "not an ISO"),
    ({"stoppedAt": 17}, "stoppedAt", "not an ISO"),
    ({"stoppedAt": "infinity"}, "stoppedAt", "not an ISO"),
    ({"stoppedAt": "2026-11-23T16:44:02.637Z"}, "stoppedAt", "before startedAt"),
    ({"startedAt": None, "stoppedAt": None}, "startedAt", "missing"),
]


def test_a_record_is_refused_for_what_it_cannot_do_without(session: Session) -> None:
    outcome = _map(session, *({**LISTED, **change} for change, _, _ in REFUSED_CASES), LISTED)
    assert outcome.batch.executions.column("record_no").to_pylist() == [len(REFUSED_CASES)]
    assert outcome.rejects.column("record_no").to_pylist() == list(range(len(REFUSED_CASES)))
    for reject, (change, field, reason) in zip(outcome.rejects.to_pylist(), REFUSED_CASES, strict=True):
        assert reject["field"] == field, change
        assert reason in reject["reason"], change
        assert len(reject["value"] or "") <= 200


JUNK: list[tuple[str, str]] = [
    ('{"id":"1","status":"succ', "not valid JSON"), ("", "not valid JSON"), ("[1,2]", "not a JSON object"),
    ("null", "not a JSON object"), ('"text"', "not a JSON object"),
    ("[" * 10_000 + "]" * 10_000, "not a JSON object"),
    ('{"id":"1","status":"new","id":"2"}', "the key is there twice"),
    ('{"a":' * 10_000 + "1" + "}" * 10_000, "missing"),
]  # fmt: skip


def test_junk_is_refused(session: Session) -> None:
    outcome = _map(session, LISTED, *(raw for raw, _ in JUNK))
    assert outcome.batch.executions.column("record_no").to_pylist() == [0]
    for reject, (raw, reason) in zip(outcome.rejects.to_pylist(), JUNK, strict=True):
        assert reason in reject["reason"], raw[:50]


def test_a_crash_may_have_stopped_before_it_started(session: Session) -> None:
    row = _one(session, {**LISTED, "status": "crashed", "finished": False, "stoppedAt": "2026-11-23T16:44:02.000Z"})
    assert row["stopped_at"] == row["started_at"]
    assert (row["duration_s"], row["error_type"]) == (None, "WorkflowCrashedError")


def test_a_queued_record_without_an_instant_is_placed_at_the_epoch(session: Session) -> None:
    row = _one(session, {**LISTED, "status": "new", "finished": False, "startedAt": None, "stoppedAt": None})
    assert row["created_at"] == row["updated_at"] == datetime(1970, 1, 1, tzinfo=UTC)
    context = {"executionData": {"runtimeData": {"establishedAt": START_MS}}}
    row = _one(session, _full({}, status="new", finished=False, startedAt=None, stoppedAt=None, data=context))
    assert row["created_at"] == row["updated_at"] == datetime.fromisoformat(START)
    assert (row["nodes_hash"], row["node_count"]) == (None, None)


def test_numbers_as_ids_are_text(session: Session) -> None:
    row = _one(session, {**LISTED, "id": 7, "workflowId": 12, "retryOf": 3, "mode": "retry"})
    assert (row["id"], row["workflow_id"], row["retry_of"], row["retry_count"]) == ("7", "12", "3", None)
    assert _one(session, LISTED)["retry_count"] == 0


def test_names_come_from_the_record_else_from_the_workflows_file(session: Session) -> None:
    names = {"wf1": "From file"}
    assert _one(session, LISTED, workflow_names=names)["workflow_name"] == "From file"
    assert _one(session, _full(), workflow_names=names)["workflow_name"] == "Orders"
    nameless = _full()
    nameless["workflowData"] = {"id": "wf1", "name": ""}
    assert _one(session, nameless, workflow_names=names)["workflow_name"] == "From file"
    assert _one(session, LISTED, workflow_names={"other": "x"})["workflow_name"] is None


def test_data_that_is_not_there(session: Session) -> None:
    nothing: list[Any] = [None, "[]", [], {}, {"resultData": None}, {"resultData": {}}]
    for row in _all(session, [{**LISTED, "data": data, "workflowData": None} for data in nothing]):
        assert (row["nodes_hash"], row["payloads_hash"], row["node_count"]) == (None, None, None)
        assert row["status"] == "success"


def test_an_oversized_execution_has_no_node_data(session: Session) -> None:
    row = _one(session, _full({}, dataTooLargeToDisplay=True, jsonSizeBytes=5_000_000, binaryDataSizeBytes=10))
    assert (row["nodes_hash"], row["node_count"], row["data_bytes"]) == (None, None, 5_000_010)


def test_node_runs_in_order(session: Session) -> None:
    runs = {
        "Fetch": [
            _run(START_MS + 10, executionIndex=1, source=FROM_WEBHOOK),
            _run(START_MS + 20, executionIndex=3, source=FROM_WEBHOOK, data={"main": [None, [{"json": {}}] * 4]}),
        ],
        "Webhook": [_run(START_MS + 1, data={"main": [[{"json": {}}, {"json": {}}], []], "ai_tool": [[{"json": {}}]]})],
        "Gone": [_run(START_MS + 15, executionIndex=2, source=[None])],
    }
    rows = _runs(session, _full(runs))
    assert [(r["node_name"], r["node_id"], r["run_index"], r["order_index"]) for r in rows] == [
        ("Webhook", "n1", 0, 0), ("Fetch", "n2", 0, 1), ("Gone", "Gone", 0, 2), ("Fetch", "n2", 1, 3),
    ]  # fmt: skip
    assert [r["items_out"] for r in rows] == [3, 1, 1, 4]
    assert [r["items_in"] for r in rows] == [0, 2, None, 2]
    assert [json.loads(r["input_from"] or "0") for r in rows] == [0, FROM_WEBHOOK, 0, FROM_WEBHOOK]
    assert rows[1]["started_at"] == datetime.fromtimestamp((START_MS + 10) / 1000, UTC)
    assert {r["duration_s"] for r in rows} == {0.003}


NODE_CASES: list[tuple[Record, str, bool]] = [
    ({"executionStatus": "success"}, "success", True),
    ({"executionStatus": "error", "error": {"message": "m"}}, "failed", True),
    ({"executionStatus": "crashed", "error": {"message": "m"}}, "failed", False),
    ({"executionStatus": "waiting"}, "running", False),
    ({"executionStatus": "running"}, "running", False),
    ({"executionStatus": "canceled"}, "cancelled", True),
    ({"executionStatus": "unknown"}, "success", True),
    ({"executionStatus": None}, "success", True),
    ({"executionStatus": None, "error": {"message": "m"}}, "failed", True),
    ({"executionStatus": None, "data": None, "executionTime": None}, "running", False),
    ({"startTime": 1795452242}, "success", False),
]


def test_node_status_and_duration(session: Session) -> None:
    records = [_full({"Webhook": [_run(**change)]}) for change, _, _ in NODE_CASES]
    rows = _map(session, *records).batch.node_runs.to_pylist()
    for row, (change, status, is_measured) in zip(rows, NODE_CASES, strict=True):
        assert row["status"] == status, change
        assert (row["duration_s"] is not None) == (row["stopped_at"] is not None) == is_measured, change
        assert (row["error_type"], row["error_message"]) == (("Error", "m") if "error" in change else (None, None))
        assert row["started_at"].replace(microsecond=0) == datetime.fromisoformat(START).replace(microsecond=0)


def test_a_retry_leaves_out_what_it_copied(session: Session) -> None:
    runs = {
        "Webhook": [_run(START_MS - 60_000)],
        "Fetch": [_run(START_MS - 59_000), _run(START_MS, executionIndex=0, source=FROM_WEBHOOK)],
    }
    record = _full(runs, mode="retry", retryOf="6")
    (row,) = _runs(session, record)
    assert (row["node_name"], row["run_index"], row["order_index"], row["items_in"]) == ("Fetch", 0, 0, 1)
    assert _one(session, record)["node_count"] == 1
    assert len(_runs(session, {**record, "mode": "webhook"})) == 3


def test_nodes_that_share_an_id_or_a_name(session: Session) -> None:
    record = _full({"Webhook": [_run()], "Copy": [_run()]})
    twins = [{"id": "n1", "name": "Copy", "type": "t"}, {"id": "n9", "name": "Webhook", "type": "second"}]
    record["workflowData"] = {**record["workflowData"], "nodes": [*NODES, *twins]}
    rows = _runs(session, record)
    assert [(r["node_id"], r["run_index"], r["node_type"]) for r in rows] == [
        ("Webhook", 0, "n8n-nodes-base.webhook"), ("Copy", 0, "t"),
    ]  # fmt: skip


def test_the_error_of_an_execution(session: Session) -> None:
    error = {"name": "NodeApiError", "message": "502", "stack": "at x", "timestamp": START_MS, "node": {"id": "n2"}}
    row = _one(session, _full(status="error", finished=False, result={"error": error}))
    got = tuple(row[f"error_{key}"] for key in ("type", "message", "stack", "node_id", "at"))
    assert got == ("NodeApiError", "502", "at x", "n2", datetime.fromisoformat(START))
    assert row["error_fingerprint"].startswith("v1:")
    # Without one of its own it is the failing node's, the last to begin.
    runs = {"Webhook": [_run(executionStatus="error", error={"message": "first"})],
            "Fetch": [_run(START_MS + 9, executionStatus="error", error="only text")]}  # fmt: skip
    row = _one(session, _full(runs, status="error", finished=False))
    assert (row["error_type"], row["error_message"], row["error_node_id"]) == ("Error", "only text", "n2")
    # Redacted: a type is left.
    row = _one(session, _full(status="error", finished=False, result={"redactedError": {"type": "NodeApiError"}}))
    assert (row["error_type"], row["error_message"]) == ("NodeApiError", None)


def test_a_node_that_goes_on_after_an_error_shows_it(session: Session) -> None:
    items = [[{"json": {"ok": 1}}, {"json": {"error": {"name": "AxiosError", "message": "404", "stack": "at"}}}]]
    record = _full({"Fetch": [_run(data={"main": items})], "Webhook": [_run(data={"main": items})]})
    going_on = [NODES[0], {**NODES[1], "onError": "continueRegularOutput"}]
    record["workflowData"] = {**record["workflowData"], "nodes": going_on}
    by_name = {r["node_name"]: r for r in _runs(session, record)}
    fetch = by_name["Fetch"]
    assert (fetch["status"], fetch["error_type"], fetch["error_message"]) == ("success", "AxiosError", "404")
    assert by_name["Webhook"]["error_type"] is None, "an item that merely has a key `error` is no failure"
    assert _one(session, record)["error_type"] is None


def test_payloads_are_the_items_of_all_outputs(session: Session) -> None:
    outputs = {"main": [[{"json": {"n": 1}}], None, [{"json": {"n": 2}}]], "ai_tool": [[{"json": {"n": 3}}]]}
    batch = _map(session, _full({"Webhook": [_run(data=outputs)], "Fetch": [_run(data={"main": [[]]})]})).batch
    (row,) = batch.payloads.to_pylist()
    assert json.loads(row["data"]) == [{"json": {"n": 1}}, {"json": {"n": 2}}, {"json": {"n": 3}}]
    assert (row["execution_id"], row["node_id"], row["run_index"], row["kind"]) == ("7", "n1", 0, "output")
    assert row["data_bytes"] == len(row["data"].encode())


def test_payload_policies(session: Session) -> None:
    record = _full({"Webhook": [_run(data={"main": [[{"json": {"n": "ü"}}]]})]})
    dropped = _map(session, record, payloads="drop").batch
    assert dropped.payloads.num_rows == 0
    assert dropped.executions["payloads_hash"].to_pylist() == [None]
    kept, redacted = (_map(session, record, payloads=policy).batch for policy in ("keep", "redact"))
    assert kept.payloads.num_rows == redacted.payloads.num_rows == 1
    assert dropped.executions["nodes_hash"] == kept.executions["nodes_hash"]
    hidden = _full(data={"redactionInfo": {"isRedacted": True}})
    assert _map(session, hidden).batch.payloads.num_rows == 0


@pytest.mark.parametrize("policy", ["keep", "redact"])
def test_what_resumes_an_execution_never_comes_out(session: Session, policy: str) -> None:
    token = "0123456789abcdef" * 4
    items = [
        {"json": {"url": f"http://h/webhook-waiting/7?signature={token}&x=1", "resumeToken": token}},
        {"json": {"query": {"signature": token}, "headers": {"x-n8n-api-key": token, "X-N8N-API-KEY": token}}},
        {"json": {"text": json.dumps({"resumeToken": token}), "html": f"<a href='?a=1&amp;signature={token}'>"}},
        {"json": {"twice": json.dumps(json.dumps({"resumeToken": token})), "enc": f"u%3Fsignature%3D{token}"}},
    ]
    run = _run(
        data={"main": [items]}, executionStatus="error", metadata={"resumeUrl": f"http://h?signature={token}"},
        error={"message": f"GET http://h?signature={token}", "stack": f"at ?signature={token}\n at x"},
    )  # fmt: skip
    error = {"name": "E", "message": f"http://h?signature={token}", "stack": f"?signature={token}"}
    record = _full(
        {"Webhook": [run]}, status="error", finished=False, result={"error": error},
        data={"resumeToken": token}, customData={"url": f"http://h?signature={token}"},
    )  # fmt: skip
    batch = _map(session, record, payloads=policy).batch
    everything = str([batch.table(name).to_pylist() for name in ("executions", "node_runs", "payloads")])
    assert token not in everything
    assert "webhook-waiting/7?signature=***&x=1" in everything
    json.loads(batch.payloads["data"][0].as_py())


def test_half_a_surrogate_pair_does_not_lose_the_execution(session: Session) -> None:
    whole = json.dumps(_full({"Webhook": [_run(data={"main": [[{"json": {"t": "CUT 😀 \\\\ud83d"}}]]})]}))
    outcome = _map(session, LISTED, whole.replace("CUT", "\\ud83d"), "{broken \\ud83d", LISTED)
    assert outcome.batch.executions["record_no"].to_pylist() == [0, 1, 3]
    assert outcome.rejects["record_no"].to_pylist() == [2]
    text = json.loads(outcome.batch.payloads["data"][0].as_py())[0]["json"]["t"]
    assert text == "\ufffd 😀 \\\\ud83d"


def test_keys_that_come_twice_do_not_lose_the_execution(session: Session) -> None:
    raw = json.dumps(_full({"Webhook": [_run()], "Fetch": [_run()]})).replace('"Fetch": [', '"Webhook": [')
    row = _one(session, raw)
    assert (row["status"], row["nodes_hash"]) == ("success", None)


def test_hashes_do_not_depend_on_neighbours_or_order(session: Session) -> None:
    first, second = _full(), _full({"Webhook": [_run(START_MS + 6)]}, id="8")
    there = _map(session, first, second).batch.executions.select(["id", "nodes_hash", "payloads_hash"]).to_pylist()
    back = _map(session, second, first).batch.executions.select(["id", "nodes_hash", "payloads_hash"]).to_pylist()
    assert there == back[::-1]
    assert there[0]["nodes_hash"] != there[1]["nodes_hash"]
    assert there[0]["payloads_hash"] is not None


def test_no_records(session: Session) -> None:
    outcome = _map(session)
    assert (outcome.batch.executions.num_rows, outcome.rejects.num_rows) == (0, 0)


def test_nothing_stays_in_the_session(session: Session) -> None:
    _map(session, LISTED)
    assert session.rows("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'n8n%'") == []
