"""Many subscribers in one process: `python -m tests.bench.stream_clients PORT SUBSCRIBERS WORKFLOWS PARSED FILE`.

Each opens a WebSocket and subscribes, to `workflow:posted_N` (WORKFLOWS > 0, N going round) or to `executions`. Says
`ready` on stdout, listens until stdin ends, and writes to FILE (npz): `number`, `seq`, `at_s` of every event of the
first PARSED subscribers, and `bytes` of all. They speak the protocol by hand: a thousand clients of a library would
take more processor time than the server that is measured.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
import time
from array import array
from itertools import chain
from typing import Final

import numpy as np

_SEQ: Final = re.compile(rb'"seq":(\d+)\}')
_AT_ONCE: Final = 50


class Subscriber(asyncio.Protocol):
    """One connection."""

    def __init__(self, port: int, channel: str, *, parsed: bool) -> None:
        self._port, self._channel, self._parsed = port, channel, parsed
        self._buffer = b""
        self._open = False
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self.bytes = 0
        self.seq = array("q")
        self.at_s = array("d")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /v1/executions/stream HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError(self._buffer.decode("latin-1")))

    def data_received(self, data: bytes) -> None:
        if self.subscribed.done():
            at_s = time.time()
            self.bytes += len(data)
            ping = data.find(b"\x89\x04")  # neither stands in ASCII text, nor in the length of a short one
            if ping >= 0:
                self._send(0x8A, data[ping + 2 : ping + 6])
            if self._parsed:
                self._events(self._buffer + data, at_s)
            return
        self._buffer += data
        if not self._open and b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            assert b" 101 " in head, head
            self._open = True
            self._send(0x81, json.dumps({"type": "subscribe", "channels": [self._channel]}).encode())
        if self._open and b'"subscribed"' in self._buffer and self._buffer.endswith(b"}"):
            self._buffer = b""
            self.subscribed.set_result(None)

    def _send(self, kind: int, text: bytes) -> None:
        assert len(text) < 126
        self._transport.write(bytes((kind, 0x80 | len(text), 0, 0, 0, 0)) + text)  # a mask of zeros is a mask

    def _events(self, data: bytes, at_s: float) -> None:
        """Events end with their number; the frames between need not be taken apart to find it."""
        end = 0
        for found in _SEQ.finditer(data):
            end = found.end()
            self.seq.append(int(found[1]))
            self.at_s.append(at_s)
        self._buffer = data[end:]

    def close(self) -> None:
        self._transport.abort()


async def listen(port: int, subscribers: int, workflows: int, parsed: int, file: str) -> None:
    """See above."""
    loop = asyncio.get_running_loop()
    opened: list[Subscriber] = []
    for first in range(0, subscribers, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, subscribers))
        made = [
            Subscriber(
                port, f"workflow:posted_{number % workflows}" if workflows else "executions", parsed=number < parsed
            )
            for number in numbers
        ]
        await asyncio.gather(*(loop.create_connection(lambda one=one: one, "127.0.0.1", port) for one in made))  # type: ignore[misc]
        await asyncio.gather(*(one.subscribed for one in made))
        opened += made
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    assert not any(one.lost for one in opened), "a subscriber was disconnected"
    heard = opened[:parsed]
    np.savez(
        file,
        number=np.repeat(np.arange(len(heard)), [len(one.seq) for one in heard]),
        seq=np.fromiter(chain.from_iterable(one.seq for one in heard), np.int64),
        at_s=np.fromiter(chain.from_iterable(one.at_s for one in heard), np.float64),
        bytes=np.array([one.bytes for one in opened]),
    )
    for one in opened:
        one.close()


if __name__ == "__main__":
    port, subscribers, workflows, parsed = map(int, sys.argv[1:5])
    asyncio.run(listen(port, subscribers, workflows, parsed, sys.argv[5]))
