"""Memory of the server under a mixed load, from after the warm-up to the end: it must not grow.

`--memory-requests` says how many; a million takes some hours.
"""

from __future__ import annotations

import json
import random
import statistics
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.data import BenchData, end_of, say
from tests.bench.model import Bar, Measure
from tests.fixtures.served_process import Client, ServedProcess, memory_bytes, serving
from warehouse import open as open_warehouse

_BAR = Bar("at most", 1.15)
_CONNECTIONS = 4
_WARM_UP = 0.25
"""Part of the requests after which caches are full."""
_SAMPLES = 40


def run(data: BenchData, runs: int) -> list[Measure]:
    with open_warehouse(data.lake()) as house:
        end = end_of(house.snapshot())
    log = data.scratch("serve.log")
    log.touch()
    # Sealed by size several times within a short run, as it would be many times within a long one.
    settings = {"seal_rows": 5_000, "seal_age_s": 15}
    with serving(data.served_lake(), log, settings=settings) as served:
        load = _Load(served, end, data.days, data.memory_requests)
        load.run()
    warm = load.samples[int(len(load.samples) * _WARM_UP) :]
    part = max(1, len(warm) // 5)
    before, after = statistics.median(warm[:part]), statistics.median(warm[-part:])
    say(f"requests: {dict(load.asked)}")
    note = (
        f"{data.memory_requests:,} requests over {_CONNECTIONS} connections, {load.posted:,} executions posted, "
        f"warm-up {_WARM_UP:.0%} of them; median of the first and the last fifth of {len(warm)} samples after it"
    )
    return [
        Measure("http_memory", "end / after warm-up", "ratio", [after / before], _BAR, note=note),
        Measure("http_memory", "after warm-up and later", "MB", [one / 1e6 for one in warm]),
    ]


class _Load:
    """Clients that ask everything, each request with parameters of its own."""

    def __init__(self, served: ServedProcess, end: datetime, days: int, requests: int) -> None:
        self._served, self._end, self._days, self._requests = served, end, days, requests
        self._lock = threading.Lock()
        self._begun = 0
        self._every = max(1, requests // _SAMPLES)
        self._failures: list[BaseException] = []
        self.samples: list[int] = []
        self.asked: Counter[str] = Counter()
        self.posted = 0

    def run(self) -> None:
        """All requests. Raises what the first client that failed met."""
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(_CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _client(self, number: int) -> None:
        draw = random.Random(number)
        client = self._served.client()
        acts = [self._list] * 30 + [self._statistics] * 15 + [self._post] * 25 + [self._update] * 10
        acts += [self._groups] * 5 + [self._export] * 2 + [self._refused] * 3
        own: list[str] = []
        known: list[str] = []
        try:
            while self._next():
                act = draw.choice(acts)
                act(client, draw, own, known)
                with self._lock:
                    self.asked[act.__name__.strip("_")] += 1
                if known:
                    path = f"/v1/executions/{draw.choice(known)}"
                    client.get(path, {"include": "data,logs"}).found()
                del own[:-200], known[:-200]
        except BaseException as error:  # noqa: BLE001 - raised by run()
            self._failures.append(error)

    def _next(self) -> bool:
        with self._lock:
            if self._begun >= self._requests or self._failures:
                return False
            self._begun += 1
            if self._begun % self._every == 0:
                self.samples.append(memory_bytes(self._served.pids()))
            return True

    def _list(self, client: Client, draw: random.Random, own: list[str], known: list[str]) -> None:
        asked: dict[str, Any] = {"limit": draw.choice([1, 20, 100])}
        if draw.random() < 0.7:
            asked["filter[status]"] = draw.choice(["failed", "success", "failed,timeout", "cancelled"])
        if draw.random() < 0.5:
            until = self._end - timedelta(days=draw.random() * self._days)
            asked |= {"filter[dateRange]": "custom", "filter[endDate]": until.isoformat()}
        page = client.get("/v1/executions", asked).found()
        known += [row["id"] for row in page["data"]]
        if cursor := page["pagination"].get("nextCursor"):
            client.get("/v1/executions", asked | {"cursor": cursor}).found()

    def _statistics(self, client: Client, draw: random.Random, own: list[str], known: list[str]) -> None:
        client.get("/v1/executions/statistics", self._period(draw)).found()

    def _groups(self, client: Client, draw: random.Random, own: list[str], known: list[str]) -> None:
        what = draw.choice(["nodes", "errors"])
        client.get(f"/v1/executions/statistics/{what}", self._period(draw)).found()

    def _export(self, client: Client, draw: random.Random, own: list[str], known: list[str]) -> None:
        since = self._end - timedelta(days=draw.random() * self._days)
        asked = {"filter[startDate]": since.isoformat(), "filter[endDate]": (since + timedelta(minutes=15)).isoformat()}
        kind = draw.choice(["csv", "json", "ndjson", "parquet", "arrow"])
        answer = client.get("/v1/executions/export", {"format": kind, "filter[dateRange]": "custom", **asked})
        assert answer.status == 200, answer.body[:300]

    def _refused(self, client: Client, draw: random.Random, own: list[str], known: list[str]) -> None:
        assert client.get("/v1/executions", {"limit": draw.randrange(101, 10**6)}).status == 400
        assert client.get(f"/v1/nothing/{draw.random()}").status == 404

    def _post(self, client: Client, draw: random.Random, own: list[str], known: list[str]) -> None:
        records = [self._record(draw, f"posted_{draw.getrandbits(64):x}") for _ in range(20)]
        client.post("/v1/executions", json.dumps(records).encode()).found()
        own += [record["id"] for record in records]
        with self._lock:
            self.posted += len(records)

    def _update(self, client: Client, draw: random.Random, own: list[str], known: list[str]) -> None:
        if own:
            record = self._record(draw, draw.choice(own))
            client.post("/v1/executions", json.dumps(record).encode()).found()

    def _period(self, draw: random.Random) -> dict[str, str]:
        until = self._end - timedelta(days=draw.random() * self._days / 2)
        since = until - timedelta(days=draw.choice([0.5, 1, 7, 30]))
        return {"since": since.isoformat(), "until": until.isoformat()}

    def _record(self, draw: random.Random, id: str) -> dict[str, Any]:
        at = self._end - timedelta(seconds=draw.random() * 3600)
        instants = dict.fromkeys(("createdAt", "startedAt", "stoppedAt"), at.astimezone(UTC).isoformat())
        node = {"nodeId": "node_1", "nodeName": "Node", "nodeType": "http", "status": "success", **instants}
        return {
            "id": id,
            "workflowId": f"wf_posted_{draw.randrange(20)}",
            "status": "success",
            "mode": "webhook",
            **instants,
            "updatedAt": datetime.now(UTC).isoformat(),
            "executionData": [{**node, "outputData": [{"json": {"text": "x" * draw.randrange(1000)}}]}],
        }
