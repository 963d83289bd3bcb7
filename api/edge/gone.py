"""A client that goes away stops the query it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.body import has_body

_AGAIN_S: Final = 0.05
"""A query that had not begun when it was first stopped is stopped again."""


class ClientGone:
    """ASGI middleware: watches for the end of the connection while a request is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch = _Watch(scope, receive)
        try:
            await self._app(scope, watch.receive, watch.sending(send))
        finally:
            await watch.close()


@contextmanager
def stopped_when_gone(connection: HTTPConnection, stop: Callable[[], None]) -> Iterator[None]:
    """Inside the block `stop` is called, again and again, once the client is gone. It must be safe from any thread."""
    stops: list[Callable[[], None]] = connection.scope["state"].setdefault("stops", [])
    stops.append(stop)
    try:
        yield
    finally:
        stops.remove(stop)


class _Watch:
    """Reads ahead where the body has been read: the next message can only be that the client is gone."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._state = scope["state"]
        self._receive = receive
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._first: Message | None = None
        self._answered = False
        if not has_body(scope):
            self._first = {"type": "http.request", "body": b"", "more_body": False}
            self._task = asyncio.create_task(self._watch(skip=True))

    async def receive(self) -> Message:
        """As the server's."""
        if self._first is not None:
            message, self._first = self._first, None
            return message
        if self._task is not None:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._task = asyncio.create_task(self._stop())
        elif not message.get("more_body", False):
            self._task = asyncio.create_task(self._watch(skip=False))
        return message

    def sending(self, send: Send) -> Send:
        """As the server's; once the answer is whole, the end of the connection means nothing."""

        async def sent(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._answered = True

        return sent

    async def close(self) -> None:
        """The request is over."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self, *, skip: bool) -> None:
        if skip:
            await self._receive()  # the empty body
        while (await self._receive())["type"] != "http.disconnect":
            pass
        await self._stop()

    async def _stop(self) -> None:
        self._gone.set()
        if self._answered:
            return
        self._state["client_gone"] = True
        while True:
            for stop in list(self._state.get("stops", ())):
                with suppress(Exception):  # what it stops may have ended, and be closed, in this very moment
                    stop()
            await asyncio.sleep(_AGAIN_S)
