"""What DuckDB's JSON reader lets pass and we do not: NaN and Infinity, trailing commas, nesting without end.

Looking costs a few passes over the bytes; only records that look suspicious are read exactly.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

import numpy as np
import polars as pl
import pyarrow as pa

from ingest.piece import Ints, Piece, view, without

MAX_DEPTH: Final = 1000
_WINDOW_BYTES: Final = 32 << 10
_NUMBER_WORDS: Final = r"(?i)nan|inf"
_NUMBER_PLACES: Final = r"(?i)[:\[,]\s*-?(?:nan|inf)"
_ENDS: Final = "|".join(re.escape(before + end) for before in ", \n\r\t" for end in "]}")
_TRAILING_COMMA: Final = r",\s*[\]}]"
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def refuse_loose(piece: Piece) -> Piece:
    """The piece with the records that are JSON only to a tolerant reader moved to its flaws."""
    if not len(piece):
        return piece
    texts = pl.Series(values=piece.raw)
    suspects = [
        _may_be_deep(piece.raw),
        _matches(texts, _NUMBER_WORDS, _NUMBER_PLACES),
        _matches(texts, _ENDS, _TRAILING_COMMA),
    ]
    reasons: dict[int, str] = {}
    for row in np.unique(np.concatenate(suspects)):
        reason = examine(piece.raw[int(row)].as_py().encode())
        if reason is not None:
            reasons[int(row)] = reason
    return without(piece, reasons)


def examine(raw: bytes) -> str | None:
    """Why this text is not JSON we take; None: it is, or a format will say it better."""
    depth = nesting(raw)
    if depth > MAX_DEPTH:
        return f"nested {depth} levels deep, at most {MAX_DEPTH} are allowed"
    try:
        json.loads(raw, parse_constant=_refuse_constant)
    except _ConstantError as error:
        return f"not JSON: {error} is no number"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return None


def nesting(raw: bytes) -> int:
    """How deep the brackets outside strings go."""
    numbers = view(_STRINGS.sub(b"", raw)) | 32
    return int(np.cumsum((numbers == 123).astype(np.int32) - (numbers == 125)).max(initial=0))


class _ConstantError(ValueError):
    pass


def _refuse_constant(word: str) -> NoReturn:
    raise _ConstantError(word)


def _matches(texts: pl.Series, rough: str, exact: str) -> Ints:
    """Rows that match both; the rough pattern is made of literals, so that it costs next to nothing."""
    rows = np.flatnonzero(texts.str.contains(rough).to_numpy())
    return rows[texts.gather(rows).str.contains(exact).to_numpy()] if len(rows) else rows


def _may_be_deep(raw: pa.StringArray) -> Ints:
    """Rows with so many opening brackets that they may be nested too deep.

    Counts in windows that stay in the processor's cache, and exactly only where a record's windows hold enough.
    """
    offsets: Ints = np.frombuffer(raw.buffers()[1], np.int32)[raw.offset :][: len(raw) + 1].astype(np.int64)
    numbers = np.frombuffer(raw.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    windows = (numbers[begin : begin + _WINDOW_BYTES] for begin in range(0, len(numbers), _WINDOW_BYTES))
    opened = np.cumsum([0, *(np.count_nonzero((window | 32) == 123) for window in windows)])
    first, last = offsets[:-1] // _WINDOW_BYTES, (offsets[1:] - 1) // _WINDOW_BYTES
    rows: Ints = np.flatnonzero(opened[last + 1] - opened[first] > MAX_DEPTH)
    spans = zip(offsets[rows], offsets[rows + 1], strict=True)
    opens = [np.count_nonzero((numbers[start:end] | 32) == 123) for start, end in spans]
    return rows[np.array(opens, np.int64) > MAX_DEPTH]
