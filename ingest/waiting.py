"""Pieces of files on their way to a format: read by the reader's thread, gathered until they are worth a query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ingest.format import RECORDS
from ingest.piece import NO_INDEX, Flaw, Piece, empty_piece
from ingest.report import LoadOptions
from ingest.source import Block, Input, read_blocks
from ingest.split import split
from ingest.strict import refuse_loose


@dataclass(frozen=True, slots=True)
class Read:
    """A piece of one of the inputs."""

    at: int
    """Which input."""
    piece: Piece
    read_bytes: int
    """Bytes of the input consumed so far."""


@dataclass(slots=True)
class Waiting:
    """Pieces of one format, perhaps of many files."""

    format: str = "runlake"
    pieces: list[tuple[int, Piece]] = field(default_factory=list)
    size_bytes: int = 0
    starts: list[int] = field(default_factory=list)
    """Row of each piece's first record."""
    count: int = 0

    def __len__(self) -> int:
        return self.count

    def add(self, at: int, piece: Piece) -> None:
        """One more piece, of input `at`."""
        self.pieces.append((at, piece))
        self.starts.append(self.count)
        self.count += len(piece)
        self.size_bytes += piece.raw.nbytes

    def records(self, first_no: int) -> pa.Table:
        """All records, numbered from `first_no`; no copy of the texts."""
        numbers = pa.array(np.arange(first_no, first_no + self.count, dtype=np.int64))
        return pa.table([numbers, pa.chunked_array([piece.raw for _, piece in self.pieces])], schema=RECORDS)

    def flaw(self, row: int, reason: str) -> tuple[int, Flaw]:
        """(input, flaw) of a record that the format refused."""
        which = int(np.searchsorted(self.starts, row, side="right")) - 1
        at, piece = self.pieces[which]
        row -= self.starts[which]
        index = NO_INDEX if piece.index is None else int(piece.index[row])
        return at, Flaw(piece.raw[row].as_py().encode().strip(), int(piece.line_no[row]), index, reason)


def read_all(inputs: Sequence[Input], options: LoadOptions) -> Iterator[Read]:
    """The pieces of all inputs in order, checked as far as no format is needed for it."""
    for at, source in enumerate(inputs):
        last = Block(b"", 0)
        line_no = 1

        def blocks(source: Input = source) -> Iterator[bytes]:
            nonlocal last
            for block in read_blocks(source, options.block_bytes):
                last = block
                yield block.data

        for piece in split(blocks(), options.max_record_bytes):
            line_no = int(piece.line_no[-1]) if len(piece) else line_no
            yield Read(at, refuse_loose(piece), last.read_bytes)
        flaws = [Flaw(b"", line_no, NO_INDEX, f"the file {last.problem}")] if last.problem else []
        yield Read(at, empty_piece(flaws), last.read_bytes)
