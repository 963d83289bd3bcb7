"""Recent events in memory: for replays, and for all that waits anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from api.live.events import OVERHEAD_BYTES, LiveEvent

RING_EVENTS: Final = 50_000
RING_BYTES: Final = 64 * 1024 * 1024
"""What is kept at most, whichever comes first."""


class Ring:
    """The last events up to `position`, without a gap between them; for the event loop's thread.

    It bounds the memory of all readers together: an event that it lets go is gone for those, too, who still have it
    waiting, and they are told.
    """

    def __init__(self, *, events: int = RING_EVENTS, bytes: int = RING_BYTES) -> None:
        self.most_events, self.most_bytes = events, bytes
        self.position = 0
        """Number of the last event."""
        self._events: list[LiveEvent] = []
        self._bytes = 0

    def add(self, events: Sequence[LiveEvent]) -> None:
        """The events that come next, one at least."""
        self._events += events
        self._bytes += sum(_size(event) for event in events)
        self.position = events[-1].seq
        surplus = max(0, len(self._events) - self.most_events)
        size = self._bytes - sum(_size(event) for event in self._events[:surplus])
        while size > self.most_bytes:
            size -= _size(self._events[surplus])
            surplus += 1
        for event in self._events[:surplus]:
            event.json = None
        del self._events[:surplus]
        self._bytes = size

    def after(self, seq: int, most: int) -> Sequence[LiveEvent] | None:
        """Events after this number, up to `most`; empty: there are none yet. None: memory does not go back so far."""
        if seq >= self.position:
            return ()
        begin = seq + 1 - (self.position - len(self._events) + 1)
        return None if begin < 0 else self._events[begin : begin + most]

    def restart(self, position: int) -> None:
        """Forget all; the next event is the one after `position`."""
        self._events, self._bytes, self.position = [], 0, position


def _size(event: LiveEvent) -> int:
    return len(event.json or b"") + OVERHEAD_BYTES
