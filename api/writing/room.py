"""How much of requests' bodies is held at a time: what does not fit is told to come back, never lost."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from api.failures import ApiError

WAIT_S: Final = 30.0
"""Longest that a stream which has begun waits for room."""


class Room:
    """Bytes and requests that may wait in this process. For one event loop; not for threads."""

    def __init__(self, max_bytes: int, max_requests: int) -> None:
        self.max_bytes = max_bytes
        self.max_requests = max_requests
        self.held_bytes = 0
        self.requests = 0
        self._freed = asyncio.Condition()

    def enter(self) -> Place:
        """A place of a request's own, to be used as a context. Raises ApiError 429."""
        if self.requests >= self.max_requests:
            raise _overloaded(f"{self.requests} requests with records are waiting, at most {self.max_requests} may")
        return Place(self)

    def fits(self, size_bytes: int) -> bool:
        """Whether so much more can be held; one alone always can, or what is larger than the room would never."""
        return self.held_bytes == 0 or self.held_bytes + size_bytes <= self.max_bytes

    async def _tell(self) -> None:
        async with self._freed:
            self._freed.notify_all()


class Place:
    """What one request holds; all of it is given back at the end."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._held_bytes = 0

    async def __aenter__(self) -> Self:
        """Counts the request."""
        self._room.requests += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives everything back."""
        self._room.requests -= 1
        await self.give(self._held_bytes)

    def take(self, size_bytes: int) -> None:
        """Hold so many bytes more. Raises ApiError 429 when there is no room."""
        if not self._room.fits(size_bytes):
            raise _overloaded(
                f"{self._room.held_bytes} bytes of records are waiting, at most {self._room.max_bytes} may"
            )
        self._room.held_bytes += size_bytes
        self._held_bytes += size_bytes

    async def wait_for(self, size_bytes: int) -> None:
        """Hold so many bytes more as soon as there is room. Raises ApiError 429 when there is none for WAIT_S."""
        room = self._room
        try:
            async with asyncio.timeout(WAIT_S), room._freed:
                await room._freed.wait_for(lambda: room.fits(size_bytes))
        except TimeoutError:
            pass
        self.take(size_bytes)

    async def give(self, size_bytes: int) -> None:
        """Give so many bytes back."""
        self._held_bytes -= size_bytes
        self._room.held_bytes -= size_bytes
        if size_bytes:
            await self._room._tell()


def _overloaded(why: str) -> ApiError:
    return ApiError(
        429,
        "OVERLOADED",
        f"The server takes no more records right now: {why}; send it again later",
        headers={"Retry-After": "1"},
        retryAfter=1,
    )
