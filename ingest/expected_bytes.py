"""How long a record would be if it were compact JSON of just the fields that were taken from it.

A record that is exactly so long holds nothing else: no key twice, no field of a wrong type, no unknown one. Adding up
lengths costs a fraction of listing the keys of every record; those of another length are looked at one by one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import Elements, flat, valid
from ingest.piece import Ints

_AROUND_KEY: Final = 4  # two quotes, the colon, and the comma or the bracket behind the value
_LINE_END_BYTES: Final = 2


def may_hold_more(
    raw: pa.ChunkedArray, fields: dict[str, pa.ChunkedArray], lists: dict[str, Elements], json_fields: frozenset[str]
) -> Ints:
    """Rows of `raw` that may hold more than `fields` (dotted names for what is inside objects) and `lists`.

    `json_fields` are kept as JSON text, the others as the text of a JSON string. A text with escapes, white space
    or an odd way to write a number is longer than its plain form, so its row is among the answer too.
    """
    rows = len(raw)
    expected = np.ones(rows, np.int64)
    for name, column in fields.items():
        if name in lists:
            inner = _elements_bytes(lists[name], rows, json_fields)
            expected += np.where(valid(column), inner + len(name) + _AROUND_KEY, 0)
        elif pa.types.is_struct(column.type):
            expected += np.where(valid(column), 1 + len(name) + _AROUND_KEY, 0)
        else:
            expected += _field_bytes(name, column, json_fields)
    found = flat(pc.binary_length(raw)).to_numpy(zero_copy_only=False)
    return np.flatnonzero((found < expected) | (found > expected + _LINE_END_BYTES))


def _field_bytes(name: str, column: pa.ChunkedArray, json_fields: frozenset[str]) -> Ints:
    """Bytes of `"key":value,` by row; 0 where it is missing."""
    if column.null_count == len(column):
        return np.zeros(len(column), np.int64)
    key = name.rpartition(".")[2]
    more = len(key) + _AROUND_KEY + (0 if key in json_fields else 2)
    lengths: Ints = flat(pc.fill_null(pc.binary_length(column), -more)).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64) + more


def _elements_bytes(elements: Elements, rows: int, json_fields: frozenset[str]) -> Ints:
    """Bytes of `[{…},{…}]` by row; two for a list without elements."""
    size = np.full(elements.table.num_rows, 2, np.int64)  # the opening brace, and the comma or bracket behind it
    for name in elements.table.column_names:
        size += _field_bytes(name, elements.table.column(name), json_fields)
    for name, there in elements.structs.items():
        size += np.where(there, 1 + len(name) + _AROUND_KEY, 0)
    total = np.bincount(elements.position, weights=size, minlength=rows).astype(np.int64)
    result: Ints = np.where(total == 0, 2, total + 1)
    return result
