"""Cancel, retry and delete many: by ids, by filter, within the cap, without harm to the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.serving import served
from tests.api.test_commands import collected
from tests.api.writing_app import app_over, narrow, put, serving, stored
from warehouse.hot.tokens import create_token

BULK = "/v1/executions/bulk"


@pytest.fixture
def client(hot_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path, hot_url) as client:
        put(client, *(narrow(number, "running" if number % 2 else "failed") for number in range(10)))
        yield client


def ids(*numbers: int | str) -> list[str]:
    return [f"exec_{number}" for number in numbers]


def statuses(folder: Path, hot_url: str, *numbers: int) -> list[str | None]:
    rows = stored(folder, hot_url, ids(*numbers))
    return [rows[id_]["status"] if id_ in rows else None for id_ in ids(*numbers)]


def test_by_ids_each_is_done_or_says_why_not(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    asked = {"ids": ids(1, 2, 3, "x", 1)}
    answer = client.post(f"{BULK}/cancel", json=asked)
    assert answer.status_code == 200, answer.text
    expected: dict[str, Any] = {
        "action": "cancel",
        "dryRun": False,
        "matched": 4,
        "succeeded": 2,
        "failed": 2,
        "failures": [
            {
                "id": "exec_2",
                "code": "CANNOT_CANCEL_EXECUTION",
                "message": "Cannot cancel execution that is already completed",
                "status": "failed",
            },
            {"id": "exec_x", "code": "EXECUTION_NOT_FOUND", "message": "Execution with ID 'exec_x' not found"},
        ],
    }
    assert answer.json() == expected
    assert statuses(tmp_path, hot_url, 1, 2, 3, 5) == ["cancelled", "failed", "cancelled", "running"]
    assert [one["executionId"] for one in collected(client)] == ids(1, 3)
    again = client.post(f"{BULK}/cancel", json=asked).json()
    assert (again["succeeded"], again["failed"]) == (0, 4)


def test_a_retry_names_all_new_executions(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    answer = client.post(f"{BULK}/retry", json={"ids": ids(0, 1, 2), "loadWorkflow": True}).json()
    assert (answer["succeeded"], answer["failed"], answer["failures"][0]["id"]) == (2, 1, "exec_1")
    assert [one["retryOf"] for one in answer["retries"]] == ids(0, 2)
    new = [one["executionId"] for one in answer["retries"]]
    rows = stored(tmp_path, hot_url, new)
    assert [rows[id_]["retry_of"] for id_ in new] == ids(0, 2)
    commands = collected(client)
    assert [one["executionId"] for one in commands] == new
    assert {one["loadWorkflow"] for one in commands} == {True}


def test_a_dry_run_changes_nothing(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    for action, expected in (("cancel", (2, 1)), ("retry", (1, 2)), ("delete", (3, 0))):
        answer = client.post(f"{BULK}/{action}", json={"ids": ids(1, 2, 3), "dryRun": True}).json()
        assert (answer["dryRun"], answer["succeeded"], answer["failed"]) == (True, *expected), action
        assert "retries" not in answer
    assert statuses(tmp_path, hot_url, 1, 2, 3) == ["running", "failed", "running"]
    assert collected(client) == []


def test_delete_takes_them_out(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    answer = client.post(f"{BULK}/delete", json={"ids": ids(1, 2, "x")}).json()
    assert (answer["succeeded"], answer["failed"], len(answer["failures"])) == (2, 1, 1)
    assert statuses(tmp_path, hot_url, 1, 2, 3) == [None, None, "running"]


def test_by_filter_as_the_list_has_it(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    until = {"startDate": "2026-03-01T12:02:00Z", "endDate": "2026-03-01T12:07:00Z"}
    answer = client.post(f"{BULK}/delete", json={"filter": {"status": ["failed", "timeout"], **until}})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["matched"], answer.json()["succeeded"]) == (3, 3)
    assert statuses(tmp_path, hot_url, 0, 2, 4, 6, 8, 3) == ["failed", None, None, None, "failed", "running"]
    for filter_, matched in (
        ({"error": "TO 8"}, 1), ({"workflowId": "wf_2"}, 0), ({"mode": "webhook", "status": "running"}, 5),
        ({"errorType": "ConnectionError"}, 2), ({"minDuration": 1.5}, 2), ({"retryOf": "x"}, 0),
    ):  # fmt: skip
        found = client.post(f"{BULK}/cancel", json={"filter": filter_, "dryRun": True}).json()
        assert found["matched"] == matched, filter_


def test_more_than_the_cap_is_refused_with_the_count(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    for body in ({"filter": {"status": "running"}, "limit": 4}, {"ids": ids(1, 3, 5, 7, 9), "limit": 4}):
        answer = client.post(f"{BULK}/cancel", json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "TOO_MANY_EXECUTIONS")
        assert (error["count"], error["limit"]) == (5, 4)
    assert statuses(tmp_path, hot_url, 1, 3) == ["running", "running"]


def test_what_cannot_be_meant_is_refused(client: httpx.Client) -> None:
    wrong: list[Any] = [
        {}, {"ids": ["a"], "filter": {"status": "failed"}}, {"filter": {}}, {"ids": []}, {"ids": [""]}, {"ids": "a"},
        {"ids": ["a"], "limit": 0}, {"ids": ["a"], "limit": 10_001}, {"ids": ["a"], "dry_run": True},
        {"filter": {"status": "done"}}, {"filter": {"dateRange": "custom"}}, {"filter": {"startDate": "yesterday"}}, [],
    ]  # fmt: skip
    for body in wrong:
        answer = client.post(f"{BULK}/delete", json=body)
        assert answer.status_code == 400, (body, answer.text)


def test_failures_are_capped_and_counted(client: httpx.Client) -> None:
    answer = client.post(f"{BULK}/cancel", json={"ids": ids(*(f"x{number}" for number in range(150)))}).json()
    assert (answer["failed"], len(answer["failures"])) == (150, 100)


def test_a_bound_token_reaches_its_own_only(hot_url: str, tmp_path: Path) -> None:
    app = app_over(tmp_path, hot_url, no_auth=False)
    scopes = ["executions:write", "executions:control", "executions:delete"]
    with served(app) as client:
        database = app.state.hot.database
        _, everything = create_token(database, "all", scopes)
        _, bound = create_token(database, "bound", scopes, workflow_ids=["wf_1"])
        client.headers["Authorization"] = f"Bearer {everything}"
        put(client, narrow(1, "running"), narrow(2, "running", workflowId="wf_2"))
        client.headers["Authorization"] = f"Bearer {bound}"
        answer = client.post(f"{BULK}/cancel", json={"filter": {"status": "running"}, "dryRun": True}).json()
        assert (answer["matched"], answer["succeeded"]) == (1, 1)
        answer = client.post(f"{BULK}/delete", json={"ids": ids(1, 2)}).json()
        assert (answer["succeeded"], answer["failures"][0]["code"]) == (1, "EXECUTION_NOT_FOUND")
    assert statuses(tmp_path, hot_url, 1, 2) == [None, "running"]
