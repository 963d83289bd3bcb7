"""What the tests of webhooks share: real receivers on loopback, and servers that may send to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.api.live.streams import Served, serving

WEBHOOKS = "/v1/webhooks"


@dataclass(frozen=True)
class Request:
    """What a receiver was sent."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Answer:
    """What a receiver says."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after_s: float = 0.0


class Receiver:
    """A small server: answers what `answer` says, remembers what came."""

    def __init__(self, answer: Callable[[Request, int], Answer]) -> None:
        """answer: (the request, how many came before it) -> what to say."""
        self.requests: list[Request] = []
        self._ending = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, self.rfile.read(length).decode())
                number = len(receiver.requests)
                receiver.requests.append(request)
                said = answer(request, number)
                if said.after_s and receiver._ending.wait(said.after_s):
                    return
                try:
                    self.send_response(said.status)
                    for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(said.body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the sender had enough

            def do_GET(self) -> None:
                receiver.requests.append(Request(self.path, {}, ""))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, count: int, within_s: float = 20) -> list[Request]:
        """The first requests, once there are so many."""
        wait_for(lambda: len(self.requests) >= count, within_s)
        return self.requests[:count]


@contextmanager
def receiving(*answers: Answer | Callable[[Request, int], Answer]) -> Iterator[Receiver]:
    """A receiver that gives these answers one after the other, the last one from then on."""
    said = answers or (Answer(),)

    def answer(request: Request, number: int) -> Answer:
        one = said[min(number, len(said) - 1)]
        return one(request, number) if callable(one) else one

    receiver = Receiver(answer)
    try:
        yield receiver
    finally:
        receiver.stop()


@contextmanager
def sending(folder: Path, hot_url: str | None = None, **settings: Any) -> Iterator[Served]:
    """A server whose webhooks may lead to loopback over http."""
    with serving(folder, hot_url, **{"webhook_private": True, "webhook_http": True, **settings}) as server:
        yield server


def register(http: httpx.Client, url: str, *events: str, **fields: Any) -> dict[str, Any]:
    """A new webhook, with its secret."""
    answer = http.post(WEBHOOKS, json={"url": url, "events": list(events or ("execution.started",)), **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def log(http: httpx.Client, webhook: dict[str, Any], **query: Any) -> Sequence[dict[str, Any]]:
    """The deliveries of a webhook, newest first."""
    answer = http.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", params={"limit": 100, **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found


def wait_for(what: Callable[[], bool], within_s: float = 20) -> None:
    """Until it is true."""
    deadline_s = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline_s, "it did not become true in time"
        time.sleep(0.02)
