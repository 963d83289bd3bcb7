"""Which cells of which rollups answer a question about windows of time, and which rows have to be read instead.

A file (one UTC date) that lies in one window is answered by its whole-file cells, else hour by hour; what is asked of
many files alike is added up once and remembered while the same files are asked for. An hour that the
border of a window cuts (a rolling period, a zone half an hour off) is answered by its executions themselves. So the
answer always equals a recount.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from warehouse.cells import Cells
from warehouse.duck import Session
from warehouse.histogram import Ints
from warehouse.period import DAY_US, HOUR_US, day_start_us
from warehouse.results import Totals
from warehouse.rollup import Level
from warehouse.rollup_cache import ALL_HOURS, CachedRollup, RollupCache
from warehouse.schema import MODES, STATUSES, Mode, Status

_NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which executions count: of each, any of the values; empty: all."""

    workflow_ids: tuple[str, ...] = ()
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
    """Cells and the window each belongs to."""

    cells: Cells
    slot: Ints
    """Window of each cell, 0..; -1: none, or filtered out."""
    workflow: Ints
    """The cache's number of each cell's workflow; empty unless selected by workflow."""


@dataclass(frozen=True, slots=True)
class Series:
    """What the windows come to: some are known, the others are to be added up from cells."""

    parts: list[Selected]
    """The cells of the windows that are not known."""
    known: dict[int, Totals]
    """What each of these windows comes to, all in all."""
    known_sum: list[Selected]
    """Cells that the known windows come to together, each cell in slot 0."""


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
        rollups: keeps those hours, and sums over several files.
        entries: the rollups of the files to look at.
        borders: ascending instants in microseconds since 1970; window i is [borders[i], borders[i + 1]).
        filters: which executions count.
        by_workflow: give cells that know their workflow.
    """
    windows = len(borders) - 1
    starts = np.array([day_start_us(entry.file.date) for entry in entries], np.int64)
    first, last = _window(borders, starts), _window(borders, starts + DAY_US - 1)
    mergeable = not filters.modes and not filters.workflow_ids
    whole: dict[int, list[CachedRollup]] = {}
    found: list[Selected] = []
    for entry, start_us, one, other in zip(entries, starts.tolist(), first.tolist(), last.tolist(), strict=True):
        if one == other:
            if 0 <= one < windows:
                whole.setdefault(one, []).append(entry)
            continue
        hour_slot, cut = _hours(borders, start_us)
        if mergeable and by_workflow:
            found.extend(_merged_hours(rollups, entry, hour_slot, filters))
        else:
            cells = _level(entry, "cell" if by_workflow or not mergeable else "hour", filters)
            found.append(_selected(entry, cells, hour_slot[cells.keys["hour"]], filters, by_workflow))
        found.extend(_cut_hours(session, rollups, entry, cut, borders, filters, by_workflow))
    for slot, group in whole.items():
        found.extend(_whole_files(rollups, group, slot, filters, by_workflow))
    return found


def select_series(
    session: Session, rollups: RollupCache, entries: Sequence[CachedRollup], borders: Ints, filters: Filters
) -> Series:
    """The same, where windows that are whole hours of whole days need not be added up again each time.

    They are remembered while the same files are asked for: a rolling period keeps its inner hours from one minute to
    the next. The first window is the period before, which is never one of them.
    """
    if filters.modes or filters.workflow_ids or len(borders) < 3:
        return Series(select(session, rollups, entries, borders, filters), {}, [])
    starts = np.array([day_start_us(entry.file.date) for entry in entries], np.int64)
    is_inner = (starts >= borders[1]) & (starts + DAY_US <= borders[-1])
    is_inner &= _window(borders, starts) != _window(borders, starts + DAY_US - 1)
    inner = [entry for entry, one in zip(entries, is_inner.tolist(), strict=True) if one]
    outer = [entry for entry, one in zip(entries, is_inner.tolist(), strict=True) if not one]
    hours, totals = rollups.hour_totals(inner, filters.statuses) if inner else (_NONE, [])
    windows = np.searchsorted(borders, hours * HOUR_US)
    if not len(hours) or not (
        np.array_equal(borders[windows], hours * HOUR_US)
        and np.array_equal(borders[windows + 1], (hours + 1) * HOUR_US)
    ):
        return Series(select(session, rollups, entries, borders, filters), {}, [])
    cells = rollups.merged("file", [(entry, ALL_HOURS) for entry in inner])
    together = _merged(cells, np.zeros(len(cells), np.int64), filters)
    # Files of one date are all inner or none is, so nothing else lies in these windows.
    parts = select(session, rollups, outer, borders, filters)
    return Series(parts, dict(zip(windows.tolist(), totals, strict=True)), [together])


def _hours(borders: Ints, start_us: int) -> tuple[Ints, Ints]:
    """Of the 24 hours of a day: the window that holds each (-1: none does), and those that a border cuts."""
    hours = start_us + np.arange(24) * HOUR_US
    one, other = _window(borders, hours), _window(borders, hours + HOUR_US - 1)
    return np.where((one == other) & (one < len(borders) - 1), one, -1), np.flatnonzero(one != other)


def _whole_files(
    rollups: RollupCache, entries: list[CachedRollup], slot: int, filters: Filters, by_workflow: bool
) -> list[Selected]:
    """Files that lie in one window."""
    if filters.modes or filters.workflow_ids:
        parts = [(entry, _level(entry, "cell" if filters.modes else "workflow", filters)) for entry in entries]
        return [_selected(entry, cells, np.full(len(cells), slot), filters, by_workflow) for entry, cells in parts]
    cells = rollups.merged("workflow" if by_workflow else "file", [(entry, ALL_HOURS) for entry in entries])
    return [_merged(cells, np.full(len(cells), slot), filters)]


def _merged_hours(rollups: RollupCache, entry: CachedRollup, hour_slot: Ints, filters: Filters) -> list[Selected]:
    """A file of whose hours some lie in one window and some in another, by workflow."""
    found = []
    for slot in np.unique(hour_slot[hour_slot >= 0]).tolist():
        hours = sum(1 << hour for hour in np.flatnonzero(hour_slot == slot).tolist())
        cells = rollups.merged("workflow", [(entry, hours)])
        found.append(_merged(cells, np.full(len(cells), slot), filters))
    return found


def _merged(cells: Cells, slot: Ints, filters: Filters) -> Selected:
    return Selected(cells, _passed(cells, slot, filters), cells.keys.get("workflow", _NONE))


def _selected(entry: CachedRollup, cells: Cells, slot: Ints, filters: Filters, by_workflow: bool) -> Selected:
    workflow = entry.workflows[cells.keys["workflow"]] if by_workflow else _NONE
    slot = _of_workflows(entry, cells, _passed(cells, slot, filters), filters)
    return Selected(cells, slot, workflow)


def _of_workflows(entry: CachedRollup, cells: Cells, slot: Ints, filters: Filters) -> Ints:
    """The slots, -1 for cells of other workflows."""
    if not filters.workflow_ids:
        return slot
    return np.where(np.isin(cells.keys["workflow"], _positions(entry, filters.workflow_ids)), slot, -1)


def hourly_matches(entry: CachedRollup, filters: Filters) -> Ints:
    """How many executions of the file pass the filters, by hour of its date (24 numbers)."""
    cells = _level(entry, "cell" if filters.modes or filters.workflow_ids else "hour", filters)
    hours = cells.keys["hour"].astype(np.int64)
    hour = _of_workflows(entry, cells, _passed(cells, hours, filters), filters)
    chosen = np.flatnonzero(hour >= 0)
    return np.bincount(hour[chosen], cells.measures["executions"][chosen], 24).astype(np.int64)


def _window(borders: Ints, instants: Ints) -> Ints:
    """The window each instant lies in; -1 before the first, the number of windows after the last."""
    return np.searchsorted(borders, instants, side="right").astype(np.int64) - 1


def _level(entry: CachedRollup, level: Level, filters: Filters) -> Cells:
    """The cells of a level; of one workflow only when one is asked for."""
    cells = entry.rollup.levels[level]
    if len(filters.workflow_ids) != 1:
        return cells
    positions = _positions(entry, filters.workflow_ids)
    first, last = np.searchsorted(cells.keys["workflow"], [positions[0], positions[0] + 1]) if positions else (0, 0)
    return cells.part(int(first), int(last))


def _cut_hours(
    session: Session,
    rollups: RollupCache,
    entry: CachedRollup,
    cut: Ints,
    borders: Ints,
    filters: Filters,
    by_workflow: bool,
) -> list[Selected]:
    """The executions of the hours that a border cuts, each in the window it is placed in."""
    present = set(entry.rollup.levels["hour"].keys["hour"].tolist())
    hours = [hour for hour in cut.tolist() if hour in present]
    if not hours or (filters.workflow_ids and not _positions(entry, filters.workflow_ids)):
        return []
    found = []
    for cells in rollups.hours(session, entry, hours):
        slot = _window(borders, cells.keys["at_us"])
        slot[slot >= len(borders) - 1] = -1
        found.append(_selected(entry, cells, slot, filters, by_workflow))
    return found


def _passed(cells: Cells, slot: Ints, filters: Filters) -> Ints:
    """The slots, -1 for cells of other statuses and modes."""
    if filters.statuses:
        slot = np.where(filters.allowed_statuses()[cells.keys["status"]], slot, -1)
    if filters.modes:
        slot = np.where(filters.allowed_modes()[cells.keys["mode"]], slot, -1)
    return slot


def _positions(entry: CachedRollup, workflow_ids: Sequence[str]) -> list[int]:
    """Where these workflows stand among those of the file; those it does not hold are left out."""
    ids = entry.rollup.workflow_ids
    known = len(ids) - (1 if ids and ids[-1] is None else 0)
    found = []
    for workflow_id in workflow_ids:
        place = bisect_left(ids, workflow_id, hi=known)  # type: ignore[type-var]
        if place < known and ids[place] == workflow_id:
            found.append(place)
    return found
