"""Who may come in: tokens and sessions against the hot store, for one server process."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from anyio import CapacityLimiter, to_thread
from starlette.requests import HTTPConnection

from api.auth.errors import foreign_origin, too_many_attempts, unauthenticated
from api.auth.origin import may_use_cookie
from api.auth.principal import EVERYBODY, Principal
from api.auth.sessions import Session, Sessions
from api.auth.throttle import Throttle
from api.auth.uses import Uses
from api.metrics import Metrics
from warehouse.clock import now
from warehouse.hot.database import Database
from warehouse.hot.server_secrets import server_secret
from warehouse.hot.tokens import Token, find_token, split_token

SESSION_COOKIE: Final = "runlake_session"
BELIEVED_S: Final = 1.0
"""How long a token is taken as it was last seen; a revoked one is refused after this time."""
_KEPT: Final = 4096
"""Most tokens (and ids that are none) kept in memory."""
_LOOKS_AT_ONCE: Final = 4

_NO_TOKEN: Final = (
    "This needs a token: send it as `Authorization: Bearer rl_…` (`runlake token create` makes one), "
    "or sign in at /login"
)
_BAD_TOKEN: Final = "The token is not valid: it is mistyped, revoked or expired"
_BAD_SESSION: Final = "The session is over, or its token was revoked; sign in again at /login"


class Gate(Protocol):
    """What the routes know of it."""

    async def admit(self, connection: HTTPConnection) -> Principal:
        """Who asks. Raises ApiError: 401, 403, 429."""
        ...

    async def principal_of(self, token_id: str) -> Principal | None:
        """The holder of a token as it is now. None: it is revoked or expired."""
        ...


class OpenGate:
    """That of --no-auth: everybody may everything."""

    async def admit(self, _connection: HTTPConnection) -> Principal:
        """Everybody."""
        return EVERYBODY

    async def principal_of(self, _token_id: str) -> Principal | None:
        """Everybody."""
        return EVERYBODY


class TokenGate:
    """Tokens in the Authorization header, else the session of a browser."""

    def __init__(self, database: Database, metrics: Metrics, *, session_hours: float) -> None:
        self.database = database
        self.sessions = Sessions(server_secret(database, "sessions"))
        self.session_life = timedelta(hours=session_hours)
        self.uses = Uses(database)
        self._metrics = metrics
        self.throttle = Throttle()
        self._seen: OrderedDict[str, tuple[Token | None, float]] = OrderedDict()
        self._looking: dict[str, asyncio.Task[Token | None]] = {}
        self._limiter: CapacityLimiter | None = None

    async def admit(self, connection: HTTPConnection) -> Principal:
        """Who asks. Raises ApiError: 401, 403, 429; HotStoreError when the tokens cannot be looked up."""
        said = connection.headers.get("authorization")
        if said is not None:
            scheme, _, text = said.partition(" ")
            if scheme.lower() != "bearer":
                self._count("malformed")
                raise unauthenticated(_NO_TOKEN)
            return _principal(await self.token(text.strip(), connection))
        cookie = connection.cookies.get(SESSION_COOKIE)
        if cookie is None:
            self._count("no_token")
            raise unauthenticated(_NO_TOKEN)
        session = self.sessions.read(cookie, now())
        token = None if session is None else await self._find(session.token_id)
        if token is None or not token.lives(now()):
            self._count("session_over")
            raise unauthenticated(_BAD_SESSION, error="invalid_token")
        if not may_use_cookie(connection):
            self._count("foreign_origin")
            raise foreign_origin()
        self.uses.note(token.token_id)
        return _principal(token, from_browser=True)

    async def admit_token(self, text: str, connection: HTTPConnection) -> Principal:
        """Who asks with a token that does not come in the header. Raises as `token`."""
        return _principal(await self.token(text, connection))

    async def principal_of(self, token_id: str) -> Principal | None:
        """The holder of a token as it was a second ago at most. None: revoked or expired. Raises HotStoreError."""
        token = await self._find(token_id)
        return None if token is None or not token.lives(now()) else _principal(token)

    async def token(self, text: str, connection: HTTPConnection) -> Token:
        """The live token of a text. Raises ApiError 401, and 429 where the address has failed too often.

        A token that was good a moment ago is never throttled, whatever else fails from its address.
        """
        address = connection.client.host if connection.client else None
        parts = split_token(text)
        wait_s = self.throttle.wait_s(address)
        known = parts is not None and self._seen.get(parts[0], (None, 0.0))[0] is not None
        if wait_s and not known:
            self._count("throttled")
            raise too_many_attempts(wait_s)
        token = None if parts is None else await self._find(parts[0])
        if parts is not None and token is not None and token.opens(parts[1]) and token.lives(now()):
            self.uses.note(token.token_id)
            return token
        self.throttle.failed(address)
        self._count("throttled" if wait_s else "bad_token")
        if wait_s:
            raise too_many_attempts(wait_s)
        raise unauthenticated(_BAD_TOKEN, error="invalid_token")

    def session_end(self, token: Token) -> datetime:
        """When a session that begins now ends: never after its token."""
        end = now() + self.session_life
        return end if token.expires_at is None else min(end, token.expires_at)

    def session_of(self, connection: HTTPConnection) -> Session | None:
        """The session of the browser, whether its token still lives or not."""
        cookie = connection.cookies.get(SESSION_COOKIE)
        return None if cookie is None else self.sessions.read(cookie, now())

    async def _find(self, token_id: str) -> Token | None:
        found = self._seen.get(token_id)
        if found is not None and time.monotonic() - found[1] < BELIEVED_S:
            return found[0]
        # Requests that come while one looks wait for its answer instead of looking too.
        task = self._looking.get(token_id)
        if task is None:
            task = self._looking[token_id] = asyncio.create_task(self._look(token_id))
            task.add_done_callback(lambda _: self._looking.pop(token_id, None))
        return await asyncio.shield(task)

    async def _look(self, token_id: str) -> Token | None:
        if self._limiter is None:
            self._limiter = CapacityLimiter(_LOOKS_AT_ONCE)  # its own: long queries must not keep anybody out
        looked_s = time.monotonic()
        token = await to_thread.run_sync(partial(find_token, self.database, token_id), limiter=self._limiter)
        self._seen[token_id] = (token, looked_s)
        self._seen.move_to_end(token_id)
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return token

    def _count(self, reason: str) -> None:
        self._metrics.refused.labels(reason).inc()


def _principal(token: Token, *, from_browser: bool = False) -> Principal:
    return Principal(token.token_id, token.name, token.scopes, token.workflow_ids, from_browser)
