"""Where the brackets of a stretch of JSON are, strings left out: the vectorised half of the document splitter."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

import numpy as np

from ingest.piece import Bytes, Ints

_OPEN: Final = 123  # '{', and '[' with bit 5 set
_CLOSE: Final = 125  # '}', and ']' with bit 5 set
_DATA_KEY: Final = re.compile(rb'"data"\s*:\s*$')


class Structure:
    """Brackets outside strings, with their depth, for a stretch of text that begins outside any string.

    A string never goes on over a line break in JSON, so a line with an odd number of quotes is damaged, and the
    next line begins outside strings again.
    """

    def __init__(self, numbers: Bytes, depth: int) -> None:
        self._numbers = numbers
        self.newlines: Ints = np.flatnonzero(numbers == 10)
        quotes = unescaped_quotes(numbers)
        folded = numbers | 32
        positions = np.flatnonzero((folded == _OPEN) | (folded == _CLOSE))
        inside = np.searchsorted(quotes, positions)
        in_line = np.diff(np.searchsorted(quotes, self.newlines), prepend=0)
        odd = (in_line & 1).astype(np.int64)
        self.bad_lines: Ints = self.newlines[odd == 1]
        """Line breaks that end a line with an odd number of quotes."""
        if len(self.bad_lines):
            before = np.concatenate([np.zeros(1, np.int64), np.cumsum(odd)])
            inside = inside + before[np.searchsorted(self.newlines, positions)]
        self.positions: Ints = positions[(inside & 1) == 0]
        self.opens = folded[self.positions] == _OPEN
        self.depths: Ints = depth + np.cumsum(np.where(self.opens, 1, -1))
        """Depth behind each bracket."""
        self._by_depth: dict[int, tuple[Ints, Ints]] = {}

    def openers(self, depth: int) -> Ints:
        """Events (places in `positions`) that open something at `depth`, so that it is one deeper behind them."""
        return self._at(depth + 1)[0]

    def closers(self, depth: int) -> Ints:
        """Events that lead back to `depth`."""
        return self._at(depth)[1]

    def byte(self, event: int) -> int:
        """The bracket itself."""
        return int(self._numbers[self.positions[event]])

    @cached_property
    def arrays(self) -> Ints:
        """Events that open a top-level array."""
        events = self.openers(0)
        found: Ints = events[self._numbers[self.positions[events]] == 91]
        return found

    @cached_property
    def pages(self) -> Ints:
        """Events that open the array of a `"data": [` one level inside a top-level value."""
        events = self.openers(1)
        events = events[self._numbers[self.positions[events]] == 91]
        if not len(events):
            return np.zeros(0, np.int64)
        # Of the 16 bytes before the bracket, five in a row must read `data"`; few do, and those are looked at.
        window = np.maximum(self.positions[events][:, None] + np.arange(-16, 0), 0)
        before = self._numbers[window]
        hit = np.zeros(len(events), bool)
        for shift in range(12):
            hit |= (before[:, shift] == 100) & (before[:, shift + 4] == 34) & (before[:, shift + 1] == 97)
        chosen = [event for event in events[hit] if self._after_data_key(int(self.positions[event]))]
        return np.array(chosen, np.int64)

    def _after_data_key(self, position: int) -> bool:
        return _DATA_KEY.search(self._numbers[max(position - 64, 0) : position].tobytes()) is not None

    def _at(self, depth: int) -> tuple[Ints, Ints]:
        if depth not in self._by_depth:
            events = np.flatnonzero(self.depths == depth)
            opens = self.opens[events]
            self._by_depth[depth] = (events[opens], events[~opens])
        return self._by_depth[depth]


def unescaped_quotes(numbers: Bytes) -> Ints:
    """Positions of the quotes that are not escaped."""
    quotes: Ints = np.flatnonzero(numbers == 34)
    if not len(quotes):
        return quotes
    maybe = (numbers[np.maximum(quotes - 1, 0)] == 92) & (quotes > 0)
    if not maybe.any():
        return quotes
    # A quote is escaped by an odd run of backslashes.
    slashes = np.flatnonzero(numbers == 92)
    first = np.ones(len(slashes), bool)
    first[1:] = np.diff(slashes) != 1
    run_start = slashes[np.maximum.accumulate(np.where(first, np.arange(len(slashes)), 0))]
    last = np.searchsorted(slashes, quotes[maybe] - 1)
    escaped = ((quotes[maybe] - run_start[last]) & 1) == 1
    keep = np.ones(len(quotes), bool)
    keep[np.flatnonzero(maybe)[escaped]] = False
    return quotes[keep]
