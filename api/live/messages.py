"""What a client of the WebSocket may say: decoded, checked, or refused with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from api.failures import ApiError
from api.live.wire import message_json
from api.live.wishes import CHANNELS_MAX
from api.models import instant_text
from warehouse.clock import now
from warehouse.errors import BadInputError, RunlakeError

_ID_CHARS: Final = 200
SEQ_MAX: Final = 2**63 - 1

Id = str | int | None
"""What a client may add to a message, to know the answer by."""


class FilterWords(msgspec.Struct, forbid_unknown_fields=True):
    """Filters as they are given; empty: all."""

    events: list[str] = []
    status: list[str] = []
    mode: list[str] = []


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe", forbid_unknown_fields=True):
    """Want channels; those that it has already begin anew with these filters."""

    channels: list[str]
    filters: FilterWords = msgspec.field(default_factory=FilterWords)
    since: int | str | None = None
    id: Id = None


class Unsubscribe(msgspec.Struct, tag_field="type", tag="unsubscribe", forbid_unknown_fields=True):
    """Want channels no longer."""

    channels: list[str]
    id: Id = None


class Ping(msgspec.Struct, tag_field="type", tag="ping", forbid_unknown_fields=True):
    """Is somebody there?"""

    id: Id = None


Message = Subscribe | Unsubscribe | Ping
_DECODER: Final = msgspec.json.Decoder(Message)


def read_message(text: str | None) -> Message:
    """The message of a text frame; None: it was a binary one. Raises ApiError, BadInputError."""
    if text is None:
        raise _invalid("the message is binary; send JSON as text")
    try:
        message: Message = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _invalid(f"the message is not one of subscribe, unsubscribe, ping as JSON: {error}"[:500]) from None
    if isinstance(message.id, str) and len(message.id) > _ID_CHARS:
        raise _invalid(f"id has {len(message.id):,} characters; allowed: {_ID_CHARS}")
    if not isinstance(message, Ping) and not 0 < len(message.channels) <= CHANNELS_MAX:
        raise BadInputError(
            f"channels has {len(message.channels):,} names; allowed: 1 to {CHANNELS_MAX}", field="channels"
        )
    return message


def since_of(given: int | str | None) -> int | datetime | None:
    """Where to begin: a number (what comes after it) or an instant. Raises BadInputError."""
    text = "" if given is None else str(given)
    if given is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= SEQ_MAX:
        return int(text)
    try:
        at = datetime.fromisoformat(text) if isinstance(given, str) and len(text) <= 40 else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not at >= _EPOCH:
        raise BadInputError(
            f"since is {text[:100]!r}; allowed: the seq of the last event that you have (0: all that are kept), or an "
            "instant with its zone such as 2026-11-23T10:00:00Z",
            field="since",
            value=text[:100],
        )
    return at


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def error_json(error: RunlakeError, id: Id = None) -> bytes:
    """What a refusal looks like inside the stream: the API's error body with a type."""
    if isinstance(error, ApiError):
        code, details = error.code, dict(error.details)
    else:
        code, details = "INVALID_PARAMETER", {}
        if isinstance(error, BadInputError) and error.field:
            details["parameter"] = error.field
    return fault_json(code, str(error), id, **details)


def fault_json(code: str, message: str, id: Id = None, **details: Any) -> bytes:
    """The same of its parts."""
    body = {"code": code, "message": message, "timestamp": instant_text(now()), **details}
    return message_json("error", error=body, id=id)


def _invalid(message: str) -> ApiError:
    return ApiError(400, "INVALID_MESSAGE", message)
