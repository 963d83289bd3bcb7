"""Cancel, retry, delete with the engine `commands`: the contract's words, and who wins when two come at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.records import text
from tests.api.serving import served
from tests.api.writing_app import app_over, narrow, put, serving, stored
from warehouse.hot.store import HotStore
from warehouse.hot.tokens import create_token
from warehouse.lake import Lake

PATH = "/v1/executions"


@pytest.fixture
def client(hot_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path, hot_url) as client:
        yield client


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    said_at = datetime.fromisoformat(error.pop("timestamp"))
    assert abs(datetime.now(UTC) - said_at) < timedelta(minutes=1)
    return error


def just_now(instant: str) -> bool:
    return abs(datetime.now(UTC) - datetime.fromisoformat(instant)) < timedelta(minutes=1)


def test_cancel_answers_as_the_contract_shows(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    put(client, narrow("1234567890", "running"))
    answer = client.post(f"{PATH}/exec_1234567890/cancel")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert just_now(found.pop("cancelledAt"))
    assert found == {
        "message": "Execution cancelled successfully",
        "executionId": "exec_1234567890",
        "status": "cancelled",
    }
    row = stored(tmp_path, hot_url, ["exec_1234567890"])["exec_1234567890"]
    assert (row["status"], row["source_status"]) == ("cancelled", "cancelled")
    assert row["duration_s"] == (row["stopped_at"] - row["started_at"]).total_seconds()


@pytest.mark.parametrize("in_lake", [False, True])
def test_what_has_ended_cannot_be_cancelled(client: httpx.Client, tmp_path: Path, hot_url: str, in_lake: bool) -> None:
    put(client, narrow("1234567890"))
    if in_lake:
        seal(tmp_path, hot_url)
    answer = client.post(f"{PATH}/exec_1234567890/cancel")
    assert answer.status_code == 409
    assert error_of(answer) == {
        "code": "CANNOT_CANCEL_EXECUTION",
        "message": "Cannot cancel execution that is already completed",
        "executionId": "exec_1234567890",
        "status": "success",
    }


def test_what_is_not_there_is_the_contracts_404(client: httpx.Client) -> None:
    for answer in (
        client.post(f"{PATH}/exec_invalid/cancel"),
        client.post(f"{PATH}/exec_invalid/retry"),
        client.delete(f"{PATH}/exec_invalid"),
    ):
        assert answer.status_code == 404
        assert error_of(answer) == {
            "code": "EXECUTION_NOT_FOUND",
            "message": "Execution with ID 'exec_invalid' not found",
        }


def test_node_data_and_logs_stay_when_it_is_cancelled(client: httpx.Client, hot_url: str) -> None:
    node = {
        "nodeId": "n1",
        "status": "running",
        "startedAt": "2026-03-01T12:00:00Z",
        "outputData": [{"json": {"a": 1}}],
    }
    line = {"timestamp": "2026-03-01T12:00:01Z", "level": "info", "message": "m"}
    put(client, narrow(1, "running", executionData=[node], logs=[line]))
    assert client.post(f"{PATH}/exec_1/cancel").status_code == 200
    store = HotStore.open(hot_url)
    found = store.find("exec_1")
    store.close()
    assert found is not None
    assert found.record()["status"] == "cancelled"
    assert (found.node_runs.num_rows, found.payloads.num_rows, found.logs.num_rows) == (1, 1, 1)


def test_of_two_cancels_at_once_one_succeeds(client: httpx.Client) -> None:
    put(client, *(narrow(number, "running") for number in range(10)))

    def cancel(number: int) -> int:
        return client.post(f"{PATH}/exec_{number}/cancel").status_code

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(cancel, sorted([*range(10)] * 3)))
    assert [sorted(found[at : at + 3]) for at in range(0, 30, 3)] == [[200, 409, 409]] * 10
    kinds = [one["type"] for one in client.get("/v1/commands?limit=100").json()["commands"]]
    assert kinds == ["cancel"] * 10


def test_a_cancel_of_what_ends_meanwhile_is_right_either_way(
    client: httpx.Client, tmp_path: Path, hot_url: str
) -> None:
    numbers = range(12)
    put(client, *(narrow(number, "running") for number in numbers))

    def end(number: int) -> int:
        return client.post(PATH, json=narrow(number, updatedAt="2026-03-01T13:00:00Z")).status_code

    def cancel(number: int) -> int:
        return client.post(f"{PATH}/exec_{number}/cancel").status_code

    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(end, number) for number in numbers]
        cancels = [pool.submit(cancel, number) for number in numbers]
        statuses = [one.result() for one in cancels]
        assert {one.result() for one in ends} == {200}
    rows = stored(tmp_path, hot_url, [f"exec_{number}" for number in numbers])
    for number, status in zip(numbers, statuses, strict=True):
        # Cancelled later than the engine's record is of: it stays; refused: the engine's record had come first.
        assert (status, rows[f"exec_{number}"]["status"]) in {(200, "cancelled"), (409, "success")}


def test_a_later_report_of_the_engine_counts(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    put(client, narrow(1, "running"))
    assert client.post(f"{PATH}/exec_1/cancel").status_code == 200
    put(client, narrow(1, updatedAt=text(datetime.now(UTC) + timedelta(seconds=5))))
    assert stored(tmp_path, hot_url, ["exec_1"])["exec_1"]["status"] == "success"


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled"])
def test_a_retry_is_a_new_queued_execution_until_the_engine_takes_it(
    client: httpx.Client, tmp_path: Path, hot_url: str, status: str
) -> None:
    trigger = {"type": "webhook", "source": "github"}
    put(client, narrow(1, status, workflowName="One", trigger=trigger, metadata={"retryCount": 2}))
    options: dict[str, Any] = {"fromNode": "slack_1", "loadWorkflow": True, "startNodes": ["a"]}
    answer = client.post(f"{PATH}/exec_1/retry", json=options)
    assert answer.status_code == 202, answer.text
    found = answer.json()
    assert set(found) == {"executionId", "status", "retryOf"}
    assert (found["status"], found["retryOf"]) == ("queued", "exec_1")
    row = stored(tmp_path, hot_url, [found["executionId"]])[found["executionId"]]
    expected = {
        "workflow_id": "wf_1", "workflow_name": "One", "status": "queued", "mode": "retry", "retry_of": "exec_1",
        "retry_count": 3, "trigger_type": "webhook", "started_at": None, "source": "runlake",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    (command,) = client.get("/v1/commands").json()["commands"]
    asked = options | {"type": "retry", "executionId": found["executionId"], "workflowId": "wf_1", "deliveries": 1}
    asked |= {"retryOf": "exec_1"}
    assert {name: command[name] for name in asked} == asked
    assert client.post(f"{PATH}/{found['executionId']}/cancel").status_code == 200


@pytest.mark.parametrize(("status", "what"), [("success", "was successful"), ("running", "has not ended yet")])
def test_only_what_failed_can_be_retried(client: httpx.Client, status: str, what: str) -> None:
    put(client, narrow(1, status))
    answer = client.post(f"{PATH}/exec_1/retry")
    assert answer.status_code == 409
    assert error_of(answer) == {
        "code": "CANNOT_RETRY_EXECUTION",
        "message": f"Cannot retry execution that {what}",
        "executionId": "exec_1",
        "status": status,
    }


def test_the_body_of_a_retry_is_checked(client: httpx.Client) -> None:
    put(client, narrow(1, "failed"))
    bodies: list[Any] = [{"fromNode": 7}, {"from_node": "a"}, {"startNodes": "a"}, [], {"loadWorkflow": "yes"}]
    for body in bodies:
        answer = client.post(f"{PATH}/exec_1/retry", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_BODY"), body
    assert client.post(f"{PATH}/exec_1/retry", json={}).status_code == 202
    assert client.post(f"{PATH}/exec_1/retry?fromNode=a").status_code == 400


@pytest.mark.parametrize("in_lake", [False, True])
def test_a_deleted_execution_is_gone_from_both_tiers(
    client: httpx.Client, tmp_path: Path, hot_url: str, in_lake: bool
) -> None:
    line = {"timestamp": "2026-03-01T12:00:01Z", "level": "info", "message": "m"}
    put(client, narrow(1, logs=[line], inputData=[1]), narrow(2))
    if in_lake:
        seal(tmp_path, hot_url)
    answer = client.delete(f"{PATH}/exec_1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.delete(f"{PATH}/exec_1").status_code == 404
    assert set(stored(tmp_path, hot_url, ["exec_1", "exec_2"])) == {"exec_2"}
    # A later report makes it anew, without anything of the old one.
    put(client, narrow(1))
    assert client.post(f"{PATH}/exec_1/logs", json=line).json()["accepted"] == 1


def seal(folder: Path, hot_url: str) -> None:
    lake, store = Lake.open(folder / "lake"), HotStore.open(hot_url)
    try:
        store.seal(lake)
        assert store.find("exec_1") is None
    finally:
        store.close()
        lake.close()


def test_scopes_and_workflows_of_tokens_hold(hot_url: str, tmp_path: Path) -> None:
    app = app_over(tmp_path, hot_url, no_auth=False)
    with served(app) as client:
        database = app.state.hot.database

        def token(*scopes: str, workflows: list[str] | None = None) -> dict[str, str]:
            _, secret = create_token(database, "-".join(scopes) + str(workflows), scopes, workflow_ids=workflows)
            return {"Authorization": f"Bearer {secret}"}

        writer = token("executions:write")
        records = [
            narrow(1, "running"),
            narrow(2, "running", workflowId="wf_2"),
            narrow(3, "failed", workflowId="wf_2"),
        ]
        assert client.post(PATH, json=records, headers=writer).status_code == 200
        for method, path, scope in (
            ("POST", f"{PATH}/exec_1/cancel", "executions:control"),
            ("POST", f"{PATH}/exec_1/retry", "executions:control"),
            ("DELETE", f"{PATH}/exec_1", "executions:delete"),
        ):
            assert client.request(method, path).status_code == 401
            refused = client.request(method, path, headers=writer)
            assert (refused.status_code, refused.json()["error"]["requiredPermission"]) == (403, scope)
        bound = token("executions:control", "executions:delete", "executions:write", workflows=["wf_1"])
        assert client.post(f"{PATH}/exec_2/cancel", headers=bound).status_code == 404
        assert client.post(f"{PATH}/exec_3/retry", headers=bound).status_code == 404
        assert client.delete(f"{PATH}/exec_2", headers=bound).status_code == 404
        everything = token("executions:control")
        assert client.post(f"{PATH}/exec_2/cancel", headers=everything).status_code == 200
        assert client.post(f"{PATH}/exec_1/cancel", headers=bound).status_code == 200
        seen = client.get("/v1/commands", headers=bound).json()["commands"]
        assert [one["executionId"] for one in seen] == ["exec_1"]
