"""When tokens were last used: noted in memory by requests, written now and then by a task of the server."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import datetime
from typing import Final

from starlette.concurrency import run_in_threadpool

from warehouse.clock import now
from warehouse.errors import HotStoreError
from warehouse.hot.database import Database
from warehouse.hot.tokens import USE_NOTED_EVERY, note_uses

_LOOKS_EVERY_S: Final = 2.0
_LOG: Final = logging.getLogger("runlake.auth")


class Uses:
    """The uses one process has seen and not written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used_at: dict[str, datetime] = {}
        self._written_s: dict[str, float] = {}

    def note(self, token_id: str) -> None:
        """Remember a use; costs nothing that a request would feel."""
        self._used_at[token_id] = now()

    async def keep_writing(self) -> None:
        """Write uses, of each token at most one a minute, until cancelled."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            await self.write()

    async def write(self, *, last: bool = False) -> None:
        """Write what is due; `last`: everything. A store that refuses costs the note, never a request."""
        due_s = time.monotonic() - USE_NOTED_EVERY.total_seconds()
        due = [one for one in self._used_at if last or self._written_s.get(one, -1e9) <= due_s]
        used_at = {token_id: self._used_at.pop(token_id) for token_id in due}
        if not used_at:
            return
        self._written_s |= dict.fromkeys(used_at, time.monotonic())
        try:
            await run_in_threadpool(note_uses, self._database, used_at)
        except HotStoreError as error:
            _LOG.warning("the last use of %d tokens could not be noted: %s", len(used_at), error)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Stop a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
