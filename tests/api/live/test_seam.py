"""Replay and live meet without a gap and without a duplicate, whenever somebody subscribes; slow readers are told."""

from __future__ import annotations

import json
import os
import random
import socket as sockets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.api.live.streams import EVENTS, Message, Served, event, put, seqs, serving
from tests.api.test_metrics import read, value
from warehouse.hot.event_schema import NewEvent

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
STATUSES = ("queued", "running", "success", "failed")
MODES = ("webhook", "manual")


@dataclass(frozen=True)
class Asked:
    """What one reader asks for, and the test of whether an event is in it, written a second time."""

    channels: tuple[str, ...]
    filters: dict[str, list[str]]
    since: int

    def wants(self, row: dict[str, Any]) -> bool:
        names = {"executions", f"workflow:{row['workflow_id']}", f"execution:{row['execution_id']}"}
        return (
            row["event_no"] > self.since
            and bool(names & set(self.channels))
            and row["status"] in self.filters.get("status", STATUSES)
            and row["mode"] in self.filters.get("mode", MODES)
        )


def some_event(draw: random.Random) -> NewEvent:
    return event(
        draw.randrange(20),
        workflow_id=f"wf_{draw.randrange(4)}",
        status=draw.choice(STATUSES),
        mode=draw.choice(MODES),
        data={"text": "x" * draw.randrange(200)},
    )


def some_asked(draw: random.Random, newest: int) -> Asked:
    all_channels = ["executions", *(f"workflow:wf_{n}" for n in range(5)), *(f"execution:exec_{n}" for n in range(20))]
    channels = draw.choice([["executions"], draw.sample(all_channels, draw.randint(1, 6))])
    filters: dict[str, list[str]] = {}
    if draw.random() < 0.5:
        filters["status"] = draw.sample(STATUSES, draw.randint(1, 3))
    if draw.random() < 0.3:
        filters["mode"] = [draw.choice(MODES)]
    return Asked(tuple(channels), filters, draw.choice([0, newest, draw.randint(0, newest), newest - 100]))


class Writing(threading.Thread):
    """Commits events of all sizes at moments of its own, until it is told to stop."""

    def __init__(self, server: Served, seed: int) -> None:
        super().__init__()
        self._server, self._draw = server, random.Random(seed)
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            put(self._server.store, *(some_event(self._draw) for _ in range(self._draw.choice([1, 1, 2, 5, 60]))))
            time.sleep(self._draw.choice([0, 0.001, 0.01, 0.05]))


@pytest.fixture
def server(tmp_path: Path, hot_url: str) -> Iterator[Served]:
    with serving(tmp_path, hot_url) as server:
        server.app.state.live.hub.ring.most_events = 1_000  # so that replays come from memory and from the log
        draw = random.Random(1)
        for _ in range(40):
            put(server.store, *(some_event(draw) for _ in range(50)))
        yield server


def test_each_event_once_and_in_order_whenever_somebody_subscribes(server: Served) -> None:
    seed = random.randrange(2**32) if SCALE > 1 else 7
    draw = random.Random(seed)
    writing = Writing(server, seed)
    writing.start()
    found: list[tuple[Asked, list[Message]]] = []
    failures: list[BaseException] = []
    over, listening = threading.Event(), threading.Semaphore(0)

    def listen(asked: Asked, way: str) -> None:
        try:
            if way == "sse":
                listening.release()
                found.append((asked, _over_sse(server, asked, over)))
            else:
                found.append((asked, _over_socket(server, asked, over, listening)))
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)
            listening.release()

    readers = []
    try:
        for _ in range(12 * SCALE):
            time.sleep(draw.random() * 0.1)
            asked = some_asked(draw, server.store.events.newest())
            readers.append(threading.Thread(target=listen, args=(asked, draw.choice(["socket", "socket", "sse"]))))
            readers[-1].start()
        time.sleep(0.5)
    finally:
        writing.stopping.set()
        writing.join()
        # A reader that a busy machine keeps from subscribing would take the last event for the answer to its wish.
        for _ in readers:
            assert listening.acquire(timeout=30)
        put(server.store, event("end", "alert.firing", workflow_id="wf_end"))
        over.set()
        for reader in readers:
            reader.join(60)
    assert not failures, (seed, failures[0])
    rows = server.store.events.read(0, limit=10**7).to_pylist()
    assert len(rows) == server.store.events.newest()
    for asked, heard in found:
        expected = [row["event_no"] for row in rows[:-1] if asked.wants(row)]
        assert [seq for seq in seqs(heard) if seq < len(rows)] == expected, (seed, asked)
    assert sum(len(heard) for _, heard in found) > 500


def _over_socket(server: Served, asked: Asked, over: threading.Event, listening: threading.Semaphore) -> list[Message]:
    with server.socket() as socket:
        socket.subscribe("workflow:wf_end", filters={"events": ["alert.firing"]})
        socket.subscribe(*asked.channels, filters=asked.filters, since=asked.since)
        listening.release()
        heard, left = [], {"alert.firing", "replayed"}
        while left:
            heard.append(socket.hear())
            left -= {heard[-1]["type"]}
        assert over.wait(20)
        assert socket.silent()
    assert not [one for one in heard if one["type"] == "gap"]
    assert [one["type"] for one in heard].count("replayed") == 1
    return [one for one in heard if one["type"] != "replayed"]


def _over_sse(server: Served, asked: Asked, over: threading.Event) -> list[Message]:
    """Breaks off at random and comes back with Last-Event-ID, as an EventSource does."""
    draw, heard, last, seen = random.Random(asked.since), [], str(asked.since), ""
    query: dict[str, str] = {"channels": ",".join(asked.channels)} | {
        name: ",".join(words) for name, words in asked.filters.items()
    }
    while True:
        until = draw.randint(1, 200)
        over_before = over.is_set()
        options = {"follow": "false"} if over_before else {}
        try:
            with httpx.stream(
                "GET", f"{server.http.base_url}{EVENTS}", params=query | options, headers={"Last-Event-ID": last},
                timeout=0.5, trust_env=False,
            ) as answer:  # fmt: skip
                for line in answer.iter_lines():
                    name, _, text = line.partition(": ")
                    if name == "data":
                        heard.append(json.loads(text))
                        until -= 1
                    if name == "id":
                        seen = text
                    if not line:
                        last = seen or last
                        if until <= 0:
                            break
        except httpx.ReadTimeout:
            continue
        if over_before and until > 0:
            assert not [one for one in heard if one["type"] == "gap"]
            return heard


def test_a_slow_reader_is_told_what_it_missed_and_holds_up_nobody(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        slow_socket = sockets.create_connection((server.http.base_url.host, server.http.base_url.port or 0))
        slow_socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 16)
        with server.socket(sock=slow_socket, max_queue=1) as slow, server.socket() as quick:
            for socket in (slow, quick):
                socket.subscribe("executions")
            text = {"text": "x" * 2000}
            total, step = 9_000, 300
            for first in range(0, total, step):
                last = put(server.store, *(event(number, data=text) for number in range(first, first + step)))
                assert seqs(quick.up_to(last)) == list(range(last - step + 1, last + 1))
            received = slow.up_to(total)
            gaps = [one for one in received if one["type"] == "gap"]
            assert gaps
            assert {gap["reason"] for gap in gaps} == {"slow"}
            told = [*seqs(received), *(n for gap in gaps for n in range(gap["from"], gap["to"] + 1))]
            assert sorted(told) == list(range(1, total + 1))
            assert sum(gap["missed"] for gap in gaps) == total - len(seqs(received))
            _check_order(received)
            # What is kept can be had again.
            slow.subscribe("executions", since=gaps[0]["from"] - 1)
            again = slow.up_to(total)
            assert seqs(again) == list(range(gaps[0]["from"], total + 1))
            counts = read(server.http.get("/metrics").text)
            assert value(counts, "runlake_stream_gaps_total", reason="slow") == len(gaps)
            missed = value(counts, "runlake_stream_events_missed_total", reason="slow")
            assert missed == sum(gap["missed"] for gap in gaps)


def _check_order(received: list[Message]) -> None:
    last = 0
    for one in received:
        assert one.get("from", one["seq"]) == last + 1
        last = one["seq"]


def test_memory_that_waits_is_bounded_for_all_together(tmp_path: Path) -> None:
    """What falls out of the ring is missed by whoever still has it waiting."""
    with serving(tmp_path) as server:
        server.app.state.live.hub.ring.most_bytes = 500_000
        slow_socket = sockets.create_connection((server.http.base_url.host, server.http.base_url.port or 0))
        slow_socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 16)
        with server.socket(sock=slow_socket, max_queue=1) as slow, server.socket() as quick:
            for socket in (slow, quick):
                socket.subscribe("executions")
            total, text = 4_000, {"text": "x" * 2000}
            for first in range(0, total, 100):
                quick.up_to(put(server.store, *(event(number, data=text) for number in range(first, first + 100))))
            received = slow.up_to(total)
            _check_order(received)
            assert [one for one in received if one["type"] == "gap"]


def test_a_log_that_was_set_back_is_noticed(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.socket() as socket:
        put(server.store, *(event(number) for number in range(10)))
        socket.subscribe("executions", since=0)
        assert len(socket.up_to(10)) == 10
        assert socket.hear()["type"] == "replayed"
        with server.store.database.write() as connection:  # as a restored copy would look
            connection.execute(sa.text("DELETE FROM hot_events WHERE last_no > 4"))
            connection.execute(sa.text("UPDATE hot_clock SET event_no = 0"))
        gap = socket.hear()
        assert (gap["type"], gap["reason"]) == ("gap", "reset")
        put(server.store, event("new"))
        assert (found := socket.hear())["executionId"] == "exec_new"
        assert found["seq"] == 1


def test_the_second_matching_holds() -> None:
    asked = Asked(("workflow:wf_1",), {"mode": ["manual"]}, 3)
    row = {"event_no": 4, "workflow_id": "wf_1", "execution_id": "x", "status": "failed", "mode": "manual"}
    assert asked.wants(row)
    for change in ({"event_no": 3}, {"workflow_id": "wf_2"}, {"mode": "webhook"}):
        assert not asked.wants(row | change)
