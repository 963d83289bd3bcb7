"""How an engine collects what was decided and says what became of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.api.serving import served
from tests.api.writing_app import app_over, narrow, put, serving, stored
from warehouse.clock import now
from warehouse.hot.commands import KEPT_DAYS, Command, Commands, commands
from warehouse.hot.database import Database

PATH = "/v1/executions"


@pytest.fixture
def client(hot_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path, hot_url) as client:
        yield client


def collected(client: httpx.Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/v1/commands{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["commands"]
    return found


def ack(client: httpx.Client, command: dict[str, Any], **body: str) -> httpx.Response:
    return client.post(f"/v1/commands/{command['id']}/ack", json=body)


def test_a_command_is_handed_out_to_one_collector_oldest_first(client: httpx.Client) -> None:
    put(client, *(narrow(number, "running") for number in range(30)))
    for number in range(30):
        assert client.post(f"{PATH}/exec_{number}/cancel").status_code == 200
    assert [one["executionId"] for one in collected(client, "?limit=3")] == ["exec_0", "exec_1", "exec_2"]
    with ThreadPoolExecutor(5) as pool:
        rest = [one["id"] for part in pool.map(lambda _: collected(client, "?limit=7"), range(6)) for one in part]
    assert (len(rest), len(set(rest))) == (27, 27)
    assert collected(client) == []


def test_commands_come_in_the_stream_too(client: httpx.Client) -> None:
    put(client, narrow(1, "running"), narrow(2, "failed"))
    assert client.post(f"{PATH}/exec_1/cancel").status_code == 200
    queued = client.post(f"{PATH}/exec_2/retry", json={"fromNode": "slack_1"}).json()["executionId"]
    with client.stream("GET", f"{PATH}/events?events=command.created&since=0") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data:"))
        told = [json.loads(next(lines).removeprefix("data:")) for _ in range(2)]
    assert [(one["type"], one["executionId"], one["data"]["type"]) for one in told] == [
        ("command.created", "exec_1", "cancel"),
        ("command.created", queued, "retry"),
    ]
    assert told[1]["data"]["fromNode"] == "slack_1"
    for one in told:  # acknowledged without having been handed out
        assert ack(client, one["data"], status="done").status_code == 200
    assert collected(client) == []


def test_waiting_ends_when_a_command_comes(client: httpx.Client) -> None:
    put(client, narrow(1, "running"))
    began_s = time.monotonic()
    assert collected(client, "?wait=0.3") == []
    assert time.monotonic() - began_s >= 0.3
    timer = threading.Timer(0.5, lambda: client.post(f"{PATH}/exec_1/cancel"))
    timer.start()
    (command,) = collected(client, "?wait=30")
    timer.join()
    assert time.monotonic() - began_s < 20
    leased = datetime.fromisoformat(command["leasedUntil"]) - datetime.fromisoformat(command["createdAt"])
    assert timedelta(seconds=50) < leased < timedelta(seconds=80)
    for wrong in ("?wait=61", "?limit=0", "?limit=101", "?wait=now", "?since=1"):
        assert client.get(f"/v1/commands{wrong}").status_code == 400


def test_what_is_not_acknowledged_in_time_is_handed_out_again(hot_url: str) -> None:
    database = Database.open(hot_url)
    queue = Commands(database)
    with database.write() as connection:
        queue.add(connection, [Command("cancel", "a", None, now()), Command("cancel", "b", "wf", now())])
    (bound,) = queue.claim(10, 60, ("wf",))
    assert bound.execution_id == "b"
    (first,) = queue.claim(10, 0.2)
    assert (first.execution_id, first.deliveries) == ("a", 1)
    assert queue.claim(10, 60) == []
    time.sleep(0.25)
    (again,) = queue.claim(10, 60)
    assert (again.id, again.deliveries) == (first.id, 2)
    assert queue.find(again.id, ("wf",)) is None
    queue.settled(again.id, "done")
    found = queue.find(again.id)
    assert found is not None
    assert (found.state, found.settled_at is not None) == ("done", True)
    database.close()


def test_of_two_that_hold_a_claim_at_once_one_gets_it(hot_url: str) -> None:
    database = Database.open(hot_url)
    queue = Commands(database)
    with ThreadPoolExecutor(4) as pool:
        held = list(pool.map(lambda _: queue.hold(Command("cancel", "a", None, now()), "cancel:a", 0.5), range(8)))
    assert sorted(held) == [False] * 7 + [True]
    assert queue.claim(10, 60) == []  # what is held is told to the engine by its writer
    time.sleep(0.55)
    assert queue.hold(Command("cancel", "a", None, now()), "cancel:a", 60)
    database.close()


def test_acknowledged_commands_are_forgotten_after_a_while(hot_url: str) -> None:
    database = Database.open(hot_url)
    queue = Commands(database)
    old, new = (Command("cancel", id_, None, now()) for id_ in ("old", "new"))
    with database.write() as connection:
        queue.add(connection, [old])
        queue.settle(connection, old.id, "done")
        gone_at = now() - timedelta(days=KEPT_DAYS, seconds=1)
        connection.execute(sa.update(commands).values(settled_at=gone_at))
        queue.add(connection, [new])
    assert queue.find(old.id) is None
    assert queue.find(new.id) is not None
    database.close()


def test_a_cancellation_that_was_done_stays(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    put(client, narrow(1, "running"))
    client.post(f"{PATH}/exec_1/cancel")
    (command,) = collected(client)
    for _ in range(2):  # the same acknowledgement again changes nothing
        answer = ack(client, command, status="done")
        assert (answer.status_code, answer.json()["executionId"]) == (200, "exec_1")
    other = ack(client, command, status="failed")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "COMMAND_SETTLED")
    assert stored(tmp_path, hot_url, ["exec_1"])["exec_1"]["status"] == "cancelled"


def test_a_cancellation_that_failed_is_taken_back(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    put(client, narrow(1, "running"), narrow(2, "running"))
    before = stored(tmp_path, hot_url, ["exec_1"])["exec_1"]
    for number in (1, 2):
        client.post(f"{PATH}/exec_{number}/cancel")
    later = (now() + timedelta(seconds=5)).isoformat()
    put(client, narrow(2, updatedAt=later))  # the engine has reported since: that counts
    first, second = collected(client)
    assert ack(client, first, status="failed", message="it would not stop").status_code == 200
    assert ack(client, second, status="failed").status_code == 200
    rows = stored(tmp_path, hot_url, ["exec_1", "exec_2"])
    assert {**rows["exec_1"], "updated_at": None} == {**before, "updated_at": None}
    assert rows["exec_2"]["status"] == "success"
    assert client.post(f"{PATH}/exec_1/cancel").status_code == 200


def test_a_retry_that_failed_is_a_failed_execution(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    put(client, narrow(1, "failed"))
    id_ = client.post(f"{PATH}/exec_1/retry").json()["executionId"]
    (command,) = collected(client)
    assert ack(client, command, status="failed", message="no such workflow").status_code == 200
    row = stored(tmp_path, hot_url, [id_])[id_]
    assert (row["status"], row["error_type"], row["error_message"]) == ("failed", "EngineRefused", "no such workflow")
    assert row["error_fingerprint"].startswith("v1:")
    assert row["retry_of"] == "exec_1"
    assert client.post(f"{PATH}/{id_}/retry").json()["retryOf"] == id_


@pytest.mark.parametrize("reported_first", [False, True])
def test_a_retry_gets_the_id_that_the_engine_gave_it(
    client: httpx.Client, tmp_path: Path, hot_url: str, reported_first: bool
) -> None:
    put(client, narrow(1, "failed"))
    id_ = client.post(f"{PATH}/exec_1/retry").json()["executionId"]
    (command,) = collected(client)
    if reported_first:
        put(client, narrow(77, "running", retryOf="exec_1"))
    answer = ack(client, command, status="done", executionId="exec_77")
    assert (answer.status_code, answer.json()["executionId"]) == (200, "exec_77")
    assert ack(client, command, status="done", executionId="exec_77").json() == answer.json()
    rows = stored(tmp_path, hot_url, [id_, "exec_77"])
    assert set(rows) == {"exec_77"}
    assert (rows["exec_77"]["status"], rows["exec_77"]["retry_of"]) == (
        "running" if reported_first else "queued",
        "exec_1",
    )


def test_an_unknown_command_and_a_wrong_body_are_refused(client: httpx.Client) -> None:
    unknown = client.post("/v1/commands/cmd_nothing/ack", json={"status": "done"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "COMMAND_NOT_FOUND")
    for body in ({}, {"status": "maybe"}, {"status": "done", "id": "x"}, {"status": "done", "message": 7}):
        assert client.post("/v1/commands/cmd_nothing/ack", json=body).status_code == 400


def test_what_nobody_waits_for_is_not_handed_out(hot_url: str, tmp_path: Path) -> None:
    app = app_over(tmp_path, hot_url)
    with served(app) as client:
        put(client, narrow(1, "running"))
        impatient = httpx.Timeout(30, read=0.3)
        with pytest.raises(httpx.ReadTimeout):
            client.get("/v1/commands?wait=30", timeout=impatient)
        time.sleep(0.6)
        assert client.post(f"{PATH}/exec_1/cancel").status_code == 200
        time.sleep(0.6)
        assert [one["deliveries"] for one in collected(client)] == [1]
