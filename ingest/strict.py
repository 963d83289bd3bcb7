"""What DuckDB's JSON reader lets pass and we do not: NaN and Infinity, trailing commas, nesting without end.

Looking costs a few passes over the bytes; only records that look suspicious are read exactly.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

import numpy as np
import polars as pl

from ingest.piece import Bytes, Ints, Piece, view, without

MAX_DEPTH: Final = 1000
_WINDOW_BYTES: Final = 32 << 10
_NUMBER_WORDS: Final = r"(?i)nan|inf"
_NUMBER_PLACES: Final = r"(?i)[:\[,]\s*-?(?:nan|inf)"
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def refuse_loose(piece: Piece) -> Piece:
    """The piece with the records that are JSON only to a tolerant reader moved to its flaws."""
    if not len(piece):
        return piece
    offsets: Ints = np.frombuffer(piece.raw.buffers()[1], np.int32)[: len(piece) + 1].astype(np.int64)
    start, end = int(offsets[0]), int(offsets[-1])
    numbers = np.frombuffer(piece.raw.buffers()[2], np.uint8)[start:end]
    suspects = _shapes(numbers, offsets - start)
    suspects |= _number_words(piece)
    reasons: dict[int, str] = {}
    for row in np.flatnonzero(suspects):
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


def _number_words(piece: Piece) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Records in which NaN or Infinity seems to stand where a value stands."""
    texts = pl.Series(values=piece.raw)
    found = texts.str.contains(_NUMBER_WORDS).to_numpy()
    result = np.zeros(len(piece), bool)
    rows = np.flatnonzero(found)
    if len(rows):
        result[rows] = texts.gather(rows).str.contains(_NUMBER_PLACES).to_numpy()
    return result


def _shapes(numbers: Bytes, offsets: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Records with a comma before a closing bracket, or with so many brackets that they may be nested too deep.

    Works in windows that stay in the processor's cache.
    """
    count = len(offsets) - 1
    result = np.zeros(count, bool)
    opened: list[int] = []
    commas: list[Ints] = []
    for begin in range(0, len(numbers), _WINDOW_BYTES):
        window = numbers[max(begin - 1, 0) : begin + _WINDOW_BYTES]
        folded = window | 32
        opened.append(int(np.count_nonzero(folded == 123)))
        # The byte before a closing bracket: a comma, or white space that may hide one.
        before = window[:-1]
        ends = (folded[1:] == 125) & ((before == 44) | (before <= 32))
        if ends.any():
            commas.append(np.flatnonzero(ends) + 1 + max(begin - 1, 0))
    if commas:
        _trailing(numbers, np.concatenate(commas), offsets, result)
    per_window = np.array(opened, np.int64)
    before_window = np.concatenate([np.zeros(1, np.int64), np.cumsum(per_window)])
    first, last = offsets[:-1] // _WINDOW_BYTES, (offsets[1:] - 1) // _WINDOW_BYTES
    many = before_window[last + 1] - before_window[first] > MAX_DEPTH
    if many.any():
        opens = np.flatnonzero((numbers | 32) == 123)
        result |= many & (np.diff(np.searchsorted(opens, offsets)) > MAX_DEPTH)
    return result


def _trailing(numbers: Bytes, closers: Ints, offsets: Ints, result: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
    spaced = numbers[closers - 1] <= 32
    found = closers[~spaced]
    if spaced.any():
        solid = np.flatnonzero(numbers > 32)
        at = np.searchsorted(solid, closers[spaced]) - 1
        hidden = (at >= 0) & (numbers[solid[np.maximum(at, 0)]] == 44)
        found = np.concatenate([found, closers[spaced][hidden]])
    result[np.searchsorted(offsets, found, side="right") - 1] = True
