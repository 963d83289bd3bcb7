"""GET /v1/executions/{id}: what is shown, what include adds, what is said of data that is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ingest.format import NormaliseOptions
from ingest.load import load
from ingest.report import LoadOptions
from tests.api.app import app_of
from tests.api.records import Record, load_records, record
from tests.api.serving import served
from warehouse.clock import now
from warehouse.lake import Lake

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run(node: str, **fields: Any) -> Record:
    return {"nodeId": node, "nodeName": node.upper(), "nodeType": "set", "status": "success", **fields}


def failed() -> Record:
    made = record("failed", AT, 2000, "failed", customData={"order": 17, "big": 12345678901234567890})
    made["error"] |= {"stack": "Error\n at x", "nodeId": "b"}
    made["executionData"] = [
        run("a", startedAt=made["startedAt"], duration=0.5, outputData=[{"json": {"n": 1.0, "m": 1e2}}]),
        run("b", status="failed", error={"type": "E", "message": "no", "stack": "deep"}, inputData=[{"json": {}}]),
    ]
    made |= {"inputData": {"x": [1, 2]}, "outputData": []}
    made["trigger"]["payload"] = {"who": "Zoë"}
    return made


def looped() -> Record:
    return record("looped", AT) | {"executionData": [run("l", runIndex=at) for at in range(3)] + [run("once")]}


def chatty() -> Record:
    lines = [
        {"timestamp": (AT + timedelta(seconds=at)).isoformat(), "level": "info", "message": f"{at}"}
        for at in range(1005)
    ]
    return record("chatty", now() - timedelta(hours=1), logs=lines)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    lake = load_records(tmp_path_factory.mktemp("detail"), [failed(), looped(), chatty(), record("a b/ü", AT)])
    with served(app_of(lake)) as client:
        yield client


def shown(client: httpx.Client, id: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/v1/executions/{id}", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_status_and_timing_of_nodes_are_shown_unasked(client: httpx.Client) -> None:
    body = shown(client, "exec_failed")
    assert body["executionData"] == [
        {
            "nodeId": "a",
            "nodeName": "A",
            "nodeType": "set",
            "status": "success",
            "startedAt": "2026-03-01T12:00:00Z",
            "duration": 0.5,
        },
        {
            "nodeId": "b",
            "nodeName": "B",
            "nodeType": "set",
            "status": "failed",
            "error": {"type": "E", "message": "no"},
        },
    ]
    assert not {"inputData", "outputData", "logs", "unavailable"} & set(body)
    assert "payload" not in body["trigger"]
    assert "stack" not in body["error"]
    assert body["customData"]["order"] == 17


def test_include_error_adds_every_stack(client: httpx.Client) -> None:
    body = shown(client, "exec_failed", include="error")
    assert body["error"]["stack"] == "Error\n at x"
    assert body["executionData"][1]["error"]["stack"] == "deep"


def test_include_data_adds_inputs_outputs_and_what_the_trigger_brought(client: httpx.Client) -> None:
    body = shown(client, "exec_failed", include="data,metadata")
    assert (body["inputData"], body["outputData"]) == ({"x": [1, 2]}, [])
    assert body["trigger"]["payload"] == {"who": "Zoë"}
    assert body["executionData"][0]["outputData"] == [{"json": {"n": 1.0, "m": 100.0}}]
    assert body["executionData"][1]["inputData"] == [{"json": {}}]


def test_runs_of_a_looped_node_are_told_apart(client: httpx.Client) -> None:
    runs = shown(client, "exec_looped")["executionData"]
    assert [(one["nodeId"], one.get("runIndex")) for one in runs] == [("l", 0), ("l", 1), ("l", 2), ("once", None)]


def test_a_long_log_says_where_it_goes_on(client: httpx.Client) -> None:
    body = shown(client, "exec_chatty", include="logs")
    assert [line["message"] for line in body["logs"]] == [str(at) for at in range(1000)]
    rest = client.get("/v1/executions/exec_chatty/logs", params={"cursor": body["logsNextCursor"]}).json()
    assert [line["message"] for line in rest["logs"]] == [str(at) for at in range(1000, 1005)]


def test_an_id_that_is_escaped_in_the_path(client: httpx.Client) -> None:
    assert client.get("/v1/executions/exec_a%20b%2F%C3%BC").status_code in (200, 404)
    missing = client.get("/v1/executions/%F0%9F%90%99%00").json()["error"]
    assert (missing["code"], missing["message"]) == (
        "EXECUTION_NOT_FOUND",
        "Execution with ID '🐙\x00' not found",
    )


def test_unknown_parameters_are_refused(client: httpx.Client) -> None:
    for path in ("", "/data", "/logs", "/nodes/a/data"):
        error = client.get(f"/v1/executions/exec_failed{path}?verbose=1").json()["error"]
        assert (error["code"], error["parameter"]) == ("INVALID_PARAMETER", "verbose")


def test_data_that_is_gone_is_said_to_be_gone(tmp_path: Any) -> None:
    """Two executions: one whose payloads retention has dropped, one whose payloads were never stored."""
    uri = load_records(tmp_path, [failed()])
    lake = Lake.open(uri)
    assert lake.retain(days={"payloads": 7, "logs": 7})["payloads"] > 0
    never = tmp_path / "never.ndjson"
    never.write_text(json.dumps(failed() | {"id": "exec_never"}))
    assert load(lake, [never], LoadOptions(normalise=NormaliseOptions(payloads="drop"))).rejected == 0
    lake.close()
    with served(app_of(uri)) as client:
        for name, why in (("exec_failed", "expired"), ("exec_never", "notStored")):
            assert shown(client, name, include="data")["unavailable"] == {"data": why}
            assert "unavailable" not in shown(client, name)
            data = client.get(f"/v1/executions/{name}/data").json()
            assert data["unavailable"] == {"data": why}
            assert data["nodes"]["a"] == {"input": [], "output": []}
            assert client.get(f"/v1/executions/{name}/nodes/a/data").json()["unavailable"] == {"data": why}
            csv = client.get(f"/v1/executions/{name}/data?format=csv")
            assert csv.headers["x-data-unavailable"] == f"data={why}"
            assert shown(client, name, include="logs")["unavailable"] == {"logs": "expired"}
        listed = client.get("/v1/executions?include=data").json()["data"]
        assert {one["id"]: one["unavailable"]["data"] for one in listed} == {
            "exec_failed": "expired",
            "exec_never": "notStored",
        }
