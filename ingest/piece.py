"""What the splitters hand on: records with their positions, and the parts of a file that are no records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

NO_INDEX: Final = -1
"""The index of a record that is not an element of an array."""

MAX_RECORD_BYTES: Final = 128 << 20
HEAD_BYTES: Final = 64 << 10
"""Of a record that is too large this much of its beginning is kept."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A part of a file that was refused before any format looked at it."""

    raw: bytes
    """The bytes as they came (the beginning of them where the reason says so)."""
    line_no: int
    """Line of its first byte, from 1."""
    index: int
    """Its place in its array, from 0; NO_INDEX."""
    reason: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Records of one file, in order."""

    raw: pa.StringArray
    """One JSON text a row (white space after it is possible), valid UTF-8."""
    line_no: Ints
    """Line of each record's first byte, from 1."""
    index: Ints | None
    """Place of each record in its array, from 0. None: none is in an array."""
    flaws: list[Flaw] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.raw)


def empty_piece(flaws: list[Flaw]) -> Piece:
    """A piece without records."""
    return Piece(pa.array([], pa.string()), np.zeros(0, np.int64), None, flaws)


def ranges(begins: Ints, ends: Ints) -> Ints:
    """All numbers of the ranges [begin, end), one range after the other."""
    lengths = ends - begins
    stops = np.cumsum(lengths)
    if not len(stops) or not stops[-1]:
        return np.zeros(0, np.int64)
    found: Ints = np.arange(stops[-1]) + np.repeat(begins - (stops - lengths), lengths)
    return found


def view(data: bytes | bytearray) -> Bytes:
    """The bytes as numbers; no copy."""
    return np.frombuffer(data, np.uint8)


def texts(data: bytes | bytearray, offsets: Ints) -> pa.BinaryArray:
    """The slices data[offsets[i]:offsets[i+1]] as an Arrow array; no copy of the data. Not checked for UTF-8."""
    return pa.BinaryArray.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    )


def checked(raw: pa.BinaryArray, line_no: Ints, index: Ints | None, flaws: list[Flaw]) -> Piece:
    """A piece of these records, those that are not UTF-8 moved to the flaws."""
    bad = _not_utf8(raw, 0)
    if not bad:
        return Piece(_as_string(raw), line_no, index, flaws)
    for row in bad:
        where = NO_INDEX if index is None else int(index[row])
        flaws.append(Flaw(raw[row].as_py().strip(), int(line_no[row]), where, "the record is not UTF-8 text"))
    keep = np.ones(len(raw), bool)
    keep[bad] = False
    good = raw.filter(pa.array(keep))
    return Piece(_as_string(good), line_no[keep], None if index is None else index[keep], flaws)


def without(piece: Piece, rows: dict[int, str]) -> Piece:
    """The piece with these rows moved to its flaws; `rows` maps a row to the reason."""
    if not rows:
        return piece
    keep = np.ones(len(piece), bool)
    flaws = list(piece.flaws)
    for row, reason in sorted(rows.items()):
        keep[row] = False
        where = NO_INDEX if piece.index is None else int(piece.index[row])
        raw = piece.raw[row].as_py().encode().strip()
        flaws.append(Flaw(raw, int(piece.line_no[row]), where, reason))
    index = None if piece.index is None else piece.index[keep]
    return Piece(piece.raw.filter(pa.array(keep)), piece.line_no[keep], index, flaws)


def _as_string(raw: pa.BinaryArray) -> pa.StringArray:
    return pa.StringArray.from_buffers(len(raw), raw.buffers()[1], raw.buffers()[2], offset=raw.offset)


def _not_utf8(raw: pa.BinaryArray, base: int) -> list[int]:
    """Rows that are not UTF-8, found by halving: a clean block costs one pass."""
    try:
        _as_string(raw).validate(full=True)
        return []
    except pa.ArrowInvalid:
        if len(raw) == 1:
            return [base]
    middle = len(raw) // 2
    return _not_utf8(raw.slice(0, middle), base) + _not_utf8(raw.slice(middle), base + middle)
