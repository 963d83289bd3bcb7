"""WebSockets at the edge: which there are, and how a handshake is refused."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

STREAM_PATH: Final = "/executions/stream"
SOCKETS: Final = dict.fromkeys(("/v1/executions/stream", "/executions/stream"), "/v1/executions/stream")
"""Path -> its name in metrics and logs; without /v1 too, since a WebSocket client follows no redirect."""

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:=+/-]{1,128}")


def request_id_of(scope: Scope) -> str:
    """The caller's own id of the request, where it sent a sane one."""
    asked = Headers(scope=scope).get("x-request-id", "")
    return asked if _SANE_ID.fullmatch(asked) else uuid.uuid4().hex


class Handshake:
    """`send` of one WebSocket: keeps count, and gives a refusal the headers of any answer."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None
        self.bytes = 0
        """Of a refusal; what is sent through an open one is not counted here."""

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        if message["type"] == "websocket.accept":
            self.status = 101
            message = {
                **message,
                "headers": [*message.get("headers", ()), (b"x-request-id", self._request_id.encode())],
            }
        elif message["type"] == "websocket.http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            headers.setdefault("Cache-Control", "no-store")
        elif message["type"] == "websocket.http.response.body":
            self.bytes += len(message.get("body", b""))
        await self._send(message)

    async def fail(self, response: Response, scope: Scope, receive: Receive) -> None:
        """Refuse the handshake with an answer; what is open already is closed."""
        if self.status is None:
            await response(scope, receive, self)
            return
        with suppress(OSError, RuntimeError):
            await self._send({"type": "websocket.close", "code": 1011, "reason": "Internal error"})
