"""A browser's session: a signed cookie that names a token, and the signed words that its forms carry.

Nothing is stored: the signature and the end are in the cookie, and the token behind it is looked up for each request,
so that revoking the token ends its sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

FORM_LIFE: Final = timedelta(hours=1)
_VERSION: Final = "1"


@dataclass(frozen=True, slots=True)
class Session:
    """What a valid cookie says."""

    token_id: str
    expires_at: datetime
    nonce: str
    """Random; forms of this session are bound to it."""


class Sessions:
    """Signs and reads. The key is shared by all processes of one hot store."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, token_id: str, expires_at: datetime) -> str:
        """The cookie of a new session."""
        words = f"{_VERSION}.{token_id}.{int(expires_at.timestamp())}.{secrets.token_hex(16)}"
        return f"{words}.{self._sign('session', words)}"

    def read(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie. None: it is not ours, was altered, or is over."""
        words, _, signature = cookie.rpartition(".")
        if not self._signed("session", words, signature):
            return None
        version, token_id, end_s, nonce = words.split(".")
        expires_at = datetime.fromtimestamp(int(end_s), UTC)
        if version != _VERSION or now >= expires_at:
            return None
        return Session(token_id, expires_at, nonce)

    def form_word(self, nonce: str, now: datetime) -> str:
        """What a form carries, so that no page elsewhere can send it: good for an hour and for one browser's nonce."""
        end = str(int((now + FORM_LIFE).timestamp()))
        return f"{end}.{self._sign('form', f'{nonce}.{end}')}"

    def is_form_word(self, word: str, nonce: str, now: datetime) -> bool:
        """Whether a form came from a page that we gave to this browser in the last hour."""
        end, _, signature = word.partition(".")
        return self._signed("form", f"{nonce}.{end}", signature) and now.timestamp() < int(end)

    def _sign(self, purpose: str, words: str) -> str:
        return hmac.new(self._key, f"{purpose}:{words}".encode(), hashlib.sha256).hexdigest()

    def _signed(self, purpose: str, words: str, signature: str) -> bool:
        return hmac.compare_digest(self._sign(purpose, words).encode(), signature.encode())
