"""The live stream under many subscribers: from the commit of an event to its receipt, and the server's memory.

Executions are posted over HTTP, fifty at a time, at a steady rate; each makes one event. The instant of a commit is
what the event log says (taken inside the transaction, so the sync to disk is part of what is measured); receipt is when
the client's process has read it from the socket. Server and clients share the machine's cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from api.config import Config
from tests.bench.data import BenchData, say
from tests.bench.model import Measure
from tests.fixtures.served_process import Client, ServedProcess, cpu_s, memory_bytes, serving
from warehouse.hot.event_tables import hot_events
from warehouse.hot.store import HotStore
from warehouse.lake import Lake

_ROOT: Final = Path(__file__).resolve().parents[3]
_BATCH: Final = 50
_WORKFLOWS: Final = 100
_WARM_UP_S: Final = 1.0
_SETTLED_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Case:
    text: str
    workflows: int
    """0: every subscriber hears everything."""
    parsed: int
    """Subscribers whose every event is looked at; of the others the bytes are counted."""


def run(data: BenchData, runs: int) -> list[Measure]:
    subscribers = data.stream_subscribers
    cases = [
        _Case(f"each one of {_WORKFLOWS} workflows", _WORKFLOWS, subscribers),
        _Case("each everything", 0, min(20, subscribers)),
    ]
    return [measure for case in cases for measure in _measures(data, case)]


def _measures(data: BenchData, case: _Case) -> list[Measure]:
    lake = data.scratch("stream-lake")
    Lake.open(lake, create=True).close()
    log = data.scratch("stream.log")
    log.touch()
    with serving(lake, log, "--no-auth") as served:
        client = served.client()
        _post(client, 0, 1, data.stream_events_per_s)  # what is imported at the first request is not the stream's
        alone_bytes = memory_bytes(served.pids())
        with _listening(served, data, case) as (clients, file):
            connected_bytes = memory_bytes(served.pids())
            before_s = cpu_s(served.pids())
            posts = max(1, int(data.stream_seconds * data.stream_events_per_s / _BATCH))
            took_s = _post(client, 1, posts, data.stream_events_per_s)
            used_s = cpu_s(served.pids()) - before_s
            loaded_bytes = memory_bytes(served.pids())
            time.sleep(_SETTLED_S)
            clients.communicate(timeout=120)
            assert clients.returncode == 0
        heard = np.load(file)
    rows = _rows(lake)
    _assert_whole(rows, heard, data.stream_subscribers, case)
    waits_ms = _waits_ms(rows, heard)
    events = posts * _BATCH
    note = (
        f"{data.stream_subscribers:,} subscribers, {case.text}; {events:,} events in {took_s:.1f} s "
        f"({events / took_s:.0f}/s), {len(waits_ms):,} receipts looked at; server {used_s / took_s:.2f} cores"
    )
    say(note)
    p50, p99, worst = (float(one) for one in np.percentile(waits_ms, [50, 99, 100]))
    return [
        Measure("stream", f"{case.text}: commit to receipt, p50", "ms", [p50], note=note),
        Measure("stream", f"{case.text}: commit to receipt, p99", "ms", [p99]),
        Measure("stream", f"{case.text}: commit to receipt, longest", "ms", [worst]),
        Measure("stream", f"{case.text}: server's memory, nobody subscribed", "MB", [alone_bytes / 1e6]),
        Measure("stream", f"{case.text}: server's memory, all subscribed", "MB", [connected_bytes / 1e6]),
        Measure("stream", f"{case.text}: server's memory after the load", "MB", [loaded_bytes / 1e6]),
    ]


@contextmanager
def _listening(served: ServedProcess, data: BenchData, case: _Case) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The process of the subscribers, once all of them have subscribed, and the file it will write."""
    file = data.scratch("stream-heard.npz")
    what = [served.port, data.stream_subscribers, case.workflows, case.parsed, file]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.stream_clients", *map(str, what)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", served.complaints()
        time.sleep(_WARM_UP_S)
        yield process, file
    finally:
        process.kill()
        process.communicate()


def _post(client: Client, first: int, posts: int, events_per_s: int) -> float:
    """Post batches at that rate; seconds it took."""
    began_s = time.perf_counter()
    for post in range(posts):
        number = (first * 10**6 + post) * _BATCH
        client.post("/v1/executions", json.dumps([_record(number + one) for one in range(_BATCH)]).encode()).found()
        wait_s = began_s + (post + 1) * _BATCH / events_per_s - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
    return time.perf_counter() - began_s


def _record(number: int) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    workflow = number // _BATCH * 7 + number % _BATCH * 11
    return {
        "id": f"posted_{number:012d}",
        "workflowId": f"posted_{workflow % _WORKFLOWS}",
        "workflowName": "Posted",
        "status": "success",
        "mode": "webhook",
        "startedAt": at,
        "stoppedAt": at,
        "duration": 1.25,
        "createdAt": at,
        "updatedAt": at,
    }


@dataclass(frozen=True, slots=True)
class _Rows:
    """The event log: numbers ascend from 1."""

    workflow: np.ndarray[Any, Any]
    committed_s: np.ndarray[Any, Any]


def _rows(lake: Path) -> _Rows:
    store = HotStore.open(Config(lake=str(lake)).hot_url_or_default())
    try:
        workflows = store.events.read(0, limit=10**8).column("workflow_id").to_pylist()
        with store.database.read() as connection:
            found = connection.execute(
                sa.select(hot_events.c.rows, hot_events.c.written_at).order_by(hot_events.c.last_no)
            ).all()
    finally:
        store.close()
    instants = np.repeat([at.timestamp() for _, at in found], [rows for rows, _ in found])
    return _Rows(np.array([int(one.split("_")[1]) for one in workflows]), instants)


def _assert_whole(rows: _Rows, heard: Any, subscribers: int, case: _Case) -> None:
    """Every subscriber got every event that is for it, once, in order."""
    begun = _BATCH  # the first batch was before they came
    numbers = np.arange(begun + 1, len(rows.workflow) + 1)
    for number in range(case.parsed):
        mine = numbers
        if case.workflows:
            mine = numbers[rows.workflow[begun:] == number % case.workflows]
        assert np.array_equal(heard["seq"][heard["number"] == number], mine), f"subscriber {number}"
    assert len(heard["bytes"]) == subscribers
    if not case.workflows:
        quiet = 2 * 200  # a heartbeat or two
        assert int(heard["bytes"].max() - heard["bytes"].min()) <= quiet, "some got more than others"


def _waits_ms(rows: _Rows, heard: Any) -> np.ndarray[Any, Any]:
    waits: np.ndarray[Any, Any] = (heard["at_s"] - rows.committed_s[heard["seq"] - 1]) * 1000
    return waits
