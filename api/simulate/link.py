"""Requests to the server: when it is busy or away everybody waits, when it refuses for good that ends the run."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, Final

import httpx
import msgspec

from api.simulate.board import Board
from api.simulate.options import Server
from api.simulate.window import Window
from warehouse.errors import BadInputError

REQUEST_S: Final = 30.0
"""Longest that an answer may take, beyond the time a long poll waits."""
SIDE_BY_SIDE: Final = 24
"""Most requests under way at a time, without long polls."""
_CONNECT_S: Final = 5.0
_KEPT_S: Final = 2.0
"""Less than servers keep an idle connection, so that none is used that is being closed."""
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_LONGEST_ASKED_S: Final = 300.0
"""Longest that a server's Retry-After is obeyed."""
_SAY_EVERY_S: Final = 10.0
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 507})


class ServerAwayError(ConnectionError):
    """There was no server to begin with."""


class AgainError(Exception):
    """It did not get through and is to be sent again."""

    def __init__(self, answer: httpx.Response | None = None) -> None:
        super().__init__("send it again")
        self.answer = answer
        """What the server said; None: it could not be reached."""


class Link:
    """One client of the server. For one event loop; not for threads."""

    def __init__(self, server: Server, board: Board) -> None:
        self._server = server
        self._board = board
        headers = {} if server.token is None else {"Authorization": f"Bearer {server.token}"}
        limits = httpx.Limits(max_keepalive_connections=SIDE_BY_SIDE + 1, keepalive_expiry=_KEPT_S)
        self._client = httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, limits=limits)
        self._window = Window(SIDE_BY_SIDE)
        self._resume_at_s = 0.0
        self._failures = 0
        self._trouble_said_s: float | None = None
        """When it was last said that something fails; None: it was said that it does not any more."""
        self._was_reached = False
        self._chance = Random()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, method: str, path: str, *, wait_s: float = 0.0, **request: Any) -> httpx.Response:
        """The answer, unless it is one of those that mean: later. `wait_s`: how long the server may hold it back.

        Raises AgainError after noting how long everybody is to wait (the next `ask` does), BadInputError when the
        token is not good, ServerAwayError when the server could not be reached the first time.
        """
        if wait_s:  # it does nothing but wait, and is not to keep others from a place
            return await self._ask(method, path, wait_s, request)
        async with self._window.place():
            return await self._ask(method, path, 0.0, request)

    async def _ask(self, method: str, path: str, wait_s: float, request: dict[str, Any]) -> httpx.Response:
        await self._pause()
        self._board.requests += 1
        try:
            timeout = httpx.Timeout(REQUEST_S + wait_s, connect=_CONNECT_S)
            answer = await self._client.request(method, path, timeout=timeout, **request)
        except httpx.TransportError as error:
            if not self._was_reached:
                raise ServerAwayError(
                    f"no server answers at {self._server.url} ({type(error).__name__}); start one with `runlake serve`"
                ) from error
            self._fail(f"the server cannot be reached ({type(error).__name__})", None)
            raise AgainError from error
        self._was_reached = True
        if answer.status_code == 401:
            raise BadInputError(f"the server wants a good token: {said(answer)}; set RUNLAKE_TOKEN", field="--token")
        if answer.status_code in _TRANSIENT:
            self._fail(f"the server answers {answer.status_code}: {said(answer)}", _retry_after_s(answer))
            raise AgainError(answer)
        self._succeed()
        return answer

    async def _pause(self) -> None:
        while (left_s := self._resume_at_s - self._now_s()) > 0:
            await asyncio.sleep(left_s)

    def _succeed(self) -> None:
        self._window.widen()
        self._failures = 0
        if self._trouble_said_s is not None and self._now_s() >= self._trouble_said_s + _SAY_EVERY_S / 10:
            self._trouble_said_s = None
            self._board.happened("trouble", "the server answers again")

    def _fail(self, why: str, asked_s: float | None) -> None:
        """Everybody waits: as long as the server asks for, else longer each time; never all for the same time."""
        self._board.repeated += 1
        self._window.narrow()
        now_s = self._now_s()
        if now_s < self._resume_at_s:
            return  # sent before the last failure was known
        if self._trouble_said_s is None or now_s >= self._trouble_said_s + _SAY_EVERY_S:
            self._trouble_said_s = now_s
            self._board.happened("trouble", f"{why}; what is not acknowledged is kept and sent again")
        own_s = min(_FIRST_PAUSE_S * 2 ** min(self._failures, 10), _LONGEST_PAUSE_S)
        self._failures += 1
        pause_s = asked_s or own_s
        self._resume_at_s = now_s + pause_s * (1.0 + 0.2 * self._chance.random())

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def said(answer: httpx.Response) -> str:
    """What the server said about an error, in one line."""
    try:
        found = msgspec.json.decode(answer.content)
        text = found["error"]["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        text = answer.reason_phrase
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())[:300]


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Seconds of Retry-After; a date there, which the server never sends, counts as none."""
    try:
        seconds = float(answer.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return min(max(seconds, 0.0), _LONGEST_ASKED_S) if seconds == seconds else None
