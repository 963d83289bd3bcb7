"""Which cells of which rollups answer a question about windows of time, and which rows have to be read instead.

A file (one UTC date) that lies in one window is answered by its whole-file cells, else hour by hour; what is asked of
many files alike is added up once and remembered while the same files are asked for. An hour that the
border of a window cuts (a rolling period, a zone half an hour off) is answered by its executions themselves. So the
answer always equals a recount.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from warehouse.cells import Cells
from warehouse.duck import Session
from warehouse.histogram import Ints
from warehouse.period import DAY_US, HOUR_US, day_start_us
from warehouse.rollup import Level
from warehouse.rollup_cache import ALL_HOURS, CachedRollup, RollupCache
from warehouse.schema import MODES, STATUSES, Mode, Status

_NONE: Final = np.zeros(0, np.int64)


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
    """Cells and the window each belongs to."""

    cells: Cells
    slot: Ints
    """Window of each cell, 0..; -1: none, or filtered out."""
    workflow: Ints
    """The cache's number of each cell's workflow; empty unless selected by workflow."""
    percentiles_us: npt.NDArray[np.float64] | None = None
    """A row a window: the percentiles of its cells here, where they are remembered; else not a number."""


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
    mergeable = not filters.modes and filters.workflow_id is None
    whole: dict[int, list[CachedRollup]] = {}
    inner: list[CachedRollup] = []
    found: list[Selected] = []
    for entry, start_us, one, other in zip(entries, starts.tolist(), first.tolist(), last.tolist(), strict=True):
        if one == other:
            if 0 <= one < windows:
                whole.setdefault(one, []).append(entry)
            continue
        hour_slot, cut = _hours(borders, start_us)
        if mergeable and by_workflow:
            found.extend(_merged_hours(rollups, entry, hour_slot, filters))
        elif mergeable and one >= 0 and other < windows:
            inner.append(entry)
        else:
            cells = _level(entry, "cell" if by_workflow or not mergeable else "hour", filters)
            found.append(_selected(entry, cells, hour_slot[cells.keys["hour"]], filters, by_workflow))
        found.extend(_cut_hours(session, rollups, entry, cut, borders, filters, by_workflow))
    if inner:
        found.append(_merged_series(rollups, inner, borders, filters))
    for slot, group in whole.items():
        found.extend(_whole_files(rollups, group, slot, filters, by_workflow))
    return found


def _hours(borders: Ints, start_us: int) -> tuple[Ints, Ints]:
    """Of the 24 hours of a day: the window that holds each (-1: none does), and those that a border cuts."""
    hours = start_us + np.arange(24) * HOUR_US
    one, other = _window(borders, hours), _window(borders, hours + HOUR_US - 1)
    return np.where((one == other) & (one < len(borders) - 1), one, -1), np.flatnonzero(one != other)


def _whole_files(
    rollups: RollupCache, entries: list[CachedRollup], slot: int, filters: Filters, by_workflow: bool
) -> list[Selected]:
    """Files that lie in one window."""
    if filters.modes or filters.workflow_id is not None:
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


def _merged_series(rollups: RollupCache, entries: list[CachedRollup], borders: Ints, filters: Filters) -> Selected:
    """Files all of whose hours lie in windows, hour by hour."""
    cells = rollups.merged("hour", [(entry, ALL_HOURS) for entry in entries])
    hours = cells.keys["hour"] * HOUR_US
    one, other = _window(borders, hours), _window(borders, hours + HOUR_US - 1)
    found = _merged(cells, np.where(one == other, one, -1), filters)
    return found if filters.statuses else replace(found, percentiles_us=_remembered(rollups, entries, borders))


def _remembered(rollups: RollupCache, entries: list[CachedRollup], borders: Ints) -> npt.NDArray[np.float64]:
    """The percentiles of windows that are one hour, by window."""
    hours, percentiles_us = rollups.hour_percentiles(entries)
    one, other = _window(borders, hours * HOUR_US), _window(borders, (hours + 1) * HOUR_US - 1)
    windows = len(borders) - 1
    inside = np.flatnonzero((one == other) & (one >= 0) & (one < windows))
    alone = inside[np.bincount(one[inside], minlength=windows)[one[inside]] == 1]
    known_us = np.full((windows, percentiles_us.shape[1]), np.nan)
    known_us[one[alone]] = percentiles_us[alone]
    return known_us


def known_percentiles(parts: Sequence[Selected]) -> npt.NDArray[np.float64] | None:
    """The remembered percentiles of those windows that get cells from one part only. None: there are none."""
    known_us = next((part.percentiles_us for part in parts if part.percentiles_us is not None), None)
    if known_us is not None:
        for part in parts:
            if part.percentiles_us is None:
                known_us[part.slot[part.slot >= 0]] = np.nan
    return known_us


def _merged(cells: Cells, slot: Ints, filters: Filters) -> Selected:
    return Selected(cells, _passed(cells, slot, filters), cells.keys.get("workflow", _NONE))


def _selected(entry: CachedRollup, cells: Cells, slot: Ints, filters: Filters, by_workflow: bool) -> Selected:
    workflow = entry.workflows[cells.keys["workflow"]] if by_workflow else _NONE
    return Selected(cells, _passed(cells, slot, filters), workflow)


def _window(borders: Ints, instants: Ints) -> Ints:
    """The window each instant lies in; -1 before the first, the number of windows after the last."""
    return np.searchsorted(borders, instants, side="right").astype(np.int64) - 1


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
    by_workflow: bool,
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
        found.append(_selected(entry, cells, slot, filters, by_workflow))
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
