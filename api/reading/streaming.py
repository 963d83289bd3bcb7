"""A body that a thread writes while it is sent: bounded memory, and no work for a client that has gone away."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, BinaryIO, Final, cast

from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

HELD_BYTES: Final = 4 * 1024 * 1024
"""Most bytes that wait for the client; the writer waits beyond them."""
_CHUNK_BYTES: Final = 256 * 1024


class GoneAwayError(Exception):
    """Nobody reads any more."""


class Pipe(io.RawIOBase):
    """Bytes from the thread that writes to the coroutine that sends."""

    def __init__(self) -> None:
        super().__init__()
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._changed = threading.Condition()
        self._ended = self._abandoned = False
        self._failure: BaseException | None = None

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Hand bytes on; waits while too many are held. Raises GoneAwayError."""
        chunk = bytes(data)
        with self._changed:
            self._changed.wait_for(lambda: self._held_bytes < HELD_BYTES or self._abandoned)
            if self._abandoned:
                raise GoneAwayError
            self._held.append(chunk)
            self._held_bytes += len(chunk)
            self._changed.notify_all()
        return len(chunk)

    def end(self, failure: BaseException | None = None) -> None:
        """Nothing more comes: all of it was written, or this went wrong."""
        with self._changed:
            self._ended, self._failure = True, failure
            self._changed.notify_all()

    def abandon(self) -> None:
        """Nobody reads any more: the writer is told at its next write."""
        with self._changed:
            self._abandoned = True
            self._held.clear()
            self._changed.notify_all()

    def take(self) -> bytes:
        """The next bytes, some hundred kB where there are so many; empty at the end. Raises what the writer met."""
        with self._changed:
            self._changed.wait_for(lambda: self._held or self._ended or self._abandoned)
            taken: list[bytes] = []
            size = 0
            while self._held and size < _CHUNK_BYTES:
                taken.append(self._held.popleft())
                size += len(taken[-1])
            self._held_bytes -= size
            self._changed.notify_all()
            if not taken and self._failure is not None:
                raise self._failure
            return b"".join(taken)


class WrittenResponse(StreamingResponse):
    """Sends what `write` writes to the file it is given, in a thread of its own.

    An error of `write` breaks the connection off, so that nobody takes half a body for a whole one. `stop` is called
    when the client has gone away, whatever `write` is doing then; it must be safe from any thread.
    """

    def __init__(
        self,
        write: Callable[[BinaryIO], object],
        stop: Callable[[], None],
        *,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        self._pipe = Pipe()
        self._write, self._stop = write, stop
        super().__init__(self._chunks(), media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and be sure that the thread ends."""
        writer = threading.Thread(target=self._run, name="export", daemon=True)
        writer.start()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._pipe.abandon()
            if writer.is_alive():
                self._stop()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while chunk := await to_thread.run_sync(self._pipe.take, abandon_on_cancel=True):
            yield chunk

    def _run(self) -> None:
        try:
            self._write(cast(BinaryIO, self._pipe))
        except GoneAwayError:
            self._pipe.end()
        except BaseException as error:  # noqa: BLE001 - it is raised again where it can be answered
            self._pipe.end(error)
        else:
            self._pipe.end()
