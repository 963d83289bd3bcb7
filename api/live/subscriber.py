"""One reader of the stream, whatever its transport: what it wants now, and replays up to the seam."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.live.events import LiveEvent, chunks_of
from api.live.hub import Audience, Hub
from api.live.mailbox import Gap, Mailbox
from api.live.wire import Wire
from api.live.wishes import CHANNELS_MAX, Channel, Filters, Key, Sight, Wish
from warehouse.errors import BadInputError

_AT_ONCE_EVENTS: Final = 2_000


@dataclass(slots=True)
class _Want:
    """A channel as this reader has it."""

    channel: Channel
    from_no: int
    """What came after this number has been sent to it, or is on its way."""
    live: bool = False
    """False: its replay is under way."""


async def start_of(hub: Hub, since: int | datetime | None) -> tuple[int, Gap | None]:
    """(number after which events are to come, what of that cannot be had).

    A number means what comes after it, an instant what was committed from then on; None: from now on. Everything that
    is committed before this call counts as not new. Raises HotStoreError.
    """
    if isinstance(since, datetime):
        at = since
        after_no = await hub.ask_log(lambda log: log.after_time(at))
        await hub.caught_up()
        oldest = await hub.ask_log(lambda log: log.oldest())
        # The log does not say when what it has forgotten was written.
        return after_no, Gap(1, after_no, None, "expired") if 1 < oldest == after_no + 1 else None
    position = await hub.caught_up()
    if since is None:
        return position, None
    if since > position:  # numbers that were never given: of a store that was replaced, or set back
        return position, Gap(min(position, 1), position, None, "reset")
    return since, None


class Subscriber:
    """Subscribes, replays, unsubscribes; for the event loop's thread."""

    def __init__(self, hub: Hub, wire: Wire, sight: Sight) -> None:
        self.mailbox = Mailbox(wire, self._missed)
        self._hub = hub
        self._sight = sight
        self._wants: dict[Key, _Want] = {}
        self._audience: Audience | None = None
        self._one_replay = asyncio.Lock()
        self._replays = 0

    @property
    def channels(self) -> list[str]:
        """Names of what it is subscribed to, in the order of subscribing."""
        return [want.channel.name for want in self._wants.values()]

    @property
    def all_sent_up_to(self) -> int | None:
        """The position, where nothing waits and nothing is replayed."""
        return self._hub.position if self.mailbox.empty and not self._replays else None

    def want(self, keys: Sequence[Key], filters: Filters, after_no: int) -> None:
        """Begin, or begin anew, to want these channels after a number; `replay` brings it up to now.

        Raises BadInputError for too many.
        """
        if len(set(self._wants) | set(keys)) > CHANNELS_MAX:
            raise BadInputError(
                f"that would be more than {CHANNELS_MAX} channels; unsubscribe from some, or subscribe to executions",
                field="channels",
            )
        for key in keys:
            self._wants[key] = _Want(Channel(key, filters), after_no)
        self._settle()

    def drop(self, keys: Sequence[Key]) -> None:
        """Want these no longer; what waits already is still sent."""
        for key in keys:
            self._wants.pop(key, None)
        self._settle()

    async def replay(self, keys: Sequence[Key], gap: Gap | None = None) -> int:
        """Send what these channels have missed since the number they began with, then let them be live.

        The number with which that was so. No event is missing or comes twice at that seam. Those the reader had by
        other channels already are left out. One replay at a time; raises HotStoreError.
        """
        wants = [self._wants[key] for key in keys if key in self._wants]
        self._replays += 1
        try:
            if gap is not None:
                self.mailbox.gap(gap)
            async with self._one_replay:
                await self._replay(wants)
        finally:
            self._replays -= 1
        return self._hub.position

    def leave(self) -> None:
        """The reader is gone."""
        self._wants.clear()
        self._settle()
        self.mailbox.close()

    async def _replay(self, wants: list[_Want]) -> None:
        done_no = wants[0].from_no if wants else 0
        while wants := [want for want in wants if self._wants.get(want.channel.key) is want]:
            wish = Wish(frozenset(want.channel for want in wants), self._sight)
            found = self._hub.ring.after(done_no, _AT_ONCE_EVENTS)
            if found is None:
                events, first, last = await self._hub.from_log(done_no, wish)
                if first > done_no + 1:
                    self.mailbox.gap(Gap(done_no + 1, first - 1, None, "expired"))
            elif found:
                events, last = [event for event in found if wish.matches(event)], found[-1].seq
                await asyncio.sleep(0)
            if found is not None and not found:  # nothing is awaited between this look and being live
                for want in wants:
                    want.live = True
                self._settle()
                return
            done_no = await self._offer(self._not_had(events, wants), done_no, last)

    async def _offer(self, events: Sequence[LiveEvent], done_no: int, last: int) -> int:
        """Hand on what was read up to `last`, as far as there is room for it soon; the number up to which that is."""
        for chunk in chunks_of(events):
            await self.mailbox.room()
            if chunk.events[0].json is None:  # memory has let go of it meanwhile: the log has it still
                return done_no
            self.mailbox.offer(chunk)
            done_no = chunk.events[-1].seq
        return last

    def _not_had(self, events: Sequence[LiveEvent], wants: Sequence[_Want]) -> list[LiveEvent]:
        others = [want for want in self._wants.values() if want.live and want not in wants]
        if not others:
            return list(events)
        return [event for event in events if not any(o.channel.has(event) and event.seq > o.from_no for o in others)]

    def _missed(self, gap: Gap) -> None:
        """What other channels had is not had any more up to here: it may be asked for again."""
        for want in self._wants.values():
            if want.live:
                want.from_no = max(want.from_no, gap.last)

    def _settle(self) -> None:
        """Be in the audience of what is wanted live."""
        channels = frozenset(want.channel for want in self._wants.values() if want.live)
        wish = Wish(channels, self._sight) if channels else None
        if self._audience is not None and self._audience.wish == wish:
            return
        if self._audience is not None:
            self._hub.leave(self.mailbox, self._audience)
        self._audience = None if wish is None else self._hub.join(self.mailbox, wish)
