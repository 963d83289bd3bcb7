"""Cursors of pages: opaque to the caller, signed, and good only for the question they came from.

A cursor is base64url(16 bytes of HMAC-SHA256 | msgpack [version, digest of the question, page key …]). The digest is of
everything that decides which records there are and in what order: filters, sort, the workflows that the caller may see.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from api.failures import ApiError

_VERSION: Final = 1
_SIGNATURE_BYTES: Final = 16
_DIGEST_BYTES: Final = 9
_MAX_LENGTH: Final = 4096


class InvalidCursorError(ApiError):
    """The cursor was altered, is not ours, or belongs to another question."""

    def __init__(self, why: str) -> None:
        super().__init__(
            400, "INVALID_CURSOR", f"{why}; leave cursor out to begin with the first page", parameter="cursor"
        )


class Cursors:
    """Makes and opens cursors with one secret key. `key` is asked once, at first use."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._ask = key
        self._key: bytes | None = None

    def pack(self, question: Any, page_key: Sequence[Any]) -> str:
        """The cursor that goes on after `page_key` (plain values) of a question (any value msgspec encodes)."""
        body = msgspec.msgpack.encode([_VERSION, _digest(question), *page_key])
        return base64.urlsafe_b64encode(self._sign(body) + body).rstrip(b"=").decode()

    def unpack(self, question: Any, cursor: str) -> list[Any]:
        """The page key inside. Raises InvalidCursorError."""
        raw = _decoded(cursor)
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body)):
            raise InvalidCursorError("the cursor was altered or is not one of this server's")
        version, digest, *page_key = msgspec.msgpack.decode(body)
        if version != _VERSION:
            raise InvalidCursorError("the cursor is one of another release")
        if digest != _digest(question):
            raise InvalidCursorError(
                "the cursor belongs to a question with other filters, another sort or another path"
            )
        return list(page_key)

    def _sign(self, body: bytes) -> bytes:
        if self._key is None:
            self._key = self._ask()
        return hmac.digest(self._key, b"cursor\0" + body, "sha256")[:_SIGNATURE_BYTES]


class Secrets(Protocol):
    """Where the server's keys are kept."""

    def get(self, name: str) -> bytes:
        """The 32 random bytes of that name; made by whoever asks first."""
        ...


def cursors_of(app: Any) -> Cursors:
    """Those of an app: its key is kept where the hot store is, so that all processes of one lake share it."""
    found: Cursors | None = getattr(app.state, "cursors", None)
    if found is None:
        kept: Secrets = app.state.secrets
        found = app.state.cursors = Cursors(lambda: kept.get("cursor"))
    return found


def _digest(question: Any) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(question, order="sorted"), digest_size=_DIGEST_BYTES).digest()


def _decoded(cursor: str) -> bytes:
    try:
        if not 0 < len(cursor) <= _MAX_LENGTH:
            raise ValueError(cursor)
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        # One cursor has one spelling: the bits that the last character has too many must be zero.
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor or len(raw) <= _SIGNATURE_BYTES:
            raise ValueError(cursor)
    except (ValueError, binascii.Error):
        raise InvalidCursorError("the cursor is not one of this server's") from None
    return raw
