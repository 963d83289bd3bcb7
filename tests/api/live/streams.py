"""What the tests of the stream share: a served app, events made in its hot store, clients."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from websockets.sync.client import ClientConnection, connect

from api.auth.throttle import Throttle
from tests.api.serving import served
from tests.api.writing_app import app_over
from warehouse.clock import now
from warehouse.hot.event_schema import NewEvent
from warehouse.hot.store import HotStore
from warehouse.hot.tick import tick

STREAM = "/v1/executions/stream"
EVENTS = "/v1/executions/events"

Message = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """A server with its app."""

    app: FastAPI
    http: httpx.Client
    path: str = STREAM

    @property
    def store(self) -> HotStore:
        store: HotStore = self.app.state.hot
        return store

    @property
    def url(self) -> str:
        return f"ws{str(self.http.base_url).removeprefix('http').rstrip('/')}{self.path}"

    @contextmanager
    def socket(self, query: str = "", token: str | None = None, **options: Any) -> Iterator[Socket]:
        """An open WebSocket."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with connect(
            self.url + query, additional_headers=headers, proxy=None, close_timeout=2, ping_interval=None, **options
        ) as connection:
            yield Socket(connection)


@dataclass(frozen=True)
class Socket:
    """A WebSocket as the tests use it."""

    connection: ClientConnection

    def say(self, type: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": type, **fields}))

    def hear(self, timeout_s: float = 20) -> Message:
        """The next message that is no heartbeat."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            message: Message = json.loads(self.connection.recv(timeout=max(deadline_s - time.monotonic(), 0)))
            if message["type"] != "heartbeat":
                return message

    def subscribe(self, *channels: str, **fields: Any) -> Message:
        self.say("subscribe", channels=list(channels), **fields)
        answer = self.hear()
        assert answer["type"] == "subscribed", answer
        return answer

    def up_to(self, seq: int) -> list[Message]:
        """All messages up to the event with this number."""
        found = [self.hear()]
        while found[-1].get("seq", 0) < seq or found[-1]["type"] == "replayed":
            found.append(self.hear())
        return found

    def silent(self) -> bool:
        """Whether nothing comes before the answer to a ping."""
        self.say("ping", id="silence")
        answer = self.hear()
        return (answer["type"], answer.get("id")) == ("pong", "silence")


@contextmanager
def serving(folder: Path, hot_url: str | None = None, *, no_auth: bool = True, **settings: Any) -> Iterator[Served]:
    """An app over an empty lake, served."""
    app = app_over(folder, hot_url, no_auth=no_auth, **settings)
    with served(app) as client:
        yield Served(app, client)


def forgiven(server: Served) -> None:
    """All tests come from one address: none may wait for what another did wrong."""
    server.app.state.gate.throttle = Throttle()


def event(number: int | str = 1, type: str = "execution.started", **fields: Any) -> NewEvent:
    """An event of execution `exec_<number>` of wf_1."""
    given = {"execution_id": f"exec_{number}", "workflow_id": "wf_1", "status": "running", "mode": "webhook"}
    return NewEvent(type, now(), **{"data": {"mode": "webhook"}, **given, **fields})  # type: ignore[arg-type]


def put(store: HotStore, *events: NewEvent) -> int:
    """Commit events in one transaction; the number of the last."""
    with store.database.write() as connection:
        tick(connection)
        return store.events.append(connection, events)


def seqs(messages: Sequence[Message]) -> list[int]:
    """Numbers of the events among messages."""
    return [one["seq"] for one in messages if "executionId" in one]


def eventually(what: Callable[[], bool], within_s: float = 10) -> bool:
    """Whether it becomes true."""
    deadline_s = time.monotonic() + within_s
    while not what():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True
