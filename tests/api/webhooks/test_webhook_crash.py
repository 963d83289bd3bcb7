"""kill -9 between the commit of a record and its delivery: nothing that was acknowledged is lost to a webhook."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import httpx

from tests.api.process import ServerProcess
from tests.api.webhooks.receivers import Answer, Receiver, log, receiving, register, wait_for
from tests.api.writing_app import narrow

KILLS = 3 * int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
ALLOWED = {"RUNLAKE_WEBHOOK_PRIVATE": "1", "RUNLAKE_WEBHOOK_HTTP": "1"}


def told(receiver: Receiver) -> set[str]:
    return {one.json["executionId"] for one in receiver.requests}


def test_what_was_acknowledged_is_delivered_after_kill_9(tmp_path: Path, hot_url: str) -> None:
    chance = random.Random(5)
    acknowledged: set[str] = set()
    with receiving(Answer(after_s=0.01)) as receiver:
        made = None
        for kill in range(KILLS):
            with ServerProcess(tmp_path, hot_url, ALLOWED) as server, server.client() as client:
                made = made or register(client, receiver.url, "execution.completed")
                for part in range(10):
                    records = [narrow(f"{kill}_{part}_{number}") for number in range(10)]
                    assert client.post("/v1/executions", json=records).status_code == 200
                    acknowledged |= {one["id"] for one in records}
                time.sleep(chance.uniform(0, 0.2))
                server.kill()
        assert made is not None
        assert told(receiver) <= acknowledged
        with ServerProcess(tmp_path, hot_url, ALLOWED) as server, server.client() as client:
            wait_for(lambda: told(receiver) == acknowledged, within_s=60)
            wait_for(lambda: _settled(client, made), within_s=30)
            server.stop()
            assert "Traceback" not in server.output()
        ids: dict[str, set[str]] = {}
        for request in receiver.requests:
            ids.setdefault(request.json["executionId"], set()).add(request.id)
        assert {len(some) for some in ids.values()} == {1}  # sent twice, it is the same message


def test_killed_before_anything_was_delivered(tmp_path: Path, hot_url: str) -> None:
    """The receiver is down until the next server runs."""
    with receiving() as first:
        port_taken = first.url
    with ServerProcess(tmp_path, hot_url, ALLOWED) as server, server.client() as client:
        made = register(client, port_taken, "execution.failed")
        assert client.post("/v1/executions", json=narrow(1, "failed")).status_code == 200
        server.kill()
    with receiving() as receiver, ServerProcess(tmp_path, hot_url, ALLOWED) as server, server.client() as client:
        client.patch(f"/v1/webhooks/{made['id']}", json={"url": receiver.url})
        assert receiver.wait(1, within_s=40)[0].json["event"] == "execution.failed"


def _settled(client: httpx.Client, made: dict[str, object]) -> bool:
    return not log(client, made, status="pending")
