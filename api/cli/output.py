"""What the verbs print: tables by rich on a terminal, aligned text in a pipe, JSON when asked.

Text from records is data: control characters in it (which could steer the terminal) are shown as U+FFFD.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Literal

_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table for people."""

    title: str
    align: Literal["left", "right"] = "left"
    wide: bool = False
    """May be cut on a narrow terminal; the others never are."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people; every cell is text already."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    title: str = ""
    notes: Sequence[str] = field(default_factory=tuple)
    """Lines below it: what was cut, what to type next."""


def show(*tables: Table) -> None:
    """Print tables: drawn on a terminal, plain in a pipe."""
    if sys.stdout.isatty():
        _show_rich(tables)
    else:
        _show_plain(tables)


def show_json(value: Any) -> None:
    """Print a value as one JSON document."""
    print(json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False))


def say(line: str) -> None:
    """A remark for people, on stderr: never part of the answer."""
    print(line, file=sys.stderr)


def clean(text: object) -> str:
    """Text that is safe to print: one line, no control characters, ordinary spaces."""
    return "".join(char if char.isprintable() else _visible(char) for char in str(text).translate(_SPACES))


def _visible(char: str) -> str:
    return " " if char in "\n\r\t" else "\ufffd"


def plain(value: Any) -> Any:
    """JSON values for frozen answers: camelCase keys, instants in RFC 3339, tuples as lists, bytes as hex."""
    from api.models import instant_text

    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(one.name): plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _show_rich(tables: Iterable[Table]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console()
    for table in tables:
        drawn = RichTable(box=SIMPLE_HEAD, title=Text(clean(table.title), "bold"), title_justify="left", pad_edge=False)
        for column in table.columns:
            drawn.add_column(
                column.title,
                justify=column.align,
                no_wrap=True,
                overflow="ellipsis" if column.wide else "fold",
                min_width=10 if column.wide else None,
            )
        for row in table.rows:
            drawn.add_row(*(Text(clean(cell)) for cell in row))
        console.print(drawn)
        for note in table.notes:
            console.print(Text(clean(note), "dim"))


def _show_plain(tables: Iterable[Table]) -> None:
    for number, table in enumerate(tables):
        if number:
            print()
        if table.title:
            print(clean(table.title))
        cells = [[column.title for column in table.columns], *([clean(cell) for cell in row] for row in table.rows)]
        widths = [max(len(row[at]) for row in cells) for at in range(len(table.columns))]
        for row in cells:
            line = (
                cell.rjust(width) if column.align == "right" else cell.ljust(width)
                for cell, width, column in zip(row, widths, table.columns, strict=True)
            )
            print("  ".join(line).rstrip())
        for note in table.notes:
            print(clean(note))
