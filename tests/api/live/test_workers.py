"""`runlake serve` as a process: several workers are one stream, and it ends without losing anybody's place."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.config import Config
from tests.api.live.streams import EVENTS, STREAM, Socket, event, put
from tests.fixtures.served_process import ServedProcess, serving
from warehouse.hot.store import HotStore
from warehouse.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    Lake.open(tmp_path / "lake", create=True).close()
    return tmp_path / "lake"


@pytest.fixture
def store(lake: Path) -> Iterator[HotStore]:
    """The hot store as another process has it: nothing pokes the server's tails."""
    store = HotStore.open(Config(lake=str(lake)).hot_url_or_default())
    yield store
    store.close()


def url(server: ServedProcess) -> str:
    return f"ws://127.0.0.1:{server.port}{STREAM}"


def test_several_workers_are_one_stream(lake: Path, store: HotStore, tmp_path: Path) -> None:
    with serving(lake, tmp_path / "log", "--no-auth", "--workers", "2") as server, ExitStack() as stack:
        opened = [Socket(stack.enter_context(connect(url(server), proxy=None))) for _ in range(12)]
        for socket in opened:
            socket.subscribe("executions")
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
            tickets = [client.post(f"{STREAM}/ticket").json()["ticket"] for _ in range(4)]
        for ticket in tickets:
            stack.enter_context(connect(f"{url(server)}?ticket={ticket}", proxy=None))
        put(store, event(1), event(2))
        put(store, event(3))
        for socket in opened:
            assert [one["seq"] for one in socket.up_to(3)] == [1, 2, 3]
    assert "Traceback" not in server.complaints()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_end_of_the_server_is_told_and_quick(lake: Path, store: HotStore, tmp_path: Path, workers: int) -> None:
    last = put(store, event(1))
    with serving(lake, tmp_path / "log", "--no-auth", "--workers", str(workers)) as server, ExitStack() as stack:
        opened = [stack.enter_context(connect(url(server), proxy=None)) for _ in range(4)]
        for connection in opened:
            Socket(connection).subscribe("executions")
        stalled = stack.enter_context(connect(url(server), proxy=None, max_queue=1, close_timeout=0.5))
        Socket(stalled).subscribe("executions")
        source = stack.enter_context(
            httpx.stream("GET", f"http://127.0.0.1:{server.port}{EVENTS}?since={last - 1}", trust_env=False)
        )
        lines = source.iter_lines()
        assert next(lines).startswith("retry")
        put(store, *(event(number, data={"text": "x" * 2000}) for number in range(1500)))
        reading = threading.Thread(target=lambda: [_to_its_end(connection) for connection in opened])
        reading.start()
        rest = threading.Thread(target=lambda: list(lines))
        rest.start()
        time.sleep(0.5)
        began_s = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0 if workers > 1 else server.process.wait(30) in (0, -signal.SIGTERM)
        assert time.monotonic() - began_s < 15
        reading.join(10)
        rest.join(10)
        assert not rest.is_alive()
        for connection in opened:
            assert connection.close_code == 1012
    assert "Traceback" not in server.complaints()


def _to_its_end(connection: object) -> int:
    count = 0
    try:
        while True:
            json.loads(connection.recv(timeout=30))  # type: ignore[attr-defined]
            count += 1
    except ConnectionClosed:
        return count
