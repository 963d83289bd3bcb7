"""Executions posted in batches of 1,000, acknowledged durable, beside an upsert of the same into n8n's table.

Narrow executions, as the lake's. What is sent is made beforehand; client and servers share the machine's cores, so the
processor seconds of the servers are counted too (of PostgreSQL: of the app and all processes of the server).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.bench.data import BenchData
from tests.bench.http_pair import Pair, both, shown
from tests.bench.model import Bar, Measure
from tests.fixtures.served_process import Client, cpu_s, start

_BAR = Bar("at least", 20_000)
_BATCH = 1_000
_STATUSES = {"success": "success", "failed": "error"}


@dataclass(frozen=True, slots=True)
class _Side:
    """One server's part: how fast it took what it was sent, round by round."""

    post: Callable[[Client, bytes], None]
    client: Callable[[], Client]
    pids: Callable[[], list[int]]
    per_s: list[float] = field(default_factory=list)
    per_cpu_s: list[float] = field(default_factory=list)
    taken_s: list[float] = field(default_factory=list)

    def round(self, bodies: Sequence[bytes], connections: int) -> None:
        """Send all, `connections` at a time."""
        clients = [self.client() for _ in range(connections)]
        shares = [bodies[first::connections] for first in range(connections)]
        threads = [threading.Thread(target=self._send, args=part) for part in zip(clients, shares, strict=True)]
        before, started = cpu_s(self.pids()), time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken_s = time.perf_counter() - started
        used_s = cpu_s(self.pids()) - before
        for client in clients:
            client.close()
        executions = len(bodies) * _BATCH
        self.taken_s.append(taken_s)
        self.per_s.append(executions / taken_s)
        self.per_cpu_s.append(executions / max(used_s, 0.01))

    def _send(self, client: Client, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            self.post(client, body)

    def forget(self) -> None:
        """What was counted so far was warm-up."""
        for counted in (self.per_s, self.per_cpu_s, self.taken_s):
            counted.clear()


def run(data: BenchData, runs: int) -> list[Measure]:
    batches = 20 if data.executions >= 1_000_000 else 2
    measures: list[Measure] = []
    with both(data) as pair:
        newest = pair.ours.get("/v1/executions", {"limit": 1}).found()
        bodies = _Bodies(pair, shown(newest["data"][0])[1])
        try:
            for connections in (1, 4):
                measures += _case(pair, bodies, connections, batches, runs)
            _all_there(pair, newest["pagination"]["total"] + bodies.sent)
        finally:
            bodies.take_back()
    return measures


def _case(pair: Pair, bodies: _Bodies, connections: int, batches: int, runs: int) -> list[Measure]:
    def client() -> Client:
        return Client(pair.served.port, pair.served.token)

    ours = _Side(_post, client, pair.served.pids)
    theirs = _Side(_post_theirs, lambda: Client(pair.their_port), pair.their_pids)
    for number in range(runs + 1):
        for side, records in ((ours, bodies.ours), (theirs, bodies.theirs)):
            side.round([records(first) for first in bodies.numbers(batches)], connections)
        bodies.next_round()
        if number == 0:
            ours.forget()
            theirs.forget()
    case = f"{connections} connection{'s' if connections > 1 else ''}"
    ratios = [one / other for one, other in zip(ours.per_s, theirs.per_s, strict=True)]
    cpu_ratios = [one / other for one, other in zip(ours.per_cpu_s, theirs.per_cpu_s, strict=True)]
    note = f"rounds of {batches} batches of {_BATCH:,}; client and servers on the same cores"
    return [
        Measure("http_ingest", f"{case}, acknowledged", "executions/s", ours.per_s, _BAR, note=note),
        Measure("http_ingest", f"{case}, PostgreSQL", "executions/s", theirs.per_s),
        Measure(
            "http_ingest", f"{case}, to PostgreSQL", "throughput ratio", ratios, None, ours.taken_s, theirs.taken_s
        ),
        Measure("http_ingest", f"{case}, a server's CPU second", "executions/s", ours.per_cpu_s),
        Measure("http_ingest", f"{case}, a server's CPU second, to PostgreSQL", "throughput ratio", cpu_ratios),
    ]


def _post(client: Client, body: bytes) -> None:
    answer = client.post("/v1/executions", body)
    while answer.status == 429:  # it is to be asked again, and that takes the time that it takes
        time.sleep(float(answer.headers["retry-after"]))
        answer = client.post("/v1/executions", body)
    found = answer.found()
    assert found["new"] == found["accepted"] == _BATCH, found


def _post_theirs(client: Client, body: bytes) -> None:
    client.post("/executions", body).found()


def _all_there(pair: Pair, wanted: int) -> None:
    """After a kill -9 all that was acknowledged is there once."""
    pair.served.kill()
    served = start(pair.served.lake, pair.served.log, token=pair.served.token)
    try:
        client = served.client()
        total = client.get("/v1/executions", {"limit": 1}).found()["pagination"]["total"]
        assert total == wanted, f"{total} executions after a kill -9, {wanted} were acknowledged"
    finally:
        served.stop()


class _Bodies:
    """Batches for both servers, the same executions, each newer than all that are there."""

    def __init__(self, pair: Pair, newest: datetime) -> None:
        self._newest = newest
        self._conninfo = pair.conninfo
        with psycopg.connect(pair.conninfo) as connection:
            row = connection.execute('SELECT max(id), min("workflowId") FROM execution_entity').fetchone()
        assert row is not None
        self._last_id, self._workflow = int(row[0]), str(row[1])
        self._first = 1
        self._size = 0

    @property
    def sent(self) -> int:
        """Executions of the rounds so far."""
        return self._first - 1

    def numbers(self, batches: int) -> range:
        """The first number of each batch of a round."""
        self._size = batches * _BATCH
        return range(self._first, self._first + self._size, _BATCH)

    def next_round(self) -> None:
        """Both have had these."""
        self._first += self._size

    def ours(self, first: int) -> bytes:
        return json.dumps([self._record(number) for number in range(first, first + _BATCH)]).encode()

    def theirs(self, first: int) -> bytes:
        return json.dumps([self._row(number) for number in range(first, first + _BATCH)]).encode()

    def take_back(self) -> None:
        """The yardstick's cluster is used again, so it holds afterwards what it held before."""
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute("DELETE FROM execution_entity WHERE id > %s", (self._last_id,))
            connection.execute("VACUUM execution_entity")

    def _record(self, number: int) -> dict[str, Any]:
        created, started, stopped, status = self._facts(number)
        record: dict[str, Any] = {
            "id": f"posted_{number:012d}",
            "workflowId": self._workflow,
            "workflowName": "Posted",
            "status": status,
            "mode": "webhook",
            "trigger": {"type": "webhook", "source": "github", "timestamp": created},
            "startedAt": started,
            "stoppedAt": stopped,
            "duration": 1.25,
            "metadata": {"retryCount": 0, "queueTime": 0.1, "memoryUsage": 45.2, "nodeCount": 4},
            "createdAt": created,
            "updatedAt": stopped,
        }
        if status == "failed":
            record["error"] = {"type": "ConnectionError", "message": f"no answer to {number}", "timestamp": stopped}
        return record

    def _row(self, number: int) -> dict[str, Any]:
        created, started, stopped, status = self._facts(number)
        return {
            "id": self._last_id + number,
            "finished": status == "success",
            "mode": "webhook",
            "status": _STATUSES[status],
            "createdAt": created,
            "startedAt": started,
            "stoppedAt": stopped,
            "workflowId": self._workflow,
            "jsonSizeBytes": 512,
        }

    def _facts(self, number: int) -> tuple[str, str, str, str]:
        started = self._newest + timedelta(milliseconds=50 * number)
        instants = (started - timedelta(milliseconds=100), started, started + timedelta(milliseconds=1250))
        created_at, started_at, stopped_at = (at.astimezone(UTC).isoformat(timespec="milliseconds") for at in instants)
        return created_at, started_at, stopped_at, "success" if number % 20 else "failed"
