"""The live stream of one server process: the hub, all who listen, and what is done for them now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.auth import Principal
from api.auth.gate import Gate
from api.failures import ApiError
from api.live.admission import Pass
from api.live.hub import Hub
from api.live.mailbox import Taken
from api.live.subscriber import Subscriber
from api.live.tickets import Tickets
from api.metrics import Metrics
from warehouse.clock import now
from warehouse.errors import HotStoreError
from warehouse.hot.event_log import EventLog

SUBSCRIBERS_MAX: Final = 10_000
"""Readers of one process; the next is told to come back."""
HEARTBEAT_S: Final = 15.0
"""A reader to whom nothing was sent for so long gets a sign of life."""
_EVERY_S: Final = 1.0
_LOG: Final = logging.getLogger("runlake.live")


@dataclass(frozen=True, slots=True)
class End:
    """Why the server ends a connection."""

    close_code: int
    """Of the WebSocket."""
    code: str
    """As in error bodies."""
    message: str


TOKEN_OVER: Final = End(4401, "UNAUTHENTICATED", "The token or session is over: it was revoked or has expired")
BAD_MESSAGES: Final = End(4400, "INVALID_MESSAGE", "Too many messages that are not valid, one after the other")
NO_STORE: Final = End(1013, "STORE_UNAVAILABLE", "The events cannot be read now; connect again, with since")
RESTART: Final = End(1012, "RESTARTING", "The server stops; connect again, with since")


class Reader(Protocol):
    """A connection, whatever its transport."""

    kind: str
    entry: Pass
    subscriber: Subscriber

    def end(self, why: End) -> None:
        """Begin to end it; returns at once."""
        ...


class Live:
    """Everything that streams share."""

    def __init__(self, hub: Hub, tickets: Tickets, gate: Gate, metrics: Metrics) -> None:
        self.hub = hub
        self.tickets = tickets
        self._gate = gate
        self._metrics = metrics.live
        self._readers: dict[Reader, None] = {}

    def enter(self, reader: Reader) -> None:
        """Count it, and look after it. Raises ApiError 503 when there are too many."""
        if len(self._readers) >= SUBSCRIBERS_MAX:
            raise ApiError(
                503,
                "OVERLOADED",
                f"{SUBSCRIBERS_MAX:,} subscribers listen to this server already; try again later",
                headers={"Retry-After": "30"},
            )
        self._readers[reader] = None
        self._metrics.subscribers.labels(reader.kind).inc()

    def leave(self, reader: Reader) -> None:
        """It is gone."""
        reader.subscriber.leave()
        if self._readers.pop(reader, reader) is None:
            self._count(reader)
            self._metrics.subscribers.labels(reader.kind).dec()

    def sent(self, taken: Taken) -> None:
        """Count what waited for a reader and was written to it."""
        if taken.waited_s is not None:
            self._metrics.waited.observe(taken.waited_s)
        for gap in taken.gaps:
            self._metrics.gaps.labels(gap.reason).inc()
            self._metrics.missed.labels(gap.reason).inc(gap.missed or 0)

    def _count(self, reader: Reader) -> None:
        mailbox = reader.subscriber.mailbox
        if mailbox.sent_events:
            self._metrics.events.labels(reader.kind).inc(mailbox.sent_events)
            mailbox.sent_events = 0

    def end_all(self, why: End) -> None:
        """End every connection."""
        for reader in list(self._readers):
            reader.end(why)

    async def look_after(self) -> None:
        """Heartbeats, counts, and the end of those whose token has ended; until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self._end_what_is_over()
            except HotStoreError as error:
                _LOG.warning("the tokens of subscribers cannot be looked up: %s", error)
            self._beat()

    async def _end_what_is_over(self) -> None:
        """A revoked token is noticed within some two seconds, with one look for all who came with it."""
        asked: dict[str, Principal | None] = {}
        for reader in list(self._readers):
            entry = reader.entry
            over = entry.ends_at is not None and now() >= entry.ends_at
            token_id = entry.principal.token_id
            if token_id is not None and not over:
                if token_id not in asked:
                    asked[token_id] = await self._gate.principal_of(token_id)
                over = asked[token_id] is None
            if over:
                reader.end(TOKEN_OVER)

    def _beat(self) -> None:
        idle_since_s = asyncio.get_running_loop().time() - HEARTBEAT_S
        for reader in self._readers:
            self._count(reader)
            subscriber = reader.subscriber
            mailbox = subscriber.mailbox
            if mailbox.empty and mailbox.moved_s <= idle_since_s:
                mailbox.tell(mailbox.wire.heartbeat(subscriber.all_sent_up_to))


@asynccontextmanager
async def opened_live(app: FastAPI, log: EventLog) -> AsyncIterator[None]:
    """live on `app.state`; needs secrets, idempotency_keys, gate and metrics there. Raises HotStoreError."""
    state = app.state
    key = await run_in_threadpool(state.secrets.get, "stream_tickets")
    hub = Hub(log, state.metrics.live.waited.observe)
    live = state.live = Live(hub, Tickets(key, state.idempotency_keys), state.gate, state.metrics)
    await hub.start()
    looking = asyncio.create_task(live.look_after(), name="stream-keeper")
    try:
        yield
    finally:
        live.end_all(RESTART)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await hub.stop()
