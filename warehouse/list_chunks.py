"""Lists by time, a chunk at a time: the executions that match in a stretch of one date, read once and remembered.

A file's rollup says how many of its executions match in each hour, and a file is sorted by the instant that places its
executions. So it is known without opening it which rows of which files a page can come from. Chunks depend on the
files and the filter alone, never on the page: going through a list costs the same on every page, and what has been
read of files that do not change is not read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.duck import Session, read_sql
from warehouse.filters import ExecutionFilter
from warehouse.histogram import Ints
from warehouse.lru import Lru
from warehouse.period import DAY_US, HOUR_US, day_start_us
from warehouse.rollup_cache import CachedRollup, RollupCache
from warehouse.scan import over, slices_query
from warehouse.schema import EXECUTIONS
from warehouse.selection import Filters, hourly_matches
from warehouse.snapshot import DataFile

_FEW: Final = 256
"""Hours with fewer matches than this together make one chunk: opening a file is what costs then."""
_MANY: Final = 4096
"""An hour with more matches than this is cut into chunks of about half so many."""
_READ_AT_ONCE: Final = 64
"""Most slices of files in one query."""

Slice = tuple[DataFile, int, int]
"""Rows first..last-1 of a file."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one date and the rows of files that hold its executions."""

    start_us: int
    end_us: int
    """The instants [start_us, end_us), microseconds since 1970."""
    slices: tuple[Slice, ...]
    expected: int
    """About how many executions match; 0 where that is not known."""

    @property
    def key(self) -> tuple[tuple[str, int, int], ...]:
        """Tells chunks apart."""
        return tuple((file.name, first, last) for file, first, last in self.slices)


@dataclass(frozen=True, slots=True)
class Matches:
    """What matches in one chunk, oldest first, ties by id."""

    rows: pa.Table
    """Columns of `executions`."""
    placed_us: Ints
    """When each is placed, microseconds since 1970."""

    @property
    def nbytes(self) -> int:
        """Bytes of both."""
        return int(self.rows.nbytes) + self.placed_us.nbytes

    def part(self, first: int, last: int) -> Matches:
        """Those at first..last-1."""
        return Matches(self.rows.slice(first, last - first), self.placed_us[first:last])


NO_MATCHES: Final = Matches(EXECUTIONS.empty_table(), np.zeros(0, np.int64))


@dataclass(slots=True)
class _Hours:
    counts: Ints

    @property
    def nbytes(self) -> int:
        return self.counts.nbytes + 200


class ListMemory:
    """What lists remember of files that do not change. Safe for several threads."""

    def __init__(self, *, rows_limit_bytes: int = 96 << 20, counts_limit_bytes: int = 16 << 20) -> None:
        self.matches: Lru[tuple[Any, ExecutionFilter], Matches] = Lru(rows_limit_bytes)
        self._hours: Lru[tuple[str, ExecutionFilter], _Hours] = Lru(counts_limit_bytes)

    def hours(self, entry: CachedRollup, filter: ExecutionFilter, filters: Filters) -> Ints:
        """How many executions of the file match `filter` (without since and until), by hour of its date."""
        found = self._hours.get((entry.file.name, filter))
        if found is None:
            found = _Hours(hourly_matches(entry, filters))
            self._hours.put((entry.file.name, filter), found)
        return found.counts

    def discard(self, names: Collection[str]) -> None:
        """Forget what belongs to these data files."""
        gone = set(names)
        self.matches.drop(lambda key: any(name in gone for name, _, _ in key[0]))
        self._hours.drop(lambda key: key[0] in gone)


def rollup_filters(filter: ExecutionFilter) -> Filters | None:
    """A filter, but for since and until, in the words of rollups. None: they do not know what it asks."""
    known = ExecutionFilter(workflow_ids=filter.workflow_ids, statuses=filter.statuses, modes=filter.modes)
    return Filters(filter.workflow_ids, filter.statuses, filter.modes) if filter.timeless() == known else None


def chunks_of(
    session: Session,
    rollups: RollupCache,
    memory: ListMemory,
    entries: Iterable[CachedRollup],
    filter: ExecutionFilter,
    filters: Filters,
    *,
    newest_first: bool,
) -> Iterator[Chunk]:
    """The chunks of these files that hold matches, in order; dates are looked at as they are reached."""
    ordered = sorted(entries, key=lambda entry: entry.file.date, reverse=newest_first)
    for _, same_day in groupby(ordered, key=lambda entry: entry.file.date):
        day = list(same_day)
        matches = [memory.hours(entry, filter, filters) for entry in day]
        chunks = _day_chunks(session, rollups, day, np.sum(matches, axis=0))
        yield from reversed(chunks) if newest_first else chunks


def _day_chunks(session: Session, rollups: RollupCache, day: list[CachedRollup], matches: Ints) -> list[Chunk]:
    """The chunks of the files of one date, oldest first; `matches`: how many there are in each hour."""
    start_us = day_start_us(day[0].file.date)
    rows = [np.concatenate([[0], np.cumsum(_rows_by_hour(entry))]) for entry in day]
    chunks: list[Chunk] = []
    first = held = 0
    for hour, count in enumerate(matches.tolist()):
        if count > _MANY:
            chunks += _chunk(day, rows, start_us, first, hour, held)
            chunks += _hour_chunks(session, rollups, day, rows, start_us, hour, count)
            first, held = hour + 1, 0
            continue
        held += count
        if held >= _FEW or hour == 23:
            chunks += _chunk(day, rows, start_us, first, hour + 1, held)
            first, held = hour + 1, 0
    return chunks


def _rows_by_hour(entry: CachedRollup) -> Ints:
    cells = entry.rollup.levels["hour"]
    return np.bincount(cells.keys["hour"], cells.measures["executions"], 24).astype(np.int64)


def _chunk(
    day: list[CachedRollup], rows: list[Ints], start_us: int, first: int, last: int, expected: int
) -> list[Chunk]:
    """The hours first..last-1 as one chunk; none where nothing matches."""
    slices = tuple(
        (entry.file, int(ends[first]), int(ends[last]))
        for entry, ends in zip(day, rows, strict=True)
        if ends[first] < ends[last]
    )
    if not expected or not slices:
        return []
    return [Chunk(start_us + first * HOUR_US, start_us + last * HOUR_US, slices, expected)]


def _hour_chunks(
    session: Session,
    rollups: RollupCache,
    day: list[CachedRollup],
    rows: list[Ints],
    start_us: int,
    hour: int,
    expected: int,
) -> list[Chunk]:
    """One hour in equal parts of its time."""
    parts = -(-expected * 2 // _MANY)
    borders = start_us + hour * HOUR_US + np.arange(parts + 1) * HOUR_US // parts
    ends = []
    for entry, by_hour in zip(day, rows, strict=True):
        at_us = np.concatenate([cells.keys["at_us"] for cells in rollups.hours(session, entry, [hour])])
        ends.append(by_hour[hour] + np.searchsorted(at_us, borders))
    chunks = []
    for part in range(parts):
        slices = tuple(
            (entry.file, int(end[part]), int(end[part + 1]))
            for entry, end in zip(day, ends, strict=True)
            if end[part] < end[part + 1]
        )
        if slices:
            chunks.append(Chunk(int(borders[part]), int(borders[part + 1]), slices, -(-expected // parts)))
    return chunks


def matching_rows(rows: pa.Table, filter: ExecutionFilter) -> Matches | None:
    """What matches among sorted rows of `executions` at hand; since and until are not looked at.

    None: the filter asks for a text, which is compared by DuckDB's rules.
    """
    if filter.error_text is not None:
        return None
    wanted = [("workflow_id", filter.workflow_ids), ("status", filter.statuses), ("mode", filter.modes)]
    wanted += [("error_type", filter.error_types)]
    wanted += [("error_fingerprint", () if filter.fingerprint is None else (filter.fingerprint,))]
    wanted += [("retry_of", () if filter.retry_of is None else (filter.retry_of,))]
    for column, values in wanted:
        if values:
            rows = rows.filter(pc.is_in(rows[column], value_set=pa.array(values, pa.string())))
    if filter.min_duration_s is not None:
        lasted = rows["duration_s"]
        rows = rows.filter(pc.or_(pc.greater_equal(lasted, filter.min_duration_s), pc.is_nan(lasted)))
    placed_us = pc.coalesce(rows["started_at"], rows["created_at"]).cast(pa.int64()).to_numpy()
    return Matches(rows, placed_us)


def whole_files(files: Sequence[DataFile]) -> list[Chunk]:
    """A chunk a file, whatever matches in it."""
    return [
        Chunk(day_start_us(file.date), day_start_us(file.date) + DAY_US, ((file, 0, file.rows),), 0)
        for file in files
        if file.rows
    ]


def read_chunks(
    session: Session, memory: ListMemory, chunks: Sequence[Chunk], filter: ExecutionFilter
) -> list[Matches]:
    """What matches in each chunk, in their order; those not remembered are read together."""
    found = [memory.matches.get((chunk.key, filter)) for chunk in chunks]
    missing = [chunk for chunk, known in zip(chunks, found, strict=True) if known is None]
    read: list[Matches] = []
    while missing:
        part = missing[: _fitting(missing)]
        missing = missing[len(part) :]
        for chunk, matches in zip(part, _read(session, part, filter), strict=True):
            memory.matches.put((chunk.key, filter), matches)
            read.append(matches)
    fresh = iter(read)
    return [next(fresh) if known is None else known for known in found]


def _fitting(chunks: Sequence[Chunk]) -> int:
    """How many of the chunks one query reads; a whole file is read alone, since it may overlap with others."""
    if not chunks[0].expected:
        return 1
    return max(1, int(np.searchsorted(np.cumsum([len(chunk.slices) for chunk in chunks]), _READ_AT_ONCE, side="right")))


def _read(session: Session, chunks: Sequence[Chunk], filter: ExecutionFilter) -> Iterator[Matches]:
    slices = [one for chunk in chunks for one in chunk.slices]
    sql = over("chosen_executions", slices_query("executions", slices), read_sql("warehouse", "list_chunk"))
    rows = session.table(sql, filter.conditions())
    order = pc.sort_indices(rows, sort_keys=[("placed_us", "ascending"), ("id", "ascending")])
    whole = as_matches(rows.take(order))
    if len(chunks) == 1:
        yield whole
        return
    owner = _owners(whole.placed_us, chunks)
    for number in range(len(chunks)):
        mine = np.flatnonzero(owner == number)
        yield Matches(whole.rows.take(mine), whole.placed_us[mine])


def _owners(placed_us: Ints, chunks: Sequence[Chunk]) -> Ints:
    """Which chunk each instant lies in; the chunks do not overlap."""
    order = sorted(range(len(chunks)), key=lambda at: chunks[at].start_us)
    starts = np.array([chunks[at].start_us for at in order], np.int64)
    return np.array(order, np.int64)[np.searchsorted(starts, placed_us, side="right") - 1]


def as_matches(rows: pa.Table) -> Matches:
    """Sorted rows of list_chunk.sql."""
    placed_us = rows["placed_us"].to_numpy()
    return Matches(rows.select(EXECUTIONS.names).cast(EXECUTIONS).combine_chunks(), placed_us)
