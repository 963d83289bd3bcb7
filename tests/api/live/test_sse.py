"""Server-Sent Events: as httpx and curl read them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.live.streams import EVENTS, Served, event, eventually, put, serving
from tests.api.test_metrics import read, value


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("sse"), cors_origins=("https://dash.example.com",)) as server:
        yield server


def blocks(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The messages of a stream: field -> value; a comment under an empty name."""
    block: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, text = line.partition(": ")
            block[name if name != "" else ""] = text
        elif block:
            yield block
            block = {}


def kept(server: Served, **asked: Any) -> list[dict[str, Any]]:
    """What is kept of that, as messages."""
    headers = asked.pop("headers", {})
    answer = server.http.get(EVENTS, params=asked | {"follow": "false"}, headers=headers)
    assert answer.status_code == 200, answer.text
    found = list(blocks(iter(answer.text.split("\n"))))
    assert 1000 <= int(found[0]["retry"]) <= 5000
    messages = [json.loads(block["data"]) for block in found[1:]]
    assert [str(message["seq"]) for message in messages] == [block["id"] for block in found[1:]]
    return messages


def test_events_come_one_by_one_uncompressed_and_uncached(server: Served) -> None:
    accepted = {"Accept-Encoding": "gzip, zstd, br"}
    with server.http.stream("GET", EVENTS, params={"channels": "workflow:wf_live"}, headers=accepted) as answer:
        assert answer.headers["content-type"].split(";")[0] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        assert not {"content-encoding", "content-length"} & set(answer.headers)
        found = blocks(answer.iter_lines())
        assert set(next(found)) == {"retry"}
        for number in range(3):
            seq = put(server.store, event(number, workflow_id="wf_live"), event(number))
            block = next(found)
            assert block["id"] == str(seq - 1)
            assert json.loads(block["data"])["executionId"] == f"exec_{number}"
            assert set(block) == {"id", "data"}  # a plain message: one onmessage sees everything


def test_filters_are_those_of_the_websocket(server: Served) -> None:
    first = put(
        server.store,
        event(1, "execution.failed", workflow_id="wf_f", status="failed"),
        event(2, "execution.failed", workflow_id="wf_f", status="timeout"),
        event(3, "execution.failed", workflow_id="wf_f", status="failed", mode="manual"),
        event(4, "node.completed", workflow_id="wf_f", status="failed"),
        event(5, "execution.failed", workflow_id="wf_g", status="failed"),
    ) - 4  # fmt: skip
    asked = {"since": first - 1, "channels": "workflow:wf_f,execution:exec_5"}

    def numbers(**more: Any) -> list[int]:
        return [message["seq"] - first + 1 for message in kept(server, **asked, **more)]

    assert numbers() == [1, 2, 3, 4, 5]
    assert numbers(events="execution.failed", status="failed") == [1, 3, 5]
    assert numbers(status=["failed", "timeout"], mode="webhook") == [1, 2, 4, 5]
    assert numbers(events="execution.deleted") == []


def test_last_event_id_goes_on_where_it_stopped(server: Served) -> None:
    last = put(server.store, *(event(number, workflow_id="wf_l") for number in range(5)))
    found = kept(server, channels="workflow:wf_l", since=0, headers={"Last-Event-ID": str(last - 2)})
    assert [message["seq"] for message in found] == [last - 1, last]
    assert kept(server, channels="workflow:wf_l", headers={"Last-Event-ID": str(last)}) == []
    (gap,) = kept(server, channels="workflow:wf_l", headers={"Last-Event-ID": str(last + 1000)})
    assert (gap["type"], gap["from"], gap["to"], gap["reason"]) == ("gap", 1, last, "reset")
    assert len(kept(server, channels="workflow:wf_l")) == 5  # without since: all that is kept


def test_a_quiet_stream_has_heartbeats_that_move_the_id_on(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.live.service.HEARTBEAT_S", 0.3)
    with server.http.stream("GET", EVENTS, params={"channels": "workflow:wf_quiet"}) as answer:
        found = blocks(answer.iter_lines())
        next(found)
        last = put(server.store, event(1))
        for _ in range(2):
            block = next(found)
            assert block.get("data") is None
            assert int(block["id"]) in (last - 1, last)
        assert block["id"] == str(last)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("channels=workflow", "channels"),
        ("channels=", "channels"),
        ("channels=" + ",".join(f"workflow:{n}" for n in range(101)), "channels"),
        ("events=execution.done", "events"),
        ("status=ok", "status"),
        ("mode=none", "mode"),
        ("since=-1", "since"),
        ("since=2026-11-23", "since"),
        ("since=1&since=2", "since"),
        ("follow=maybe", "follow"),
        ("channel=executions", "channel"),
    ],
)
def test_what_cannot_be_asked_is_400(server: Served, query: str, parameter: str) -> None:
    answer = server.http.get(f"{EVENTS}?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["parameter"] == parameter


def test_head_has_no_end_to_wait_for(server: Served) -> None:
    answer = server.http.head(EVENTS)
    assert (answer.status_code, answer.content) == (200, b"")


def test_pages_of_allowed_origins_may_listen(server: Served) -> None:
    headers = {"Origin": "https://dash.example.com", "Access-Control-Request-Method": "GET"}
    preflight = server.http.options(EVENTS, headers=headers | {"Access-Control-Request-Headers": "last-event-id"})
    assert "Last-Event-ID" in preflight.headers["access-control-allow-headers"]


def test_streams_do_not_count_as_requests_that_are_answered(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.edge.boundary.IN_FLIGHT_MAX", 1)
    with server.http.stream("GET", EVENTS) as one, server.http.stream("GET", EVENTS) as other:
        assert one.status_code == other.status_code == 200
        found = read(server.http.get("/metrics").text)
        assert value(found, "runlake_stream_subscribers", transport="sse") == 2
        assert value(found, "runlake_http_requests_in_flight") == 1
        assert server.http.get("/v1/executions").status_code == 200
    metrics = "runlake_stream_subscribers"
    assert eventually(lambda: value(read(server.http.get("/metrics").text), metrics, transport="sse") == 0)


def test_too_many_are_told_to_come_back(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.live.service.SUBSCRIBERS_MAX", 1)
    with server.http.stream("GET", EVENTS) as one:
        assert one.status_code == 200
        lines = one.iter_lines()  # kept: httpx closes what nobody iterates
        assert next(lines)
        answer = server.http.get(EVENTS)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "OVERLOADED")
        assert int(answer.headers["retry-after"]) > 0
        with pytest.raises(Exception, match="503"), server.socket():
            pass


def test_curl(server: Served) -> None:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not installed")
    last = put(server.store, event(1, workflow_id="wf_curl"))
    url = f"{server.http.base_url}{EVENTS}?channels=workflow:wf_curl&since={last - 1}"
    with subprocess.Popen([program, "-sN", "--max-time", "20", url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = blocks(line.rstrip("\n") for line in process.stdout)
        assert set(next(found)) == {"retry"}
        assert next(found)["id"] == str(last)
        last = put(server.store, event(2, workflow_id="wf_curl"))
        assert next(found)["id"] == str(last)
        process.terminate()


def test_a_client_that_goes_away_is_forgotten(server: Served) -> None:
    live = server.app.state.live
    with httpx.stream("GET", f"{server.http.base_url}{EVENTS}", trust_env=False) as answer:
        assert answer.status_code == 200
        assert eventually(lambda: len(live._readers) == 1)
    assert eventually(lambda: not live._readers)
    assert not live.hub._audiences
    assert not live.hub._index
