"""Where to go on after damage in a document: the next text that reads as a record or a page."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

FILLER: Final = b", \t\r\n"
"""What may stand between two records."""

_CANDIDATE: Final = re.compile(r'\{\s*"')
_CANDIDATES_MAX: Final = 20_000
_FIRST_BYTES: Final = 1 << 20
_DECODER: Final = json.JSONDecoder()
_WORDS: Final = ("status", "mode", "startedAt", "workflowId", "finished")


@dataclass(frozen=True, slots=True)
class Start:
    """Where a record seems to begin."""

    position: int
    sure: bool
    """False: the text ends before the record does, so more of it must be seen."""
    is_page: bool = False


def find_start(data: bytes, at: int, final: bool) -> Start | None:
    """The first place from `at` on where a whole record or page begins; None: there is none.

    Tries places where an object begins, in order, by decoding them: exact, and only ever needed behind damage.
    Costs a decoding of what it skips; gives up after 20,000 places, with the last of them as not sure.
    """
    for size in (_FIRST_BYTES, len(data)):
        window = data[at : at + size]
        whole = at + size >= len(data)
        start = _search(window, at, whole and final)
        if whole or (start is not None and start.sure):
            return start
    return None


def _search(window: bytes, at: int, final: bool) -> Start | None:
    text = window.decode("latin-1")  # one character a byte, so that places agree
    for tried, candidate in enumerate(_CANDIDATE.finditer(text)):
        place = candidate.start()
        try:
            value, _ = _DECODER.raw_decode(text, place)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(text) - 1 or error.msg.startswith("Unterminated string")
            if cut and not final and "\n" not in text[error.pos :]:
                return Start(at + place, sure=False)
            continue
        except RecursionError:
            continue
        if _is_record(value):
            return Start(at + place, sure=True)
        if isinstance(value.get("data"), list):
            return Start(at + place, sure=True, is_page=True)
        if tried >= _CANDIDATES_MAX:
            return Start(at + place, sure=False)
    return None


def _is_record(value: dict[str, Any]) -> bool:
    return "id" in value and any(word in value for word in _WORDS)
