"""How the stream's bytes look: as WebSocket frames, as Server-Sent Events."""

from __future__ import annotations

import json as json_module
import struct
from typing import Any, Final

from api.models import instant_text
from warehouse.clock import now


def message_json(type: str, **fields: Any) -> bytes:
    """A message of the stream's own; fields that are None are left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    return json_module.dumps({"type": type, **given}, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def gap_json(first: int, last: int, missed: int | None, reason: str) -> bytes:
    """The message that says that events first..last were missed."""
    return message_json(
        "gap", **{"from": first, "to": last}, missed=missed, reason=reason, timestamp=instant_text(now()), seq=last
    )


class Wire:
    """How bytes look on one of the transports."""

    name: str

    def event(self, seq: int, json: bytes) -> tuple[bytes, ...]:
        """An event, or a gap that ends with `seq`."""
        raise NotImplementedError

    def notice(self, json: bytes) -> bytes:
        """A message that is no event."""
        raise NotImplementedError

    def heartbeat(self, seq: int | None) -> bytes:
        """A sign of life. `seq`: all up to it has been sent; None: something is still on its way."""
        raise NotImplementedError


class FrameWire(Wire):
    """WebSocket frames: text, whole, not masked, as a server sends them; the same bytes for everybody."""

    name = "websocket"

    def event(self, seq: int, json: bytes) -> tuple[bytes, ...]:
        """A frame."""
        return (_frame_head(len(json)), json)

    def notice(self, json: bytes) -> bytes:
        """The same."""
        return _frame_head(len(json)) + json

    def heartbeat(self, seq: int | None) -> bytes:
        """A message of its own: a browser does not tell its page of pings."""
        return self.notice(message_json("heartbeat", timestamp=instant_text(now()), seq=seq))


class EventSourceWire(Wire):
    """Server-Sent Events, all of them `message` events, so that one `onmessage` sees everything."""

    name = "sse"

    def event(self, seq: int, json: bytes) -> tuple[bytes, ...]:
        """A message with an id, for Last-Event-ID."""
        return (b"id: %d\ndata: " % seq, json, b"\n\n")

    def notice(self, json: bytes) -> bytes:
        """A message without an id."""
        return b"data: " + json + b"\n\n"

    def heartbeat(self, seq: int | None) -> bytes:
        """A comment."""
        # An id without data is no event: it only moves on what the client says as Last-Event-ID.
        return b": heartbeat\n\n" if seq is None else b": heartbeat\nid: %d\n\n" % seq


FRAMES: Final = FrameWire()
EVENT_SOURCE: Final = EventSourceWire()


def _frame_head(size: int) -> bytes:
    if size < 126:
        return bytes((0x81, size))
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size)
    return struct.pack("!BBQ", 0x81, 127, size)
