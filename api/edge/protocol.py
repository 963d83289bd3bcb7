"""uvicorn's HTTP/1.1, except that what is no HTTP is answered with our error body too, and that answers without an end
are ended when the server stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.edge.socket_protocol import LINGER_S, SocketProtocol
from api.failures import error_response

CONNECTION: Final = "runlake.connection"
"""Under this name in the scope's state lies the connection itself."""
MESSAGE_BYTES_MAX: Final = 64 * 1024
"""Largest message a WebSocket takes; beyond it the client is told 1009."""


def protocol_options() -> dict[str, Any]:
    """Options of uvicorn.Config: our protocols."""
    return {
        "http": Protocol,
        "ws": SocketProtocol,
        "ws_max_size": MESSAGE_BYTES_MAX,
        "ws_per_message_deflate": False,  # 64 kB a connection, and each frame would be another for each reader
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 60.0,  # a client that is slow does not read our pings either
    }


class Protocol(H11Protocol):
    """One connection."""

    _end_answer: Callable[[], None] | None = None
    _lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn's."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, CONNECTION: self}

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's."""
        super().connection_lost(exc)
        self._lost = True
        self.app_state, self._end_answer = {}, None  # no circle that keeps it in memory

    def ends_with_server(self, end: Callable[[], None]) -> None:
        """Have `end` called when the server begins to stop, which else waits for the end of every answer."""
        self._end_answer = end

    def abort(self) -> None:
        """End it now, whatever waits to be sent."""
        if not self._lost:
            self.transport.abort()

    def shutdown(self) -> None:
        """As uvicorn's."""
        super().shutdown()
        if self._end_answer is not None:
            self._end_answer()
            self.loop.call_later(LINGER_S, self.abort)

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed (a missing or doubled Host, a broken request line), and close."""
        # Half an answer may be out already when the broken part comes (a body that is not what its length said).
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            response = error_response(
                400,
                "BAD_REQUEST",
                "This is not a valid HTTP/1.1 request: the request line, a header (Host is required, once) or the "
                "body's length is wrong",
                {"Connection": "close", "Cache-Control": "no-store"},
            )
            head = h11.Response(status_code=400, headers=response.raw_headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
