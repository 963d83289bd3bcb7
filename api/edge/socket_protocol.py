"""uvicorn's WebSocket, except that an app may write frames that it has made itself, and that its ends are ends.

An event is the same frame for every reader: it is made once, and many of them go out in one piece.
"""

from __future__ import annotations

from typing import Any, Final, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

FRAMES_EXTENSION: Final = "runlake.frames"
"""Under this name in the scope's extensions lies the connection itself."""
LINGER_S: Final = 2.0
"""How long a client may take to receive the end; one that does not read would keep the server from stopping."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def handle_connect(self, event: Request) -> None:
        """As uvicorn's; the app begins to run afterwards."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # else the handshake was refused
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[FRAMES_EXTENSION] = self

    async def write_frames(self, frames: bytes) -> None:
        """Write whole frames as they are, once the client takes more. Raises OSError when the connection is over."""
        await self.writable.wait()
        if self.disconnected or self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        self.transport.write(frames)

    def write_now(self, frames: bytes) -> bool:
        """The same, if the client takes more at this moment; else nothing is done."""
        if self.disconnected or self.close_sent or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(frames)
        return True

    def abort(self) -> None:
        """End it now, whatever waits to be sent."""
        if not self.disconnected:
            self.transport.abort()

    def shutdown(self) -> None:
        """As uvicorn's: 1012 to the client."""
        super().shutdown()
        self.loop.call_later(LINGER_S, self.abort)

    def keepalive_timeout(self) -> None:
        """As uvicorn's: 1011 to a client that does not answer."""
        super().keepalive_timeout()
        self.loop.call_later(LINGER_S, self.abort)
