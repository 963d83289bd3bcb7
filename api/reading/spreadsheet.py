"""CSV that a spreadsheet may open: no cell of it is run as a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUOTED: Final = frozenset(',"\r\n')

Cell = str | int | float | None


def csv_line(cells: Iterable[Cell]) -> bytes:
    """One line of RFC 4180 with its CR LF, UTF-8.

    None is an empty cell, empty text is "". Text that begins with = + - @ tab CR LF gets an apostrophe before it;
    numbers are left as they are.
    """
    return (",".join(map(_cell, cells)) + "\r\n").encode("utf-8", "replace")


def attachment(name: str, suffix: str) -> str:
    """Content-Disposition of a file to keep; characters that a header or a file system could take amiss become _."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100].strip(".") or "executions"
    return f'attachment; filename="{safe}.{suffix}"'


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = f"'{value}" if value.startswith(_FORMULA) else value
    if not text or not _QUOTED.isdisjoint(text):
        return '"' + text.replace('"', '""') + '"'
    return text
