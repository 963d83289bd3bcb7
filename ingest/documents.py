"""Records out of JSON documents: arrays, API pages, pretty-printed objects, one after another, of any length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ingest.piece import HEAD_BYTES, NO_INDEX, Bytes, Flaw, Ints, Piece, checked, ranges, texts, view
from ingest.resync import FILLER, find_start
from ingest.structure import Structure

_WINDOW_BYTES: Final = 256 << 10
_ARRAY_CLOSE: Final = 93
_DAMAGED: Final = "not JSON: a string or a bracket in it is not closed"
_CUT: Final = "not JSON: the file ends in the middle of it"

State = Literal["top", "array", "page", "tail"]
"""Between top-level values; in a top-level array; in a page's `data` array; behind that, still inside the page."""
_DEPTH: Final[dict[State, int]] = {"top": 0, "array": 1, "page": 2, "tail": 1}


@dataclass(slots=True)
class _Window:
    """A stretch of the file that begins between two records, and how far it has been worked through."""

    data: bytes
    numbers: Bytes
    structure: Structure
    event: int = 0
    at: int = 0
    damage: bool = False

    def position(self, event: int) -> int:
        """Where the bracket is; the end of the window for the event after the last."""
        positions = self.structure.positions
        return int(positions[event]) if event < len(positions) else len(self.data)


class DocumentSplitter:
    """Feed it a file's blocks; it gives the records.

    Records are the elements of a top-level array, of the `data` array of a top-level object without an `id`
    before it (a page), and every other top-level object. After damage it goes on at the next text that reads as a
    record. Keeps at most one block and one unfinished record.
    """

    def __init__(self, max_record_bytes: int, line_no: int = 1) -> None:
        self._max_record_bytes = max_record_bytes
        self._line_no = line_no
        self._carry = b""
        self._state: State = "top"
        self._index = 0
        self._damaged = False
        self._searching = False
        """Inside the remains of a record that was let go: nothing counts before the next start of one."""

    def feed(self, block: bytes) -> Iterator[Piece]:
        """The records that are complete now."""
        yield from self._run(self._carry + block if self._carry else block, final=False)

    def close(self) -> Iterator[Piece]:
        """What the end of the file completes or leaves unfinished."""
        yield from self._run(self._carry, final=True)
        if self._state != "top" and not self._damaged:
            yield self._refuse(b"", "the file ends inside the array or page: its end is missing")

    def _run(self, data: bytes, final: bool) -> Iterator[Piece]:
        at, step = 0, max(len(data), 1)
        if self._searching:
            start = find_start(data, 0, final)
            if start is None:
                at = len(data)
            else:
                at, self._searching = start.position, not start.sure
        while at < len(data) and not self._searching:
            ends_here = at + step >= len(data)
            window = self._scan(data[at : at + step] if at or not ends_here else data, final and ends_here)
            yield from window[1]
            used, damage = window[0].at, window[0].damage
            at += used
            self._line_no += window[0].data.count(b"\n", 0, used)
            if damage:
                skipped = self._skip(data, at, final)
                if skipped == 0:
                    break
                raw = data[at : at + skipped]
                yield self._refuse(raw.strip(FILLER), _CUT if final and at + skipped == len(data) else _DAMAGED)
                self._line_no += raw.count(b"\n")
                at += skipped
                step = _WINDOW_BYTES
            elif ends_here and used == 0:
                break
            elif not ends_here:
                step = step * 2 if used else step * 4
        self._carry = data[at:]
        if len(self._carry) > self._max_record_bytes:
            yield self._let_go()

    def _skip(self, data: bytes, at: int, final: bool) -> int:
        """How many bytes from the damaged record's beginning to the next record; 0: not to be seen yet."""
        self._damaged = True
        start = find_start(data, at + 1, final)
        if start is None:
            return len(data) - at if final else 0
        if not start.sure:
            return 0
        if start.is_page:
            self._state = "top"
        return start.position - at

    def _let_go(self) -> Piece:
        """Refuses the unfinished record in the carry, which is too large already."""
        head, size = self._carry[:HEAD_BYTES], len(self._carry)
        piece = self._refuse(
            head,
            f"the record has more than the {self._max_record_bytes} bytes allowed ({size} read of it); "
            f"kept here: its first {len(head)} bytes",
        )
        self._line_no += self._carry.count(b"\n")
        self._carry, self._damaged, self._searching = b"", True, True
        return piece

    def _scan(self, data: bytes, final: bool) -> tuple[_Window, list[Piece]]:
        """Works through a window as far as it is complete."""
        structure = self._structure(data)
        pieces: list[Piece] = []
        if len(structure.bad_lines):
            # Nothing that is read of a damaged line can be trusted, so all before it comes first.
            line_end = int(structure.bad_lines[0])
            cut = data.rfind(b"\n", 0, line_end) + 1
            if cut:
                window = self._worked(data[:cut], self._structure(data[:cut]), False, pieces)
                window.damage = window.at == 0
                return window, pieces
            if not _begins_whole(data[:line_end]):
                return _Window(data, view(data), structure, damage=True), pieces
        return self._worked(data, structure, final, pieces), pieces

    def _structure(self, data: bytes) -> Structure:
        return Structure(view(data), _DEPTH[self._state])

    def _worked(self, data: bytes, structure: Structure, final: bool, pieces: list[Piece]) -> _Window:
        window = _Window(data, view(data), structure)
        while self._segment(window, final, pieces):
            pass
        return window

    def _segment(self, window: _Window, final: bool, pieces: list[Piece]) -> bool:
        """One run of records up to the beginning or end of a container; False: nothing more to do in this window."""
        structure = window.structure
        if self._state == "tail":
            ends = _from(structure.closers(0), window.event)
            if not len(ends):
                return False
            self._enter("top", window, int(ends[0]))
            return True
        depth = _DEPTH[self._state]
        stop, entered, entry = self._boundary(window)
        opens = _between(structure.openers(depth), window.event, stop)
        closes = _between(structure.closers(depth), window.event, stop)
        whole = self._whole(window, opens, closes)
        damage = whole < len(closes)
        unfinished = whole < len(opens)
        end = window.position(int(opens[whole])) if unfinished else window.position(stop)
        self._emit(window, opens[:whole], closes[:whole], end, final or stop < len(structure.positions), pieces)
        if unfinished:
            window.damage = damage or final or self._bad_between(window, end, len(window.data))
            return False
        if stop >= len(structure.positions):
            return False
        if entry is None:  # a closing bracket that closes nothing
            if not self._damaged:
                pieces.append(self._refuse(window.data[end : end + 1], "not JSON: a closing bracket nothing opened"))
            window.at = end + 1
            return False
        self._enter(entered, window, entry)
        return True

    def _boundary(self, window: _Window) -> tuple[int, State, int | None]:
        """(event before which the records of this state are, the state behind it, the event that leads there)."""
        structure, event = window.structure, window.event
        depth = _DEPTH[self._state]
        none = len(structure.positions)
        ends = _from(structure.closers(depth - 1), event)
        end = int(ends[0]) if len(ends) else none
        if self._state != "top":
            closes = end < none and structure.byte(end) == _ARRAY_CLOSE
            return end, ("top" if self._state == "array" else "tail"), (end if closes else None)
        arrays = _from(structure.arrays, event)
        array = int(arrays[0]) if len(arrays) else none
        for page in _from(structure.pages, event):
            if page > min(array, end):
                break
            first = int(_between(structure.openers(0), event, int(page))[-1])
            if b'"id"' not in window.data[window.position(first) : window.position(int(page))]:
                return first, "page", int(page)
        if array < end:
            return array, "array", array
        return end, "top", None

    def _enter(self, state: State, window: _Window, event: int) -> None:
        self._state, self._index = state, 0
        window.event, window.at = event + 1, window.position(event) + 1

    def _whole(self, window: _Window, opens: Ints, closes: Ints) -> int:
        """How many records from the first on are undamaged: brackets of one kind, no line with an open string."""
        if not len(closes):
            return 0
        structure, numbers = window.structure, window.numbers
        begin, end = structure.positions[opens[: len(closes)]], structure.positions[closes]
        bad = (numbers[begin] + 2) != numbers[end]
        bad |= np.searchsorted(structure.bad_lines, begin) != np.searchsorted(structure.bad_lines, end)
        return int(np.argmax(bad)) if bad.any() else len(closes)

    def _bad_between(self, window: _Window, begin: int, end: int) -> bool:
        bad = window.structure.bad_lines
        return bool(np.searchsorted(bad, begin) != np.searchsorted(bad, end))

    def _emit(self, window: _Window, opens: Ints, closes: Ints, end: int, to_end: bool, pieces: list[Piece]) -> None:
        """Records and what stands between them, up to `end`; what is at the very end may go on in the next block."""
        positions = window.structure.positions
        begins, ends = positions[opens], positions[closes] + 1
        gaps_from = np.concatenate([np.array([window.at], np.int64), ends])
        gaps_to = np.concatenate([begins, np.array([end], np.int64)])
        flaws: list[Flaw] = []
        stop = end
        for gap in self._junk(window.numbers, gaps_from, gaps_to):
            begin, until = int(gaps_from[gap]), int(gaps_to[gap])
            if gap == len(begins) and not to_end:
                stop = begin
                continue
            raw = window.data[begin:until].lstrip(FILLER)
            begin, raw = until - len(raw), raw.rstrip(FILLER)
            where = NO_INDEX if self._state == "top" else self._index + int(gap)
            flaws.append(Flaw(raw, self._line(window, begin), where, "not an object: other text between the records"))
        if len(begins) or flaws:
            pieces.append(self._piece(window, begins, ends, flaws))
        if len(closes):
            window.event = int(closes[-1]) + 1
        window.at = stop
        self._index += len(begins)

    def _junk(self, numbers: Bytes, gaps_from: Ints, gaps_to: Ints) -> Ints:
        """Gaps that hold anything but white space and commas."""
        found = numbers[ranges(gaps_from, gaps_to)]
        white = (found == 32) | ((found >= 9) & (found <= 13))
        other = np.flatnonzero(~white & (found != 44))
        if not len(other):
            return other
        return np.unique(np.searchsorted(np.cumsum(gaps_to - gaps_from), other, side="right"))

    def _piece(self, window: _Window, begins: Ints, ends: Ints, flaws: list[Flaw]) -> Piece:
        lines = self._line_no + np.searchsorted(window.structure.newlines, begins)
        index = np.arange(self._index, self._index + len(begins), dtype=np.int64)
        if self._state == "top":
            index[:] = NO_INDEX
        if not len(begins):
            return checked(texts(b"", np.zeros(1, np.int64)), lines, index, flaws)
        # Arrow's strings lie end to end: the commas between the records become spaces behind them.
        shift = int(begins[0])
        data = bytearray(window.data[shift : int(ends[-1])])
        inside = ranges(ends[:-1], begins[1:]) - shift
        view(data)[inside] = 32
        offsets = np.concatenate([begins, ends[-1:]]) - shift
        return checked(texts(data, offsets), lines, index, flaws)

    def _line(self, window: _Window, position: int) -> int:
        return self._line_no + int(np.searchsorted(window.structure.newlines, position))

    def _refuse(self, raw: bytes, reason: str) -> Piece:
        where = NO_INDEX if self._state == "top" else self._index
        empty: Ints = np.zeros(0, np.int64)
        return checked(texts(b"", np.zeros(1, np.int64)), empty, None, [Flaw(raw, self._line_no, where, reason)])


def _begins_whole(line: bytes) -> bool:
    """Whether the first thing on a damaged line is a whole record all the same."""
    start = find_start(line, 0, final=True)
    return start is not None and not line[: start.position].strip(FILLER)


def _from(events: Ints, first: int) -> Ints:
    return events[np.searchsorted(events, first) :]


def _between(events: Ints, first: int, stop: int) -> Ints:
    return events[np.searchsorted(events, first) : np.searchsorted(events, stop)]
