"""Stored JSON text inside answers: verbatim where it is JSON, so that no number and no key changes on its way out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec


def parsed(text: str) -> Any:
    """Stored JSON text as values; the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def spliced(text: str) -> msgspec.Raw | str:
    """The same for `encoded`: the text goes into the answer as it is; as a string where it is no JSON."""
    data = text.encode()
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        if not _is_json(text):
            return text
    return msgspec.Raw(data)


def items_of(text: str) -> Sequence[msgspec.Raw | str]:
    """The elements of a stored JSON array, each verbatim; anything else is one item."""
    try:
        return msgspec.json.decode(text.encode(), type=list[msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        return [spliced(text)]


def encoded(value: Any) -> bytes:
    """A value of dicts, lists, texts, numbers and spliced JSON as JSON, UTF-8."""
    return msgspec.json.encode(value)


def _is_json(text: str) -> bool:
    """Is it JSON all the same? msgspec refuses escaped lone surrogates, which the grammar of JSON allows."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True
