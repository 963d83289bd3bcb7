"""One WebSocket: what the client says, what it is sent, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope, Send

from api.edge.socket_protocol import FRAMES_EXTENSION
from api.live.admission import Pass
from api.live.mailbox import Gap
from api.live.messages import (
    Id,
    Message,
    Ping,
    Subscribe,
    Unsubscribe,
    error_json,
    fault_json,
    read_message,
    since_of,
)
from api.live.service import BAD_MESSAGES, NO_STORE, End, Live
from api.live.subscriber import Subscriber, start_of
from api.live.wire import FRAMES, message_json
from api.live.wishes import Key, channel_key, filters_of, sight_of
from api.models import instant_text
from warehouse.clock import now
from warehouse.errors import HotStoreError, RunlakeError

BAD_IN_A_ROW: Final = 5
"""So many messages that are not valid, with no valid one between, end the connection."""
_CLOSE_WITHIN_S: Final = 1.0


class Frames(Protocol):
    """What our server lets an app do with a WebSocket beyond ASGI; see api.edge.socket_protocol."""

    async def write_frames(self, frames: bytes) -> None:
        """Write whole frames as they are, once the client takes more. Raises when the connection is over."""
        ...

    def write_now(self, frames: bytes) -> bool:
        """The same, if the client takes more at this moment; else nothing is done."""
        ...

    def abort(self) -> None:
        """End it now, whatever waits to be sent."""
        ...


class SocketSession:
    """One connection that was let in."""

    kind: str = "websocket"

    def __init__(self, live: Live, entry: Pass, scope: Scope, receive: Receive, send: Send) -> None:
        self.entry = entry
        self.subscriber = Subscriber(live.hub, FRAMES, sight_of(entry.principal))
        self._live = live
        self._frames: Frames = scope["extensions"][FRAMES_EXTENSION]
        self._receive, self._send = receive, send
        self._mailbox = self.subscriber.mailbox
        self._tasks: set[asyncio.Task[None]] = set()
        self._sender: asyncio.Task[None] | None = None
        self._ending = False
        self._bad_in_a_row = 0

    async def run(self) -> None:
        """Until either side ends it. Raises ApiError 503 before it is accepted."""
        self._live.enter(self)
        try:
            await self._receive()  # websocket.connect
            await self._send({"type": "websocket.accept", "subprotocol": self.entry.subprotocol})
            self._mailbox.write_now = self._frames.write_now
            self._sender = asyncio.create_task(self._write_all())
            while (message := await self._receive())["type"] != "websocket.disconnect":
                await self._mailbox.heard()
                if not self._ending:
                    await self._heard(message.get("text"))
        finally:
            self._live.leave(self)
            tasks = [*self._tasks, *([self._sender] if self._sender is not None else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end(self, why: End) -> None:
        """Begin to end it with a code."""
        if not self._ending:
            self._ending = True
            self._mailbox.close()
            self._keep(self._close(why))

    async def _write_all(self) -> None:
        with suppress(OSError):  # the client is gone: the other task hears of it
            while await self._mailbox.some():
                self._mailbox.writing = True
                taken = self._mailbox.take()
                await self._frames.write_frames(taken.data)
                self._mailbox.writing = False
                self._live.sent(taken)

    async def _close(self, why: End) -> None:
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=_CLOSE_WITHIN_S)  # the answers that wait
            self._sender.cancel()  # it may be held up by a client that never reads again
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._send({"type": "websocket.close", "code": why.close_code, "reason": why.message})
        except (OSError, RuntimeError, TimeoutError):
            self._frames.abort()

    async def _heard(self, text: str | None) -> None:
        given: Id = None
        try:
            message = read_message(text)
            given = message.id
            await self._obey(message)
        except HotStoreError:
            self._lost_store()
        except RunlakeError as error:
            self._tell(error_json(error, given))
            self._bad_in_a_row += 1
            if self._bad_in_a_row >= BAD_IN_A_ROW:
                self.end(BAD_MESSAGES)
        else:
            self._bad_in_a_row = 0

    async def _obey(self, message: Message) -> None:
        if isinstance(message, Ping):
            self._tell(message_json("pong", timestamp=instant_text(now()), id=message.id))
            return
        keys = list(dict.fromkeys(channel_key(name) for name in message.channels))
        if isinstance(message, Unsubscribe):
            self.subscriber.drop(keys)
            left = self.subscriber.channels
            self._tell(message_json("unsubscribed", channels=message.channels, subscribed=left, id=message.id))
            return
        await self._subscribe(message, keys)

    async def _subscribe(self, message: Subscribe, keys: list[Key]) -> None:
        words = message.filters
        filters = filters_of(words.events, words.status, words.mode)
        since = since_of(message.since)
        after_no, gap = await start_of(self._live.hub, since)
        self.subscriber.want(keys, filters, after_no)
        self._tell(message_json("subscribed", channels=message.channels, seq=after_no, id=message.id))
        self._keep(self._replay(keys, gap, message, told=since is not None))

    async def _replay(self, keys: list[Key], gap: Gap | None, message: Subscribe, *, told: bool) -> None:
        try:
            seq = await self.subscriber.replay(keys, gap)
        except HotStoreError:
            self._lost_store()
            return
        if told:
            self._tell(message_json("replayed", channels=message.channels, seq=seq, id=message.id))

    def _lost_store(self) -> None:
        self._tell(fault_json(NO_STORE.code, NO_STORE.message))
        self.end(NO_STORE)

    def _tell(self, json: bytes) -> None:
        self._mailbox.tell(FRAMES.notice(json))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
