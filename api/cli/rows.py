"""The rows of `runlake sql` as a table, JSON or CSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from api.cli.output import Column, Table, plain, show

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS: Final = 100
"""Rows of a table for people, unless --limit says otherwise."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def show_rows(table: pa.Table, *, cut: bool) -> None:
    """A table for people; says when there are more rows than it shows."""
    columns = [
        Column(field.name, "right" if _is_number(field.type) else "left", wide=not _is_number(field.type))
        for field in table.schema
    ]
    notes = [f"the first {table.num_rows} rows; --limit 0 shows all"] if cut else []
    show(Table(columns, [[_cell(value) for value in row] for row in _rows(table)], notes=notes))


def write_json(table: pa.Table) -> None:
    """An array of objects, one a line."""
    names = table.schema.names
    print("[", end="")
    for number, row in enumerate(_rows(table)):
        values = {name: plain(value) for name, value in zip(names, row, strict=True)}
        print(",\n" if number else "\n", json.dumps(values, ensure_ascii=False), sep="", end="")
    print("\n]")


def write_csv(table: pa.Table) -> None:
    """RFC 4180; text that a spreadsheet would run as a formula gets an apostrophe before it; NULL is an empty cell."""
    writer = csv.writer(sys.stdout)
    writer.writerow(table.schema.names)
    for row in _rows(table):
        writer.writerow([_safe(value) for value in row])


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(4096):
        columns = [column.to_pylist() for column in batch.columns]
        yield from zip(*columns, strict=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    found = plain(value)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _safe(value: Any) -> str:
    text = _cell(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
