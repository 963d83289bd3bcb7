"""How many requests may be under way at a time: fewer when the server is overloaded, slowly more again after that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_GAIN: Final = 0.1
"""What each answered request adds, so that an overloaded server is not overrun again at once."""


class Window:
    """For one event loop; not for threads."""

    def __init__(self, widest: int) -> None:
        self._widest = widest
        self._width = float(widest)
        self._under_way = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for one request, as soon as there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._under_way < int(self._width))
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            async with self._changed:
                self._changed.notify_all()

    def widen(self) -> None:
        """A request was answered."""
        self._width = min(self._width + _GAIN, float(self._widest))

    def narrow(self) -> None:
        """A request was turned away."""
        self._width = max(self._width / 2, 1.0)
