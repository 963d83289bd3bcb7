"""The WebSocket: what is said, what is answered, what is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.api.live.streams import EVENTS, STREAM, Served, Socket, event, eventually, put, seqs, serving
from tests.api.test_metrics import read, value
from tests.api.writing_app import narrow
from warehouse.hot.event_schema import NewEvent


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("stream")) as server:
        yield server


def test_the_contracts_example(server: Served) -> None:
    with server.socket() as socket:
        socket.connection.send('{"type": "subscribe", "channels": ["executions", "workflow:wf_123"]}')
        assert socket.hear() == {"type": "subscribed", "channels": ["executions", "workflow:wf_123"], "seq": 0}
        at = datetime(2023, 12, 6, 10, 30, tzinfo=UTC)
        put(
            server.store,
            NewEvent(
                "execution.started",
                at,
                {"mode": "webhook", "trigger": "github"},
                execution_id="exec_1234567890",
                workflow_id="wf_123",
            ),
        )
        text = socket.connection.recv(timeout=20)
        assert json.loads(text) == {
            "type": "execution.started",
            "executionId": "exec_1234567890",
            "workflowId": "wf_123",
            "timestamp": "2023-12-06T10:30:00Z",
            "data": {"mode": "webhook", "trigger": "github"},
            "seq": 1,
        }
        assert socket.silent()  # in both channels, and yet once


def test_what_is_posted_is_heard(server: Served) -> None:
    with server.socket() as socket:
        socket.subscribe("executions", filters={"events": ["execution.completed"]})
        assert server.http.post("/v1/executions", json=[narrow(7), narrow(8, "failed")]).status_code == 200
        found = socket.hear()
        assert (found["type"], found["executionId"], found["workflowId"]) == ("execution.completed", "exec_7", "wf_1")
        assert found["data"]["status"] == "success"
        assert socket.silent()


def test_channels_and_filters(shared: Served) -> None:
    with shared.socket() as socket:
        socket.subscribe("workflow:wf_a", "execution:exec_x")
        socket.subscribe("workflow:wf_b", filters={"status": ["failed", "timeout"], "mode": ["webhook"]})
        last = put(
            shared.store,
            event(1, workflow_id="wf_a"),
            event("x", workflow_id="wf_c"),
            event("x", workflow_id="wf_a"),
            event(2, workflow_id="wf_b"),
            event(3, workflow_id="wf_b", status="failed"),
            event(4, workflow_id="wf_b", status="failed", mode="manual"),
            event(5, workflow_id="wf_b", status=None),
            event(6, workflow_id="wf_c"),
            event(7, workflow_id=None, execution_id=None),
            event(8, workflow_id="wf_a", data={"text": 'Zoë \n "q" \u2028'}),
        )
        found = socket.up_to(last)
        assert [one - last + 10 for one in seqs(found)] == [1, 2, 3, 5, 10]
        assert found[-1]["data"] == {"text": 'Zoë \n "q" \u2028'}


def test_unsubscribe_and_subscribe_anew(shared: Served) -> None:
    with shared.socket() as socket:
        socket.subscribe("workflow:wf_a", "workflow:wf_b", id="first")
        socket.say("unsubscribe", channels=["workflow:wf_a", "workflow:never"], id=2)
        answer = socket.hear()
        assert answer["subscribed"] == ["workflow:wf_b"]
        assert (answer["type"], answer["id"]) == ("unsubscribed", 2)
        put(shared.store, event(1, workflow_id="wf_a"), event(2, workflow_id="wf_b"))
        assert socket.hear()["executionId"] == "exec_2"
        socket.subscribe("workflow:wf_b", filters={"events": ["execution.failed"]})  # replaces the one before
        put(shared.store, event(3, workflow_id="wf_b"), event(4, "execution.failed", workflow_id="wf_b"))
        assert socket.hear()["executionId"] == "exec_4"
        socket.say("unsubscribe", channels=["workflow:wf_b"])
        assert socket.hear()["subscribed"] == []
        put(shared.store, event(5, workflow_id="wf_b"))
        assert socket.silent()


def test_since_replays_and_goes_on(server: Served) -> None:
    for number in range(1, 6):
        put(server.store, event(number), event(number, workflow_id="wf_2"))
    with server.socket() as socket:
        assert socket.subscribe("workflow:wf_1", since=4)["seq"] == 4
        found = [socket.hear() for _ in range(4)]
        assert seqs(found[:3]) == [5, 7, 9]
        assert found[3] == {"type": "replayed", "channels": ["workflow:wf_1"], "seq": 10}
        put(server.store, event(11))
        assert socket.hear()["seq"] == 11
        # What it has by one channel is not sent again by another.
        socket.subscribe("executions", since=0)
        again = [socket.hear() for _ in range(8)]
        assert seqs(again[:-1]) == [1, 2, 3, 4, 6, 8, 10]  # 5, 7, 9, 11 it has had
        assert again[-1]["type"] == "replayed"


def test_since_an_instant(server: Served) -> None:
    put(server.store, event(1))
    with server.store.database.read() as connection:
        instant = server.store.database.now(connection)
    put(server.store, event(2))
    with server.socket() as socket:
        socket.subscribe("executions", since=instant.isoformat())
        assert [one["seq"] for one in socket.up_to(2)] == [2]


@pytest.mark.parametrize("since", [3, "2020-01-01T00:00:00Z"])
def test_more_than_is_kept_is_a_gap(server: Served, since: int | str) -> None:
    for number in range(1, 9):
        put(server.store, event(number))
    with server.store.database.read() as connection:
        assert server.store.events.forget(server.store.database.now(connection) + timedelta(hours=1)) == 8
    put(server.store, event(9))
    server.app.state.live.hub.ring.most_events = 0
    put(server.store, event(10))
    with server.socket() as socket:
        socket.subscribe("executions", since=since)
        gap, *found = socket.up_to(10)
        assert (gap["type"], gap["to"], gap["reason"]) == ("gap", 8, "expired")
        assert gap["from"] == (4 if since == 3 else 1)
        assert seqs(found) == [9, 10]


def test_numbers_that_were_never_given_are_a_gap(server: Served) -> None:
    put(server.store, event(1), event(2))
    with server.socket() as socket:
        assert socket.subscribe("executions", since=500)["seq"] == 2
        gap = socket.hear()
        assert (gap["from"], gap["to"], gap["reason"]) == (1, 2, "reset")
        assert socket.hear()["type"] == "replayed"
        put(server.store, event(3))
        assert socket.hear()["seq"] == 3


BAD: list[tuple[Any, str, str]] = [
    ("{", "INVALID_MESSAGE", "JSON"),
    (b"{}", "INVALID_MESSAGE", "binary"),
    ("[" * 30_000, "INVALID_MESSAGE", "JSON"),
    ("{}", "INVALID_MESSAGE", "type"),
    ('{"type": "shout"}', "INVALID_MESSAGE", "shout"),
    ('{"type": "subscribe"}', "INVALID_MESSAGE", "channels"),
    ('{"type": "subscribe", "channels": "executions"}', "INVALID_MESSAGE", "array"),
    ('{"type": "subscribe", "channels": []}', "INVALID_PARAMETER", "1 to 100"),
    ('{"type": "subscribe", "channels": ["x"]}', "INVALID_PARAMETER", "workflow:ID"),
    ('{"type": "subscribe", "channels": ["workflow:"]}', "INVALID_PARAMETER", "workflow:ID"),
    ('{"type": "subscribe", "channels": ["workflow:a\\u0000"]}', "INVALID_PARAMETER", "workflow:ID"),
    ('{"type": "subscribe", "channels": ["executions"], "filter": {}}', "INVALID_MESSAGE", "filter"),
    (
        '{"type": "subscribe", "channels": ["executions"], "filters": {"events": ["execution.done"]}}',
        "INVALID_PARAMETER",
        "execution.completed",
    ),
    (
        '{"type": "subscribe", "channels": ["executions"], "filters": {"status": ["ok"]}}',
        "INVALID_PARAMETER",
        "success",
    ),
    ('{"type": "subscribe", "channels": ["executions"], "since": "yesterday"}', "INVALID_PARAMETER", "seq"),
    ('{"type": "subscribe", "channels": ["executions"], "since": -1}', "INVALID_PARAMETER", "seq"),
    ('{"type": "subscribe", "channels": ["executions"], "since": "2026-01-01T00:00:00"}', "INVALID_PARAMETER", "zone"),
    ('{"type": "subscribe", "channels": ["executions"], "since": 99999999999999999999}', "INVALID", "since"),
    (json.dumps({"type": "subscribe", "channels": [f"workflow:{n}" for n in range(101)]}), "INVALID_PARAMETER", "101"),
    (json.dumps({"type": "ping", "id": "x" * 201}), "INVALID_MESSAGE", "201"),
]


@pytest.mark.parametrize(("said", "code", "word"), BAD, ids=range(len(BAD)))
def test_a_bad_message_gets_an_error_and_nothing_else_happens(
    shared: Served, said: str | bytes, code: str, word: str
) -> None:
    with shared.socket() as socket:
        socket.subscribe("workflow:wf_z")
        socket.connection.send(said)
        answer = socket.hear()
        assert answer["type"] == "error"
        assert answer["error"]["code"].startswith(code)
        assert word in answer["error"]["message"]
        assert len(answer["error"]["message"]) < 600
        last = put(shared.store, event(1, workflow_id="wf_z"))
        assert socket.hear()["seq"] == last


def test_bad_messages_in_a_row_end_it(shared: Served) -> None:
    with shared.socket() as socket:
        for number in range(4):
            socket.say("nonsense", id=number)
        socket.say("ping")
        for number in range(5):
            socket.say("nonsense", id=number)
        answers = [socket.hear()["type"] for _ in range(10)]
        assert answers == ["error"] * 4 + ["pong"] + ["error"] * 5
        with pytest.raises(ConnectionClosed) as closed:
            socket.hear()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, "not valid" in closed.value.rcvd.reason) == (4400, True)


def test_limits(shared: Served) -> None:
    with shared.socket() as socket:
        socket.subscribe(*(f"workflow:{number}" for number in range(100)))
        socket.subscribe("workflow:7")
        socket.say("subscribe", channels=["execution:1"])
        assert "more than 100" in socket.hear()["error"]["message"]
        socket.connection.send(" " * (64 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            socket.hear()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_heartbeat_comes_when_it_is_quiet(shared: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.live.service.HEARTBEAT_S", 0.3)
    with shared.socket() as socket:
        socket.subscribe("workflow:wf_quiet")
        last = put(shared.store, event(1))
        for _ in range(2):
            beat = json.loads(socket.connection.recv(timeout=20))
            assert set(beat) == {"type", "timestamp", "seq"}
            assert (beat["type"], beat["seq"]) == ("heartbeat", last)


def test_without_a_handshake_there_is_no_stream(shared: Served) -> None:
    answer = shared.http.get(STREAM)
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "UPGRADE_REQUIRED")
    assert answer.headers["upgrade"] == "websocket"
    for path, status in (("/v1/executions/nothing", 404), (f"{STREAM}?tocket=x", 400), (EVENTS, 404)):
        with pytest.raises(InvalidStatus) as refused, _connect(shared, path):
            pass
        body = json.loads(bytes(refused.value.response.body or b""))
        assert refused.value.response.status_code == status
        assert set(body["error"]) >= {"code", "message", "timestamp"}
        assert refused.value.response.headers["x-request-id"]
    with _connect(shared, "/executions/stream") as socket:  # a WebSocket client follows no redirect
        socket.subscribe("executions")


def _connect(server: Served, path: str) -> AbstractContextManager[Socket]:
    return replace(server, path=path).socket()


def test_it_is_counted(server: Served) -> None:
    def counts() -> dict[str, float]:
        found = read(server.http.get("/metrics").text)
        return {
            "subscribers": value(found, "runlake_stream_subscribers", transport="websocket"),
            "sent": value(found, "runlake_stream_events_sent_total", transport="websocket"),
            "waited": value(found, "runlake_stream_wait_seconds_count"),
            "gaps": value(found, "runlake_stream_gaps_total", reason="reset"),
            "handshakes": value(found, "runlake_http_requests_total", route=STREAM, method="GET", status="101"),
        }

    with server.socket() as one, server.socket() as other:
        for socket in (one, other):
            socket.subscribe("executions")
        last = put(server.store, event(1), event(2), event(3))
        assert len(one.up_to(last)) == len(other.up_to(last)) == 3
        one.subscribe("executions", since=10**6)
        assert one.hear()["type"] == "gap"
        assert eventually(lambda: counts()["sent"] == 6)
        assert counts() == {"subscribers": 2, "sent": 6, "waited": 1, "gaps": 1, "handshakes": 0}
    assert eventually(lambda: counts()["subscribers"] == 0 and counts()["handshakes"] == 2)


def test_nothing_is_compressed(shared: Served) -> None:
    with shared.socket() as socket:
        assert socket.connection.protocol.extensions == []
