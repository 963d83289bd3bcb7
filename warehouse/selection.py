"""Which cells of which rollups answer a question about windows of time, and which rows have to be read instead.

A file (one UTC date) that lies in one window is answered by its whole-file cells, else hour by hour; an hour that the
border of a window cuts (a rolling period, a zone half an hour off) is answered by its executions themselves. So the
answer always equals a recount.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from warehouse.cells import Cells
from warehouse.duck import Session
from warehouse.histogram import Ints
from warehouse.rollup import Level
from warehouse.rollup_cache import CachedRollup, RollupCache
from warehouse.schema import MODES, STATUSES, Mode, Status

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Filters:
    """Which executions count; empty and None: all."""

    workflow_id: str | None = None
    statuses: tuple[Status, ...] = ()
    modes: tuple[Mode, ...] = ()

    def allowed_statuses(self) -> npt.NDArray[np.bool_]:
        """By position in STATUSES."""
        return np.array([not self.statuses or status in self.statuses for status in STATUSES])

    def allowed_modes(self) -> npt.NDArray[np.bool_]:
        """By position in MODES."""
        return np.array([not self.modes or mode in self.modes for mode in MODES])


@dataclass(frozen=True, slots=True)
class Selected:
    """Cells of one file and the window each belongs to."""

    source: CachedRollup
    cells: Cells
    slot: Ints
    """Window of each cell, 0..; -1: none, or filtered out."""

    @property
    def workflow(self) -> Ints:
        """The cache's number of each cell's workflow; only for cells selected by workflow."""
        return self.source.workflows[self.cells.keys["workflow"]]


def select(
    session: Session,
    rollups: RollupCache,
    entries: Sequence[CachedRollup],
    borders: Ints,
    filters: Filters,
    *,
    by_workflow: bool = False,
) -> list[Selected]:
    """The cells of all executions placed in [borders[0], borders[-1]) that pass the filters.

    Args:
        session: reads the hours that a border cuts.
        rollups: keeps those hours.
        entries: the rollups of the files to look at.
        borders: ascending instants in microseconds since 1970; window i is [borders[i], borders[i + 1]).
        filters: which executions count.
        by_workflow: give cells that know their workflow.
    """
    windows = len(borders) - 1
    starts = np.array([day_start_us(entry.file.date) for entry in entries], np.int64)
    first, last = _window(borders, starts), _window(borders, starts + DAY_US - 1)
    hours = starts[:, None] + np.arange(24) * HOUR_US
    hour_first, hour_last = _window(borders, hours), _window(borders, hours + HOUR_US - 1)
    hour_slot = np.where((hour_first == hour_last) & (hour_first < windows), hour_first, -1)
    found: list[Selected] = []
    for i, entry in enumerate(entries):
        if first[i] == last[i]:
            if 0 <= first[i] < windows:
                cells = _level(entry, _level_of(filters, by_workflow, whole=True), filters)
                found.append(Selected(entry, cells, _passed(cells, np.full(len(cells), first[i]), filters)))
            continue
        cells = _level(entry, _level_of(filters, by_workflow, whole=False), filters)
        found.append(Selected(entry, cells, _passed(cells, hour_slot[i][cells.keys["hour"]], filters)))
        cut = np.flatnonzero(hour_first[i] != hour_last[i])
        found.extend(_cut_hours(session, rollups, entry, cut, borders, filters))
    return found


def day_start_us(day: date) -> int:
    """Midnight UTC of a date, microseconds since 1970."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_US


def _window(borders: Ints, instants: Ints) -> Ints:
    """The window each instant lies in; -1 before the first, the number of windows after the last."""
    return np.searchsorted(borders, instants, side="right").astype(np.int64) - 1


def _level_of(filters: Filters, by_workflow: bool, *, whole: bool) -> Level:
    """The coarsest cells that still know what is asked."""
    if filters.modes:
        return "cell"
    if by_workflow or filters.workflow_id is not None:
        return "workflow" if whole else "cell"
    return "file" if whole else "hour"


def _level(entry: CachedRollup, level: Level, filters: Filters) -> Cells:
    """The cells of a level; of one workflow only when one is asked for."""
    cells = entry.rollup.levels[level]
    if filters.workflow_id is None:
        return cells
    position = _position(entry, filters.workflow_id)
    first, last = np.searchsorted(cells.keys["workflow"], [position, position + 1]) if position >= 0 else (0, 0)
    return cells.part(int(first), int(last))


def _cut_hours(
    session: Session,
    rollups: RollupCache,
    entry: CachedRollup,
    cut: Ints,
    borders: Ints,
    filters: Filters,
) -> list[Selected]:
    """The executions of the hours that a border cuts, each in the window it is placed in."""
    present = set(entry.rollup.levels["hour"].keys["hour"].tolist())
    hours = [hour for hour in cut.tolist() if hour in present]
    position = -1 if filters.workflow_id is None else _position(entry, filters.workflow_id)
    if not hours or (filters.workflow_id is not None and position < 0):
        return []
    found = []
    for cells in rollups.hours(session, entry, hours):
        slot = _window(borders, cells.keys["at_us"])
        slot[slot >= len(borders) - 1] = -1
        if filters.workflow_id is not None:
            slot[cells.keys["workflow"] != position] = -1
        found.append(Selected(entry, cells, _passed(cells, slot, filters)))
    return found


def _passed(cells: Cells, slot: Ints, filters: Filters) -> Ints:
    """The slots, -1 for cells of other statuses and modes."""
    if filters.statuses:
        slot = np.where(filters.allowed_statuses()[cells.keys["status"]], slot, -1)
    if filters.modes:
        slot = np.where(filters.allowed_modes()[cells.keys["mode"]], slot, -1)
    return slot


def _position(entry: CachedRollup, workflow_id: str) -> int:
    """Where the workflow stands among those of the file; -1: the file does not hold it."""
    ids = entry.rollup.workflow_ids
    known = len(ids) - (1 if ids and ids[-1] is None else 0)
    found = bisect_left(ids, workflow_id, hi=known)  # type: ignore[type-var]
    return found if found < known and ids[found] == workflow_id else -1
