"""What waits for one subscriber: bounded, and honest about what did not fit."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from api.live.events import CHUNK_BYTES, Chunk
from api.live.wire import Wire, gap_json

WAITING_EVENTS: Final = 10_000
WAITING_BYTES: Final = 4 * 1024 * 1024
"""What may wait for one subscriber; what comes beyond makes all of it a gap. The events themselves are shared."""
NOTICES_MAX: Final = 64
"""Answers that may wait; whoever asks more than it reads is not heard meanwhile."""
_ROOM_BYTES: Final = 256 * 1024
_WRITE_BYTES: Final = CHUNK_BYTES


@dataclass(slots=True)
class Gap:
    """Events first..last, as far as they were for this subscriber, were not sent."""

    first: int
    last: int
    missed: int | None
    """How many. None: not known."""
    reason: str
    """slow: it did not read fast enough; expired: they are kept no longer; reset: the log is another one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be written next."""

    data: bytes
    gaps: tuple[Gap, ...]
    waited_s: float | None
    """How long the oldest event of it waited. None: there is none."""


class Mailbox:
    """One subscriber's queue; for the event loop's thread."""

    def __init__(self, wire: Wire, on_gap: Callable[[Gap], None]) -> None:
        self.wire = wire
        self._on_gap = on_gap
        self._items: deque[Chunk | Gap | bytes] = deque()
        self._events = 0
        self._bytes = 0
        self._notices = 0
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        self.moved_s = time.monotonic()
        """When something was last taken out."""
        self.write_now: Callable[[bytes], bool] | None = None
        """Writes at once, or says that it cannot; for events that come while nothing waits."""
        self.writing = False
        """What was taken out has not been written yet."""
        self.sent_events = 0
        """Events that were written; whoever counts them sets it back."""

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items

    def offer(self, chunk: Chunk) -> None:
        """Events to be sent. Where they do not fit, what waits becomes a gap, and they are what is sent next."""
        if self._closed:
            return
        if self.write_now is not None and not self._items and not self.writing:
            whole = chunk.joined(self.wire)
            if whole is not None and self.write_now(whole):
                self.sent_events += len(chunk.events)
                self.moved_s = chunk.made_s
                return
        if self._events + len(chunk.events) > WAITING_EVENTS or self._bytes + chunk.size_bytes > WAITING_BYTES:
            self._drop()
        self._items.append(chunk)
        self._events += len(chunk.events)
        self._bytes += chunk.size_bytes
        self._changed()

    def gap(self, gap: Gap) -> None:
        """A gap that others found."""
        self._items.append(gap)
        self._changed()

    def tell(self, notice: bytes) -> None:
        """A message of the server's own, as it is on the wire; never dropped."""
        self._items.append(notice)
        self._notices += 1
        self._changed()

    def finish(self) -> None:
        """Nothing more comes; what waits can still be taken."""
        self._closed = True
        self._changed()

    def close(self) -> None:
        """The same, and no event that waits is sent any more; answers are."""
        self._items = deque(item for item in self._items if isinstance(item, bytes))
        self._events = self._bytes = 0
        self.finish()

    async def some(self) -> bool:
        """Wait until something can be taken. False: never again."""
        while not self._items:
            if self._closed:
                return False
            self._some.clear()
            await self._some.wait()
        return True

    async def room(self) -> None:
        """Wait until a replay may go on: until little waits."""
        await self._room.wait()

    async def heard(self) -> None:
        """Wait until there is room for another answer."""
        while self._notices >= NOTICES_MAX:
            await self._room.wait()

    def take(self) -> Taken:
        """What comes next, some 64 kB of it."""
        parts: list[bytes] = []
        gaps: list[Gap] = []
        size, events = 0, 0
        waited_s: float | None = None
        while self._items and size < _WRITE_BYTES:
            item, begun = self._items.popleft(), len(parts)
            if isinstance(item, bytes):
                self._notices -= 1
                parts.append(item)
            elif isinstance(item, Gap):
                parts += self._told(item, gaps)
            else:
                self._events -= len(item.events)
                self._bytes -= item.size_bytes
                if waited_s is None:
                    waited_s = time.monotonic() - item.made_s
                whole = item.joined(self.wire)
                if whole is not None:
                    parts.append(whole)
                    events += len(item.events)
                else:
                    for part, is_event in self._what_is_left(item, gaps):
                        parts.append(part)
                        events += is_event
            size += sum(map(len, parts[begun:]))
        self.moved_s = time.monotonic()
        self.sent_events += events
        self._changed()
        return Taken(b"".join(parts), tuple(gaps), waited_s)

    def _what_is_left(self, chunk: Chunk, gaps: list[Gap]) -> Iterator[tuple[bytes, bool]]:
        """(bytes, is it an event) of a chunk some of whose events the ring has let go."""
        gone: Gap | None = None
        for event in chunk.events:
            if event.json is None:
                gone = _widened(gone, event.seq, event.seq, 1)
                continue
            if gone is not None:
                yield b"".join(self._told(gone, gaps)), False
                gone = None
            yield b"".join(self.wire.event(event.seq, event.json)), True
        if gone is not None:
            yield b"".join(self._told(gone, gaps)), False

    def _told(self, gap: Gap, gaps: list[Gap]) -> tuple[bytes, ...]:
        gaps.append(gap)
        self._on_gap(gap)
        return self.wire.event(gap.last, gap_json(gap.first, gap.last, gap.missed, gap.reason))

    def _drop(self) -> None:
        """All events that wait become one gap; answers stay."""
        gap: Gap | None = None
        kept: list[Chunk | Gap | bytes] = []
        for item in self._items:
            if isinstance(item, Chunk):
                if item.events:
                    gap = _widened(gap, item.events[0].seq, item.events[-1].seq, len(item.events))
            elif isinstance(item, Gap) and item.reason == "slow" and item.missed is not None:
                gap = _widened(gap, item.first, item.last, item.missed)
            else:
                kept.append(item)
        self._items = deque(kept)
        if gap is not None:
            self._items.append(gap)
        self._events = self._bytes = 0

    def _changed(self) -> None:
        if self._items or self._closed:
            self._some.set()
        if self._bytes < _ROOM_BYTES and self._events < WAITING_EVENTS // 4 and self._notices < NOTICES_MAX:
            self._room.set()
        else:
            self._room.clear()


def _widened(gap: Gap | None, first: int, last: int, missed: int) -> Gap:
    if gap is None:
        return Gap(first, last, missed, "slow")
    # A replay may wait behind live events, so the numbers need not ascend.
    return Gap(min(gap.first, first), max(gap.last, last), (gap.missed or 0) + missed, "slow")
