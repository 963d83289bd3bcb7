"""The tail of the event log: one per process, however many subscribe."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from api.live.events import Chunk, LiveEvent, chunks_of, decode
from api.live.mailbox import Gap, Mailbox
from api.live.ring import Ring
from api.live.wishes import ALL, Key, Wish
from warehouse.errors import HotStoreError
from warehouse.hot.event_log import EventLog

LOOKS_EVERY_S: Final = 0.05
"""How soon events of other processes are seen; those of this one are at once."""
_IDLE_EVERY_S: Final = 1.0
"""The same while nobody subscribes."""
_CHECKS_EVERY_S: Final = 1.0
_SLICE_EVENTS: Final = 500
_PACE_S: Final = 2e-5
"""Pause for each reader after dealing out: about what it takes to write to it."""
_READ_ROWS: Final = 5_000
_LOG: Final = logging.getLogger("runlake.live")


class Audience:
    """All mailboxes with equal wishes: matched once, written once."""

    __slots__ = ("members", "pending", "seen_no", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.members: dict[Mailbox, None] = {}
        self.pending: list[LiveEvent] = []
        self.seen_no = 0


class Hub:
    """Reads events once, keeps the recent ones, deals them out. Everything but reading is on the event loop."""

    def __init__(self, log: EventLog, on_dealt: Callable[[float], None]) -> None:
        """`on_dealt`: told of every time events were dealt out how many seconds after reading them that was done."""
        self.log = log
        self._on_dealt = on_dealt
        self.ring = Ring()
        self._audiences: dict[Wish, Audience] = {}
        self._index: dict[Key, dict[Audience, None]] = {}
        self._fresh: list[Chunk] = []
        self._waiting: list[asyncio.Future[int]] = []
        self._poke = asyncio.Event()
        # Its own threads: queries that take long must not hold up events. One tails, one replays.
        self._tailing = ThreadPoolExecutor(1, "event-tail")
        self._replaying = ThreadPoolExecutor(1, "event-replay")
        self._task: asyncio.Task[None] | None = None
        self._end_listening: Callable[[], None] | None = None
        self._failing = False

    @property
    def position(self) -> int:
        """Number of the last event that was dealt out."""
        return self.ring.position

    async def start(self) -> None:
        """Load what is recent, then follow. Raises HotStoreError."""
        loop = asyncio.get_running_loop()
        self._end_listening = self.log.on_written(lambda: _poke_from_any_thread(loop, self._poke))
        await self._restart()
        self._task = asyncio.create_task(self._follow(), name="event-tail")

    async def stop(self) -> None:
        """Follow no longer."""
        if self._end_listening is not None:
            self._end_listening()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for waiting in self._waiting:
            waiting.cancel()
        self._tailing.shutdown(wait=True)
        self._replaying.shutdown(wait=True, cancel_futures=True)

    async def caught_up(self) -> int:
        """The position, once everything committed before this call is dealt out. Raises HotStoreError."""
        waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._poke.set()
        return await waiting

    def join(self, mailbox: Mailbox, wish: Wish) -> Audience:
        """From the next event on this mailbox gets what it wishes."""
        audience = self._audiences.get(wish)
        if audience is None:
            audience = self._audiences[wish] = Audience(wish)
            audience.seen_no = self.position
            for key in wish.index_keys():
                self._index.setdefault(key, {})[audience] = None
            self._poke.set()  # it may be the first one: from now on there is somebody to look for
        audience.members[mailbox] = None
        return audience

    def leave(self, mailbox: Mailbox, audience: Audience) -> None:
        """It gets nothing more of this."""
        audience.members.pop(mailbox, None)
        if audience.members or self._audiences.get(audience.wish) is not audience:
            return
        del self._audiences[audience.wish]
        for key in set(audience.wish.index_keys()):
            left = self._index[key]
            left.pop(audience, None)
            if not left:
                del self._index[key]

    async def from_log(self, after_no: int, wish: Wish) -> tuple[list[LiveEvent], int, int]:
        """(those that match, number of the first and of the last one read) of older events; see EventLog.read.

        Reads no further than the position. Where all are forgotten up to there, the first is position + 1.
        """
        position = self.position
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._replaying, _read_some, self.log, after_no, position, wish.matches)

    async def ask_log(self, question: Callable[[EventLog], int]) -> int:
        """One of the log's numbers."""
        return await asyncio.get_running_loop().run_in_executor(self._replaying, question, self.log)

    async def _follow(self) -> None:
        checked_s = 0.0
        loop = asyncio.get_running_loop()
        while True:
            self._poke.clear()
            waiting, self._waiting = self._waiting, []
            try:
                found = await self._read_on()
                if not found and loop.time() - checked_s >= _CHECKS_EVERY_S:
                    checked_s = loop.time()
                    await self._check_log()
            except Exception as error:  # noqa: BLE001 - whatever it is, the tail must not be the end of all streams
                if not isinstance(error, HotStoreError) and not self._failing:
                    _LOG.exception("the event log cannot be read")
                elif not self._failing:
                    _LOG.warning("the event log cannot be read, and is tried again: %s", error)
                self._failing = True
                _fail(waiting, error)
                await asyncio.sleep(_CHECKS_EVERY_S)
                continue
            self._failing = False
            for one in waiting:
                if not one.done():
                    one.set_result(self.position)
            await self._pause(LOOKS_EVERY_S if self._audiences else _IDLE_EVERY_S)

    async def _pause(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._poke.wait()
        for chunk in self._fresh:
            chunk.forget()
        self._fresh.clear()

    async def _read_on(self) -> bool:
        """Deal out all that is new; whether there was any."""
        loop = asyncio.get_running_loop()
        any_found = False
        while True:
            events = await loop.run_in_executor(self._tailing, _read_new, self.log, self.position)
            if not events:
                return any_found
            any_found = True
            seen_no = self.position
            if events[0].seq != seen_no + 1:  # they were forgotten before they were seen
                self.ring.restart(events[0].seq - 1)
                self._all_missed(seen_no + 1, events[0].seq - 1, "expired")
            read_s = time.monotonic()
            for begin in range(0, len(events), _SLICE_EVENTS):
                if self._deal(events[begin : begin + _SLICE_EVENTS]):
                    self._on_dealt(time.monotonic() - read_s)
                await asyncio.sleep(0)
            # Events that come one by one are dealt out some at a time: each time costs a write for each reader.
            readers = sum(len(audience.members) for audience in self._audiences.values())
            await asyncio.sleep(min(_PACE_S * readers, LOOKS_EVERY_S))

    def _deal(self, events: Sequence[LiveEvent]) -> bool:
        """To whoever wants them; whether that was anybody."""
        touched: list[Audience] = []
        for event in events:
            for audience in self._who_may_want(event):
                if audience.seen_no >= event.seq:  # found by another of its channels
                    continue
                audience.seen_no = event.seq
                if audience.wish.matches(event):
                    if not audience.pending:
                        touched.append(audience)
                    audience.pending.append(event)
        self.ring.add(events)
        for audience in touched:
            for chunk in chunks_of(audience.pending):
                self._fresh.append(chunk)
                for mailbox in audience.members:
                    mailbox.offer(chunk)
            audience.pending = []
        return bool(touched)

    def _who_may_want(self, event: LiveEvent) -> Iterator[Audience]:
        yield from self._index.get(ALL, ())
        if event.workflow_id is not None:
            yield from self._index.get(("workflow", event.workflow_id), ())
        if event.execution_id is not None:
            yield from self._index.get(("execution", event.execution_id), ())

    async def _check_log(self) -> None:
        """A store that was restored from a copy may number its events anew."""
        newest = await asyncio.get_running_loop().run_in_executor(self._tailing, self.log.newest)
        if newest < self.position:
            _LOG.warning("the event log ends at %d after %d was seen: it is another one", newest, self.position)
            await self._restart()
            self._all_missed(min(newest, 1), newest, "reset")

    async def _restart(self) -> None:
        newest, events = await asyncio.get_running_loop().run_in_executor(self._tailing, _read_recent, self.log)
        self.ring.restart(newest)
        for audience in self._audiences.values():
            audience.seen_no = 0
        if events:
            self.ring.add(events)

    def _all_missed(self, first: int, last: int, reason: str) -> None:
        for audience in self._audiences.values():
            for mailbox in audience.members:
                mailbox.gap(Gap(first, last, None, reason))


def _read_new(log: EventLog, after_no: int) -> list[LiveEvent]:
    return decode(log.read(after_no, limit=_READ_ROWS))


def _read_recent(log: EventLog) -> tuple[int, list[LiveEvent]]:
    """(the newest number, the last events up to it)."""
    newest = log.newest()
    events = decode(log.read(max(0, newest - _READ_ROWS), limit=_READ_ROWS))
    return (events[-1].seq if events else newest), events


def _read_some(
    log: EventLog, after_no: int, position: int, matches: Callable[[LiveEvent], bool]
) -> tuple[list[LiveEvent], int, int]:
    table = log.read(after_no, limit=_READ_ROWS)
    numbers = table.column("event_no")
    first = numbers[0].as_py() if len(numbers) else position + 1
    if first > position:
        return [], position + 1, position
    table = table.slice(0, position - first + 1)
    return decode(table, matches), first, first + table.num_rows - 1


def _fail(waiting: Sequence[asyncio.Future[int]], error: Exception) -> None:
    for one in waiting:
        if not one.done():
            one.set_exception(error)


def _poke_from_any_thread(loop: asyncio.AbstractEventLoop, poke: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop is closed: the server has ended
        loop.call_soon_threadsafe(poke.set)
