"""The rows of one page of a list by time, from chunks (see list_chunks)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.duck import Session
from warehouse.filters import ExecutionFilter
from warehouse.list_chunks import (
    NO_MATCHES,
    Chunk,
    ListMemory,
    Matches,
    chunks_of,
    matching_rows,
    read_chunks,
    rollup_filters,
    whole_files,
)
from warehouse.period import to_us
from warehouse.rollup_cache import CachedRollup, RollupCache
from warehouse.snapshot import DataFile

Key = tuple[datetime, str]


class TimePage:
    """One page: which rows, in which order."""

    def __init__(self, filter: ExecutionFilter, after: Key | None, rows_wanted: int, *, newest_first: bool) -> None:
        self.filter = filter
        self.rows_wanted = rows_wanted
        self.newest_first = newest_first
        self._timeless = filter.timeless()
        self._after_us = None if after is None else to_us(after[0])
        self._after_id = "" if after is None else after[1]
        self._from_us = None if filter.since is None else to_us(filter.since)
        self._to_us = None if filter.until is None else to_us(filter.until)

    def from_rollups(
        self, session: Session, rollups: RollupCache, memory: ListMemory, entries: Sequence[CachedRollup]
    ) -> Matches:
        """The first rows of the page among those of these files; the filter must be one that rollups answer.

        Only the chunks that the page needs are read, and those only where they are not remembered.
        """
        filters = rollup_filters(self._timeless)
        assert filters is not None
        chunks = chunks_of(session, rollups, memory, entries, self._timeless, filters, newest_first=self.newest_first)
        found: list[Matches] = []
        rows = 0
        for group in self._groups(chunk for chunk in chunks if self._may_hold(chunk)):
            for matches in read_chunks(session, memory, group, self._timeless):
                part = self.cut(matches)
                found.append(part)
                rows += len(part.placed_us)
            if rows >= self.rows_wanted:
                break
        return self.first(found)

    def from_whole_files(self, session: Session, memory: ListMemory, files: Sequence[DataFile]) -> Matches:
        """The first rows of the page among those of these files, each of which is read whole and remembered."""
        chunks = [chunk for chunk in whole_files(files) if self._may_hold(chunk)]
        return self.first([self.cut(matches) for matches in read_chunks(session, memory, chunks, self._timeless)])

    def from_rows(self, tables: Sequence[pa.Table]) -> Matches | None:
        """The first rows of the page among these sorted rows of `executions`. None: see matching_rows."""
        found = [matching_rows(rows, self._timeless) for rows in tables]
        return None if None in found else self.first([self.cut(matches) for matches in found if matches is not None])

    def first(self, parts: Sequence[Matches]) -> Matches:
        """The first rows of the page of several parts, in the order of the page."""
        filled = [part for part in parts if len(part.placed_us)]
        if not filled:
            return NO_MATCHES
        rows = pa.concat_tables([part.rows for part in filled])
        placed_us = np.concatenate([part.placed_us for part in filled])
        way = "descending" if self.newest_first else "ascending"
        keys = pa.table({"placed_us": placed_us, "id": rows["id"]})
        order = pc.sort_indices(keys, sort_keys=[("placed_us", way), ("id", way)]).slice(0, self.rows_wanted)
        return Matches(rows.take(order), placed_us[order.to_numpy()])

    def cut(self, matches: Matches) -> Matches:
        """Those that are inside since and until and after the page before, as many as the page can take."""
        placed_us = matches.placed_us
        first = 0 if self._from_us is None else int(np.searchsorted(placed_us, self._from_us))
        last = len(placed_us) if self._to_us is None else int(np.searchsorted(placed_us, self._to_us))
        if self._after_us is not None:
            key = self._place_of_key(matches, self._after_us)
            first, last = (first, min(last, key)) if self.newest_first else (max(first, key), last)
        if last - first > self.rows_wanted:
            first, last = (last - self.rows_wanted, last) if self.newest_first else (first, first + self.rows_wanted)
        return matches.part(first, max(first, last))

    def _place_of_key(self, matches: Matches, after_us: int) -> int:
        """Where the key of the page before stands (newest first), else where the first row beyond it does."""
        left = int(np.searchsorted(matches.placed_us, after_us, side="left"))
        right = int(np.searchsorted(matches.placed_us, after_us, side="right"))
        ids: list[str] = matches.rows["id"].slice(left, right - left).to_pylist()
        return left + sum(one < self._after_id or (not self.newest_first and one == self._after_id) for one in ids)

    def _groups(self, chunks: Iterator[Chunk]) -> Iterator[list[Chunk]]:
        """Chunks that are likely to fill the page together."""
        group: list[Chunk] = []
        expected = 0
        for chunk in chunks:
            group.append(chunk)
            expected += chunk.expected
            if expected >= self.rows_wanted:
                yield group
                group, expected = [], 0
        if group:
            yield group

    def _may_hold(self, chunk: Chunk) -> bool:
        """The chunk's time meets that of the page."""
        if self._from_us is not None and chunk.end_us <= self._from_us:
            return False
        if self._to_us is not None and chunk.start_us >= self._to_us:
            return False
        if self._after_us is None:
            return True
        return chunk.start_us <= self._after_us if self.newest_first else chunk.end_us > self._after_us
