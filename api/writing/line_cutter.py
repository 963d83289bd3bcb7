"""A stream of lines cut into pieces of whole lines, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ingest.records import Records, oversize_record

_HEAD_BYTES: Final = 1 << 10


@dataclass(frozen=True, slots=True)
class LinePiece:
    """Some whole lines, or one that is too long to be kept."""

    data: bytes
    lines: int
    size_bytes: int
    """Of it that are kept in memory."""
    flaw: Records | None = None
    """In place of `data`: the line that was too long."""


class LineCutter:
    """Feed it the stream's blocks; `cut` gives what is complete."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._blocks: list[bytes] = []
        self._has_end = False
        self._skipped_bytes = 0
        self._skipped_head = b""
        self._flaws: list[LinePiece] = []
        self.ready_bytes = 0
        """Bytes kept, perhaps without one whole line."""

    def is_ready(self, size_bytes: int) -> bool:
        """Whether a piece of so many bytes or more can be cut."""
        return self._has_end and self.ready_bytes >= size_bytes

    def feed(self, block: bytes) -> None:
        """The next bytes of the stream."""
        if self._skipped_bytes:
            end = block.find(b"\n")
            self._skipped_bytes += len(block) if end < 0 else end
            if end < 0:
                return
            self._end_skipping()
            block = block[end + 1 :]
        self._has_end = self._has_end or b"\n" in block
        self._blocks.append(block)
        self.ready_bytes += len(block)
        if not self._has_end and self.ready_bytes > self._max_line_bytes:
            self._skipped_head = b"".join(self._blocks)[:_HEAD_BYTES]
            self._skipped_bytes = self.ready_bytes
            self._blocks, self.ready_bytes = [], 0

    def cut(self, *, last: bool) -> Iterator[LinePiece]:
        """What is complete by now, in order; with `last` all that is left."""
        if last and self._skipped_bytes:
            self._end_skipping()
        flaws, self._flaws = self._flaws, []
        yield from flaws
        data = b"".join(self._blocks)
        end = len(data) if last else data.rfind(b"\n") + 1
        self._blocks = [data[end:]] if end < len(data) else []
        self.ready_bytes = len(data) - end
        self._has_end = False
        if end:
            whole = data[:end]
            lines = whole.count(b"\n") + (not whole.endswith(b"\n"))
            yield LinePiece(whole, lines, len(whole))

    def _end_skipping(self) -> None:
        flaw = oversize_record(self._skipped_head, self._skipped_bytes, self._max_line_bytes)
        self._flaws.append(LinePiece(b"", 1, 0, flaw))
        self._skipped_bytes, self._skipped_head = 0, b""
