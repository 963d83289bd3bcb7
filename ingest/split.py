"""Blocks of bytes -> records. Chooses between lines (NDJSON) and documents (arrays, pages, pretty-printed JSON)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import numpy as np

from ingest.documents import DocumentSplitter
from ingest.piece import HEAD_BYTES, MAX_RECORD_BYTES, NO_INDEX, Flaw, Ints, Piece, checked, texts, view

_SOLID: Final = re.compile(rb"\S")
_SAMPLE_LINES: Final = 20
_SAMPLE_BYTES: Final = 1 << 20
_PAGE_START: Final = b'{"data":['


def split(blocks: Iterable[bytes], max_record_bytes: int = MAX_RECORD_BYTES) -> Iterator[Piece]:
    """The records of one file in order, as pieces of about one block each.

    A file is NDJSON when most of its first lines are whole JSON objects; a line that is a page
    (`{"data": [...]}`) gives the page's elements. Anything else is read as JSON documents, one after another:
    the elements of a top-level array and of a page's `data` array are records, and so is any other object.
    Memory is bounded by the block plus `max_record_bytes`. Raises nothing for what the bytes are.
    """
    blocks = iter(blocks)
    head = b""
    for block in blocks:
        head += block
        begin = _first_byte(head)
        if begin < len(head) and (head.find(b"\n", begin) >= 0 or len(head) > max_record_bytes):
            break
    if _first_byte(head) == len(head):
        return
    blocks = chain([head], blocks)
    if is_lines(head):
        yield from _split_lines(blocks, max_record_bytes)
    else:
        splitter = DocumentSplitter(max_record_bytes)
        for block in blocks:
            yield from splitter.feed(block)
        yield from splitter.close()


def _first_byte(data: bytes) -> int:
    """Where the first byte is that is no white space; the length when there is none."""
    found = _SOLID.search(data)
    return found.start() if found else len(data)


def is_lines(head: bytes) -> bool:
    """Whether a file that begins so is NDJSON: one whole JSON object (no page) a line, for most of the first lines."""
    text = head[_first_byte(head) :]
    if text.startswith(b"["):
        return False
    lines = [line for line in text[:_SAMPLE_BYTES].split(b"\n", _SAMPLE_LINES)[:_SAMPLE_LINES] if line.strip()]
    if len(text) > _SAMPLE_BYTES and len(lines) > 1:
        lines = lines[:-1] if len(lines) < _SAMPLE_LINES else lines
    elif len(text) > _SAMPLE_BYTES:
        lines = [text.split(b"\n", 1)[0]]
    whole = sum(1 for line in lines if _is_object(line))
    if len(lines) == 1 and whole == 1:
        return not _is_page(lines[0])
    return whole * 2 >= len(lines) or not any(line.lstrip().startswith((b"{", b"[")) for line in lines)


def _is_object(line: bytes) -> bool:
    stripped = line.strip()
    if not (stripped.startswith(b"{") and stripped.endswith(b"}")):
        return False
    try:
        return isinstance(json.loads(stripped), dict)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return False
        # Damaged, yet alone on its line from brace to brace: still a line of its own.
        return stripped.count(b'"') % 2 == 0 and stripped.count(b"{") == stripped.count(b"}")
    except (ValueError, RecursionError):  # not UTF-8, or nested too deep
        return True


def _is_page(line: bytes) -> bool:
    return b"".join(line[:64].split()).startswith(_PAGE_START)


def _split_lines(blocks: Iterable[bytes], max_record_bytes: int) -> Iterator[Piece]:
    """Records of NDJSON: blocks are cut behind their last line break, what is left over goes before the next one."""
    rest: list[bytes] = []
    rest_bytes = 0
    line_no = 1
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut == 0:
            rest_bytes += len(block)
            # Of a line that is too long only the beginning is worth keeping in memory.
            if rest_bytes <= max_record_bytes or len(rest) == 0:
                rest.append(block)
            continue
        begin = 0
        if rest_bytes:
            # The line that goes over the border of the blocks is a piece of its own: the block is not copied.
            begin = block.find(b"\n") + 1
            if rest_bytes + begin > max_record_bytes:
                yield _too_large(b"".join(rest)[:HEAD_BYTES], line_no, rest_bytes + begin, max_record_bytes)
                line_no += 1
            else:
                piece, line_no = _lines(b"".join([*rest, block[:begin]]), line_no, max_record_bytes)
                yield from _open_pages(piece, max_record_bytes)
        if begin < cut:
            piece, line_no = _lines(block, line_no, max_record_bytes, begin, cut)
            yield from _open_pages(piece, max_record_bytes)
        left = block[cut:]
        rest, rest_bytes = ([left], len(left)) if left else ([], 0)
    if rest_bytes > max_record_bytes:
        yield _too_large(b"".join(rest)[:HEAD_BYTES], line_no, rest_bytes, max_record_bytes)
    elif rest_bytes:
        piece, _ = _lines(b"".join(rest) + b"\n", line_no, max_record_bytes)
        yield from _open_pages(piece, max_record_bytes)


def _lines(
    data: bytes, line_no: int, max_record_bytes: int, begin: int = 0, end: int | None = None
) -> tuple[Piece, int]:
    """The records of `data[begin:end]`, which ends with a line break and begins on `line_no`; and the line after it."""
    numbers = view(data)
    ends = np.flatnonzero(numbers[begin:end] == 10) + (begin + 1)
    offsets = np.concatenate([np.array([begin], np.int64), ends])
    lines: Ints = np.arange(line_no, line_no + len(ends), dtype=np.int64)
    raw = texts(data, offsets)
    flaws: list[Flaw] = []
    keep = np.ones(len(ends), bool)
    for row in np.flatnonzero(numbers[offsets[:-1]] <= 32):
        keep[row] = bool(data[offsets[row] : offsets[row + 1]].strip())
    for row in np.flatnonzero(np.diff(offsets) > max_record_bytes):
        start, end = int(offsets[row]), int(offsets[row + 1])
        flaws.append(_oversize(data[start : start + HEAD_BYTES], int(lines[row]), end - start, max_record_bytes))
        keep[row] = False
    if not keep.all():
        raw, lines = raw.filter(keep), lines[keep]
    return checked(raw, lines, None, flaws), line_no + len(ends)


def _open_pages(piece: Piece, max_record_bytes: int) -> Iterator[Piece]:
    """The piece, lines that are pages replaced by their elements (after the other records)."""
    if not len(piece):
        yield piece
        return
    starts = np.frombuffer(piece.raw.buffers()[1], np.int32)[: len(piece)]
    numbers = np.frombuffer(piece.raw.buffers()[2], np.uint8)
    second = numbers[starts + 1]
    third = numbers[np.minimum(starts + 2, len(numbers) - 1)]
    # `{"d…` or `{ …`: rare enough to look at one by one.
    suspects = np.flatnonzero((numbers[starts] == 123) & ((second <= 32) | ((second == 34) & (third == 100))))
    pages = [row for row in suspects if _is_page(numbers[starts[row] : starts[row] + 64].tobytes())]
    if not pages:
        yield piece
        return
    keep = np.ones(len(piece), bool)
    keep[pages] = False
    yield Piece(piece.raw.filter(keep), piece.line_no[keep], None, piece.flaws)
    for row in pages:
        splitter = DocumentSplitter(max_record_bytes, int(piece.line_no[row]))
        yield from splitter.feed(piece.raw[row].as_py().encode())
        yield from splitter.close()


def _too_large(head: bytes, line_no: int, size_bytes: int, max_record_bytes: int) -> Piece:
    empty: Ints = np.zeros(0, np.int64)
    flaw = _oversize(head, line_no, size_bytes, max_record_bytes)
    return checked(texts(b"", np.zeros(1, np.int64)), empty, None, [flaw])


def _oversize(head: bytes, line_no: int, size_bytes: int, max_record_bytes: int) -> Flaw:
    reason = (
        f"the record has {size_bytes} bytes, at most {max_record_bytes} are allowed; "
        f"kept here: its first {min(len(head), HEAD_BYTES)} bytes"
    )
    return Flaw(head, line_no, NO_INDEX, reason)
