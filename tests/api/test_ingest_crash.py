"""kill -9 of the server under load: what it acknowledged is there afterwards, once."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.api.process import ServerProcess
from tests.api.records import text
from tests.api.writing_app import AT, narrow
from warehouse.clock import now

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""10: the long version."""
KILLS = 5 * SCALE
CLIENTS = 3
SEALING = {"RUNLAKE_SEAL_ROWS": "200", "RUNLAKE_SEAL_AGE_S": "1"}
"""So often that most kills hit a seal or the time right after one."""


class Engine(threading.Thread):
    """Reports executions as fast as it can, first running and then ended; remembers what was acknowledged."""

    def __init__(self, name: str, url: str, acknowledged: dict[str, str]) -> None:
        super().__init__(name=name)
        self._url = url
        self._acknowledged = acknowledged
        self.failures: list[str] = []

    def run(self) -> None:
        running: list[dict[str, Any]] = []
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            for number in range(1_000_000):
                begun = [narrow(f"{self.name}_{number}_{part}", "running") for part in range(20)]
                ended = [
                    one | {"status": "success", "stoppedAt": text(AT), "updatedAt": text(now())} for one in running
                ]
                try:
                    answer = client.post("/v1/executions", json=[*begun, *ended])
                except httpx.TransportError:
                    return  # killed
                if answer.status_code != 200:
                    self.failures.append(answer.text)
                    return
                self._acknowledged.update((one["id"], one["status"]) for one in (*begun, *ended))
                running = begun


def test_what_was_acknowledged_survives_kill_9_exactly_once(tmp_path: Path, hot_url: str) -> None:
    chance = random.Random(7)
    acknowledged: dict[str, str] = {}
    for kill in range(KILLS):
        with ServerProcess(tmp_path, hot_url, SEALING) as server:
            before = len(acknowledged)
            engines = [Engine(f"{kill}_{number}", server.url, acknowledged) for number in range(CLIENTS)]
            for engine in engines:
                engine.start()
            deadline_s = time.monotonic() + 60
            while len(acknowledged) < before + 100:
                assert time.monotonic() < deadline_s, server.output()
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 1))
            server.kill()
            for engine in engines:
                engine.join(60)
                assert not engine.failures, (engine.failures, server.output())
    with ServerProcess(tmp_path, hot_url) as server, server.client() as client:
        check(client, acknowledged)
        server.stop()
        assert "Traceback" not in server.output()


def check(client: httpx.Client, acknowledged: dict[str, str]) -> None:
    answer = client.get("/v1/executions/export?format=ndjson")
    assert answer.status_code == 200, answer.text
    found = [json.loads(line) for line in answer.text.splitlines()]
    twice = {id_: count for id_, count in Counter(one["id"] for one in found).items() if count > 1}
    assert not twice
    statuses = {one["id"]: one["status"] for one in found}
    lost = {id_ for id_, status in acknowledged.items() if id_ not in statuses}
    assert not lost
    # One that was sent as ended and not acknowledged may be there all the same; never the other way round.
    older = {id_ for id_, status in acknowledged.items() if status == "success" and statuses[id_] != "success"}
    assert not older
    assert client.get("/v1/executions?limit=1").json()["pagination"]["total"] == len(found)
