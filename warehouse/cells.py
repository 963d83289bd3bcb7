"""Cells: pre-added counts and times of executions, as columns of numbers, and their addition.

A cell stands for the executions that share a status and whatever keys the cells have (workflow, hour, mode, or the
very instant when a cell is one execution). Counts and sums are 64-bit integers and times are whole microseconds, so
adding cells in any order gives exactly what counting the executions gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from warehouse import histogram
from warehouse.histogram import Ints
from warehouse.results import Totals
from warehouse.schema import STATUSES, UNSUCCESSFUL

Array = npt.NDArray[Any]

NOTHING_MIN: Final = np.iinfo(np.int64).max
"""`min_us` of a cell without a duration."""
NOTHING_MAX: Final = np.iinfo(np.int64).min
"""`max_us` of a cell without a duration."""

MEASURES: Final = ("executions", "timed", "total_us", "min_us", "max_us", "queued", "queue_us")
RANKS: Final = (0.50, 0.95, 0.99)

_STATUS_BASE: Final = 8
_SUCCESS: Final = STATUSES.index("success")
_FAILURES: Final = tuple(STATUSES.index(status) for status in UNSUCCESSFUL)


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells as arrays of one length, and their histogram entries one after the other."""

    keys: Mapping[str, Array]
    """What tells the cells apart; always `status` (position in STATUSES)."""
    measures: Mapping[str, Array]
    """MEASURES: executions; those with a duration, its sum, minimum, maximum; those with a queue time, its sum."""
    entry_ends: Array
    """Where the histogram entries of each cell end; those of cell i begin where those of i-1 end."""
    bucket: Array
    """Histogram bucket of each entry."""
    count: Array
    """Durations in it, at least one."""

    def __len__(self) -> int:
        return len(self.entry_ends)

    def part(self, first: int, last: int) -> Cells:
        """The cells first..last-1."""
        start = int(self.entry_ends[first - 1]) if first else 0
        end = int(self.entry_ends[last - 1]) if last else 0
        return Cells(
            {key: values[first:last] for key, values in self.keys.items()},
            {name: values[first:last] for name, values in self.measures.items()},
            self.entry_ends[first:last] - start,
            self.bucket[start:end],
            self.count[start:end],
        )

    def entries(self) -> Ints:
        """How many histogram entries each cell has."""
        return np.diff(self.entry_ends, prepend=0).astype(np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (*self.keys.values(), *self.measures.values(), self.entry_ends, self.bucket, self.count)
        return sum(array.nbytes for array in arrays)


def merge(parts: Sequence[Cells], owners: Sequence[Ints], key: str) -> Cells:
    """Cells of several files as one: those of equal owner and status added up.

    Args:
        parts: cells; their other keys do not matter.
        owners: to whom each cell belongs (a workflow's number, an hour), not negative; -1 leaves it out.
        key: what the answer calls the owner.

    Returns:
        Cells with the keys `key` and `status`, sorted by both, their histogram entries sorted by bucket.
    """
    groups = [
        np.where(owner < 0, -1, owner * _STATUS_BASE + part.keys["status"])
        for part, owner in zip(parts, owners, strict=True)
    ]
    group = np.concatenate(groups) if groups else np.zeros(0, np.int64)
    order = np.argsort(group, kind="stable")
    order = order[np.searchsorted(group[order], 0) :]
    group = group[order]
    starts = run_starts(group)
    measures: dict[str, Array] = {}
    for name in MEASURES:
        values = np.concatenate([part.measures[name] for part in parts], dtype=np.int64)[order] if parts else group
        add = {"min_us": np.minimum, "max_us": np.maximum}.get(name, np.add)
        measures[name] = add.reduceat(values, starts) if len(values) else values
    owner_of_entry = (
        np.concatenate([np.repeat(g, part.entries()) for part, g in zip(parts, groups, strict=True)])
        if parts
        else group
    )
    bucket = np.concatenate([part.bucket for part in parts]) if parts else group
    count = np.concatenate([part.count for part in parts]) if parts else group
    fine = np.where(owner_of_entry < 0, -1, owner_of_entry * histogram.BUCKETS + bucket)
    order = np.argsort(fine)
    order = order[np.searchsorted(fine[order], 0) :]
    fine = fine[order]
    entry_starts = run_starts(fine)
    fine_group = fine[entry_starts] // histogram.BUCKETS
    ends = np.searchsorted(fine_group, group[starts], side="right")
    return Cells(
        {key: group[starts] // _STATUS_BASE, "status": (group[starts] % _STATUS_BASE).astype(np.int8)},
        measures,
        ends.astype(np.int64),
        (fine[entry_starts] % histogram.BUCKETS).astype(np.uint16),
        np.add.reduceat(count[order], entry_starts, dtype=np.int64) if len(fine) else fine,
    )


def run_starts(ascending: Ints) -> Ints:
    """Where each run of equal numbers begins."""
    if not len(ascending):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))


class Accumulator:
    """Adds cells up into numbered slots (steps of a series, workflows, the whole)."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._by_status = np.zeros((slots, len(STATUSES)), np.int64)
        self._sums = {name: np.zeros(slots, np.int64) for name in ("timed", "total_us", "queued", "queue_us")}
        self._min_us = np.full(slots, NOTHING_MIN, np.int64)
        self._max_us = np.full(slots, NOTHING_MAX, np.int64)
        self._entries: list[tuple[Ints, Array, Array]] = []

    def add_all(self, parts: Iterable[tuple[Cells, Ints]]) -> None:
        """Add cells, each to the slot that stands at its position; a negative slot leaves it out."""
        found = [(cells, slot) for cells, slot in parts if len(slot)]
        if not found:
            return
        every = np.concatenate([slot for _, slot in found])
        kept = np.flatnonzero(every >= 0)
        target = every[kept]
        status = np.concatenate([cells.keys["status"] for cells, _ in found])[kept]
        measures = {
            name: np.concatenate([cells.measures[name] for cells, _ in found], dtype=np.int64)[kept]
            for name in MEASURES
        }
        np.add.at(self._by_status.reshape(-1), target * len(STATUSES) + status, measures["executions"])
        for name, sums in self._sums.items():
            np.add.at(sums, target, measures[name])
        np.minimum.at(self._min_us, target, measures["min_us"])
        np.maximum.at(self._max_us, target, measures["max_us"])
        for cells, slot in found:
            self._add_entries(cells, slot)

    def _add_entries(self, cells: Cells, slot: Ints) -> None:
        """Keep the histogram entries of the cells for later."""
        entry_slot = np.repeat(slot, cells.entries())
        kept = entry_slot >= 0
        if kept.all():
            self._entries.append((entry_slot, cells.bucket, cells.count))
        else:
            self._entries.append((entry_slot[kept], cells.bucket[kept], cells.count[kept]))

    def totals(self) -> list[Totals]:
        """What each slot comes to."""
        parts = self._entries or [(np.zeros(0, np.int64),) * 3]
        slots, buckets, counts = (np.concatenate([part[column] for part in parts]) for column in range(3))
        percentiles_us = histogram.percentiles(slots, buckets, counts, self._min_us, self._max_us, RANKS)
        # Plain numbers column by column: a thousand slots are a thousand answers.
        rows = zip(
            self._by_status.tolist(),
            *(self._sums[name].tolist() for name in ("timed", "total_us", "queued", "queue_us")),
            self._min_us.tolist(),
            self._max_us.tolist(),
            (percentiles_us / 1e6).tolist(),
            strict=True,
        )
        return [_totals(*row) for row in rows]


def _totals(
    by_status: list[int],
    timed: int,
    total_us: int,
    queued: int,
    queue_us: int,
    min_us: int,
    max_us: int,
    percentiles_s: list[float],
) -> Totals:
    """One answer from its sums."""
    p50_s, p95_s, p99_s = percentiles_s if timed else (None, None, None)
    return Totals(
        executions=sum(by_status),
        successes=by_status[_SUCCESS],
        failures=sum(by_status[status] for status in _FAILURES),
        by_status=dict(zip(STATUSES, by_status, strict=True)),
        timed=timed,
        avg_s=total_us / timed / 1e6 if timed else None,
        min_s=min_us / 1e6 if timed else None,
        max_s=max_us / 1e6 if timed else None,
        p50_s=p50_s,
        p95_s=p95_s,
        p99_s=p99_s,
        total_s=total_us / 1e6,
        queue_avg_s=queue_us / queued / 1e6 if queued else None,
    )
