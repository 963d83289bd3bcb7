"""The stream as Server-Sent Events: one answer that does not end by itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.edge.protocol import CONNECTION
from api.live.admission import Pass
from api.live.mailbox import Gap
from api.live.messages import fault_json
from api.live.service import NO_STORE, RESTART, End, Live
from api.live.subscriber import Subscriber
from api.live.wire import EVENT_SOURCE
from api.live.wishes import Filters, Key, sight_of
from warehouse.errors import HotStoreError

RETRY_MS: Final = (1_000, 5_000)
"""When a client that lost the connection comes back: at random between, so that not all do at once."""
STALLED_S: Final = 60.0
"""A client that takes nothing for so long is given up."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would wait for a buffer full
}


class Connection(Protocol):
    """What our server lets an app do with an HTTP connection beyond ASGI."""

    def ends_with_server(self, end: Callable[[], None]) -> None:
        """Have `end` called when the server begins to stop, which else waits for the end of every answer."""
        ...

    def abort(self) -> None:
        """End it now, whatever waits to be sent."""
        ...


class EventStream(Response):
    """What subscribes when it is sent, and ends when the client goes, the token ends, or the server stops."""

    kind: str = "sse"
    media_type = "text/event-stream"

    def __init__(
        self,
        live: Live,
        entry: Pass,
        keys: list[Key],
        filters: Filters,
        after_no: int,
        gap: Gap | None,
        *,
        follow: bool,
    ) -> None:
        """`follow`: go on after the replay. `after_no` and `gap`: see Subscriber.start_of."""
        super().__init__(headers=_HEADERS, media_type=self.media_type)
        del self.headers["content-length"]
        self.entry = entry
        self.subscriber = Subscriber(live.hub, EVENT_SOURCE, sight_of(entry.principal))
        self._live, self._keys, self._gap, self._follow = live, keys, gap, follow
        self._mailbox = self.subscriber.mailbox
        self._connection: Connection | None = None
        self._ending = False
        self.subscriber.want(keys, filters, after_no)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all. Raises ApiError 503 before anything is sent when too many listen."""
        self._live.enter(self)
        self._connection = scope["state"].get(CONNECTION)
        if self._connection is not None:
            self._connection.ends_with_server(lambda: self.end(RESTART))
        tasks: list[asyncio.Task[None]] = []
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope.get("runlake.method") != "HEAD":
                tasks += [asyncio.create_task(self._replay()), asyncio.create_task(self._until_gone(receive))]
                self._mailbox.tell(b"retry: %d\n\n" % random.randint(*RETRY_MS))
                await self._write_all(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._live.leave(self)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write_all(self, send: Send) -> None:
        while await self._mailbox.some():
            taken = self._mailbox.take()
            try:
                async with asyncio.timeout(STALLED_S):
                    await send({"type": "http.response.body", "body": taken.data, "more_body": True})
            except TimeoutError:
                if self._connection is not None:
                    self._connection.abort()
                return
            self._live.sent(taken)

    def end(self, why: End) -> None:
        """Say why, and end."""
        if self._ending:
            return
        self._ending = True
        if why is not RESTART:
            self._mailbox.tell(EVENT_SOURCE.notice(fault_json(why.code, why.message)))
        self._mailbox.close()

    async def _replay(self) -> None:
        try:
            await self.subscriber.replay(self._keys, self._gap)
        except HotStoreError:
            self.end(NO_STORE)
        if not self._follow:
            self.subscriber.drop(self._keys)
            self._mailbox.finish()

    async def _until_gone(self, receive: Receive) -> None:
        with suppress(OSError):
            while (await receive())["type"] != "http.disconnect":
                pass
        self.subscriber.leave()
