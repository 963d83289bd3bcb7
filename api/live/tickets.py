"""Tickets: a word that opens one WebSocket within half a minute, for those who cannot send headers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.concurrency import run_in_threadpool

from api.auth import Principal
from warehouse.clock import now
from warehouse.hot.idempotency import HELD_S, Claim, IdempotencyKeys

LIFE_S: Final = 30
_OWNER: Final = "stream-ticket"
_VERSION: Final = "1"
assert LIFE_S < HELD_S, "a ticket must be over before its use is forgotten"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a valid one says."""

    token_id: str | None
    """None: the server runs with --no-auth."""
    ends_at: datetime | None
    """End of the session it was made in. None: none."""
    nonce: str


class Tickets:
    """Signs, reads, and lets each be used once in all processes of one hot store."""

    def __init__(self, key: bytes, uses: IdempotencyKeys) -> None:
        self._key = key
        self._uses = uses

    def issue(self, principal: Principal, session_ends_at: datetime | None) -> tuple[str, datetime]:
        """(a new ticket, when it is over)."""
        expires_at = now() + timedelta(seconds=LIFE_S)
        end = "" if session_ends_at is None else str(int(session_ends_at.timestamp()))
        words = f"{_VERSION}.{principal.token_id or ''}.{int(expires_at.timestamp())}.{end}.{secrets.token_hex(16)}"
        return f"{words}.{self._sign(words)}", expires_at

    async def redeem(self, text: str) -> Ticket | None:
        """The ticket, which is used up by this. None: it is none of ours, over, or used. Raises HotStoreError."""
        ticket = self._read(text)
        if ticket is None:
            return None
        used = await run_in_threadpool(self._uses.begin, _OWNER, ticket.nonce, b"")
        return ticket if isinstance(used, Claim) else None

    def _read(self, text: str) -> Ticket | None:
        words, _, signature = text.rpartition(".")
        if not hmac.compare_digest(self._sign(words).encode(), signature.encode()):
            return None
        version, token_id, until_s, end_s, nonce = words.split(".")
        if version != _VERSION or now().timestamp() >= int(until_s):
            return None
        ends_at = datetime.fromtimestamp(int(end_s), UTC) if end_s else None
        return Ticket(token_id or None, ends_at, nonce)

    def _sign(self, words: str) -> str:
        return hmac.new(self._key, f"stream-ticket:{words}".encode(), hashlib.sha256).hexdigest()
