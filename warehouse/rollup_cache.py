"""The rollups of the live files: built once on an executor, kept on disk beside the lake and mapped in memory."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from warehouse.cells import Accumulator, Cells, merge
from warehouse.derived import remove_leftovers, write_atomically
from warehouse.duck import Session
from warehouse.errors import LakeCorruptError
from warehouse.histogram import Ints
from warehouse.id_index import index_path
from warehouse.lru import FileMemory, Lru
from warehouse.node_days import NodeDays
from warehouse.period import HOUR_US, day_start_us, from_us
from warehouse.results import Totals
from warehouse.rollup import Rollup, build_rollup, load_rollup, read_hours, read_rollup
from warehouse.schema import STATUSES, Status
from warehouse.snapshot import DataFile

_SUFFIX: Final = ".rollup.arrow"
_MIB: Final = 1 << 20

ALL_HOURS: Final = (1 << 24) - 1
"""All hours of a day as bits."""

Span = tuple[str, int]
"""A data file's name and hours of it as bits."""


@dataclass(frozen=True, slots=True)
class CachedRollup:
    """A rollup and its place among the others."""

    file: DataFile
    rollup: Rollup
    workflows: Ints
    """The cache's number of each workflow of the file, in the order of rollup.workflow_ids."""

    @property
    def nbytes(self) -> int:
        """Bytes it maps."""
        return self.rollup.nbytes


@dataclass(frozen=True, slots=True)
class ErrorSpan:
    """One error group in one set of files."""

    executions: int
    first_at_us: int
    last_at_us: int


@dataclass(frozen=True, slots=True)
class _Summary:
    """What is kept of every live file, whatever is evicted."""

    updated_at_us: int | None
    errors: list[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class _HourTotals:
    """What the hours of several files come to."""

    hours: Ints
    totals: list[Totals]

    @property
    def nbytes(self) -> int:
        """Bytes, about."""
        return self.hours.nbytes + 800 * len(self.totals)


class RollupCache:
    """Rollups by data file. Safe for several threads; do not call it from a task of its own executor."""

    def __init__(
        self,
        folder: Path,
        executor: Executor,
        *,
        mapped_limit_bytes: int = 4096 * _MIB,
        rows_limit_bytes: int = 64 * _MIB,
        merged_limit_bytes: int = 128 * _MIB,
    ) -> None:
        """A cache in `folder` (made if it is missing).

        Args:
            folder: holds one file a data file; anything in it may be deleted at any time.
            executor: where rollups are built; gets `build_rollup` and a DataFile, gives bytes.
            mapped_limit_bytes: how much of the folder stays mapped. Mapped pages are the system's to take back.
            rows_limit_bytes: how much is kept of the narrow rows of hours that a period cuts.
            merged_limit_bytes: how much is kept of the sums over several files.
        """
        self.node_days = NodeDays(folder, executor)
        self._folder = folder
        self._executor = executor
        self._lock = threading.RLock()
        self._build_lock = threading.Lock()
        self._mapped: Lru[str, CachedRollup] = Lru(mapped_limit_bytes)
        self._rows: Lru[tuple[str, int], Cells] = Lru(rows_limit_bytes)
        self._hour_totals: Lru[tuple[tuple[Status, ...], tuple[str, ...]], _HourTotals] = Lru(rows_limit_bytes)
        self.newest_of: FileMemory[tuple[str, ...], datetime | None] = FileMemory()
        """By workflows, the newest `updated_at` of theirs in each file."""
        self._newest: tuple[Sequence[DataFile], datetime | None] = ((), None)
        self._merged: Lru[tuple[str, tuple[Span, ...]], Cells] = Lru(merged_limit_bytes)
        self._summaries: dict[str, _Summary] = {}
        self._numbers: dict[str | None, int] = {}
        self._ids: list[str | None] = []

    def get(self, files: Sequence[DataFile]) -> list[CachedRollup]:
        """The rollups of these files of `executions`, in order; missing and unreadable ones are built first."""
        found = [self._lookup(file) for file in files]
        missing = [file for file, entry in zip(files, found, strict=True) if entry is None]
        if missing:
            built = self._build(missing)
            found = [entry or built[file.name] for file, entry in zip(files, found, strict=True)]
        return [entry for entry in found if entry is not None]

    def peek(self, file: DataFile) -> CachedRollup | None:
        """The rollup of a file if there is one; nothing is built."""
        return self._lookup(file)

    def as_of(self, files: Sequence[DataFile]) -> datetime | None:
        """The newest `updated_at` of all executions in these files. None: there is none.

        From the lake's log; only a file of which the log does not say it is rolled up for this.
        """
        if files is self._newest[0]:  # the very files that were asked for last
            return self._newest[1]
        said = [file.newest_at for file in files if file.newest_at is not None]
        rolled_up = self._summarise([file for file in files if file.newest_at is None])
        counted = [from_us(summary.updated_at_us) for summary in rolled_up if summary.updated_at_us is not None]
        newest_at = max(said + counted, default=None)
        self._newest = files, newest_at
        return newest_at

    def error_spans(self, files: Sequence[DataFile], fingerprints: Collection[str]) -> dict[str, ErrorSpan]:
        """How often, first and last these error groups occur in these files; those that do not are left out."""
        wanted = set(fingerprints)
        spans: dict[str, ErrorSpan] = {}
        for summary in self._summarise(files):
            for fingerprint, executions, first_at_us, last_at_us in summary.errors:
                if fingerprint in wanted:
                    known = spans.get(fingerprint, ErrorSpan(0, first_at_us, last_at_us))
                    spans[fingerprint] = ErrorSpan(
                        known.executions + executions,
                        min(known.first_at_us, first_at_us),
                        max(known.last_at_us, last_at_us),
                    )
        return spans

    def hours(self, session: Session, entry: CachedRollup, hours: Sequence[int]) -> list[Cells]:
        """The executions of some hours (0..23) of the file, a cell each, from memory where they are."""
        name = entry.file.name
        found = {hour: self._rows.get((name, hour)) for hour in hours}
        missing = [hour for hour, cells in found.items() if cells is None]
        if missing:
            for hour, cells in read_hours(session, entry.file, missing, entry.rollup.workflow_ids).items():
                found[hour] = cells
                self._rows.put((name, hour), cells)
        return [cells for cells in found.values() if cells is not None]

    def merged(self, level: Literal["file", "hour", "workflow"], spans: Sequence[tuple[CachedRollup, int]]) -> Cells:
        """The cells of several files as one, remembered for as long as the very same files are asked for.

        A rolling period keeps its inner days from one minute to the next; this is what makes it cheap.

        Args:
            level: file: keys `slot` (0) and `status`; hour: `hour` since 1970; workflow: `workflow`, our number of it.
            spans: rollups and which hours of each (bit 0..23 set; ALL_HOURS: all); parts of a day only by workflow.
        """
        key = level, tuple((entry.file.name, hours) for entry, hours in spans)
        cells = self._merged.get(key)
        if cells is None:
            cells = _merge(level, spans)
            self._merged.put(key, cells)
        return cells

    def hour_totals(
        self, entries: Sequence[CachedRollup], statuses: tuple[Status, ...] = ()
    ) -> tuple[Ints, list[Totals]]:
        """(hours since 1970 with executions, ascending, and what each comes to) of whole files, remembered.

        statuses: only executions with one of these; empty: all.
        """
        key = statuses, tuple(entry.file.name for entry in entries)
        found = self._hour_totals.get(key)
        if found is None:
            cells = self.merged("hour", [(entry, ALL_HOURS) for entry in entries])
            hours, slot = np.unique(cells.keys["hour"], return_inverse=True)
            if statuses:
                allowed = np.array([status in statuses for status in STATUSES])
                slot = np.where(allowed[cells.keys["status"]], slot, -1)
            sums = Accumulator(len(hours))
            sums.add_all([(cells, slot.astype(np.int64))])
            found = _HourTotals(hours.astype(np.int64), sums.totals())
            self._hour_totals.put(key, found)
        return found.hours, found.totals

    def workflow_id(self, number: int) -> str | None:
        """The id of a workflow's number."""
        return self._ids[number]

    @property
    def workflow_count(self) -> int:
        """Numbers given so far."""
        return len(self._ids)

    def differing(self, files: Sequence[DataFile]) -> list[DataFile]:
        """Those of the files whose stored rollup is not what the file gives now; for `verify`. Reads every file."""
        tasks = {self._executor.submit(build_rollup, file): file for file in files if self._path(file.name).exists()}
        return [file for task, file in tasks.items() if task.result() != self._path(file.name).read_bytes()]

    def discard(self, names: Collection[str]) -> None:
        """Drop from memory what belongs to any of these data files."""
        gone = set(names)
        self._mapped.drop(lambda name: name in gone)
        self._rows.drop(lambda key: key[0] in gone)
        self._hour_totals.drop(lambda key: not gone.isdisjoint(key[1]))
        self._merged.drop(lambda key: any(name in gone for name, _ in key[1]))
        self.newest_of.discard(gone)
        with self._lock:
            for name in gone:
                self._summaries.pop(name, None)

    def _summarise(self, files: Sequence[DataFile]) -> list[_Summary]:
        """What is kept of each file; those never seen are opened (and built)."""
        # Looked at once: another thread may discard a file of hot rows meanwhile.
        seen = [self._summaries.get(file.name) for file in files]
        unseen = [file for file, summary in zip(files, seen, strict=True) if summary is None]
        opened = {entry.file.name: _summary(entry.rollup) for entry in self.get(unseen)}
        return [summary or opened[file.name] for file, summary in zip(files, seen, strict=True)]

    def _lookup(self, file: DataFile) -> CachedRollup | None:
        """From memory, else from disk. None: it has to be built."""
        entry = self._mapped.get(file.name)
        if entry is not None or file.hot:
            return entry
        try:
            return self._open(file)
        except (OSError, pa.ArrowException, KeyError, IndexError, LakeCorruptError):
            return None  # absent, cut off, or written by another version: derived data, so it is built again

    def _keep(self, file: DataFile, stored: bytes) -> CachedRollup:
        """Store what was built; of hot rows only in memory."""
        if file.hot:
            return self._take(file, read_rollup(pa.BufferReader(stored), file))
        write_atomically(self._path(file.name), stored)
        return self._open(file)

    def _open(self, file: DataFile) -> CachedRollup:
        return self._take(file, load_rollup(self._path(file.name), file))

    def _take(self, file: DataFile, rollup: Rollup) -> CachedRollup:
        with self._lock:
            numbers = np.array([self._number(workflow_id) for workflow_id in rollup.workflow_ids], np.int64)
            self._summaries[file.name] = _summary(rollup)
        entry = CachedRollup(file, rollup, numbers)
        self._mapped.put(file.name, entry)
        return entry

    def _number(self, workflow_id: str | None) -> int:
        number = self._numbers.get(workflow_id)
        if number is None:
            number = self._numbers[workflow_id] = len(self._ids)
            self._ids.append(workflow_id)
        return number

    def _build(self, files: Sequence[DataFile]) -> dict[str, CachedRollup]:
        """Build and store; another thread that wants the same files waits and finds them done."""
        with self._build_lock:
            found = {file.name: self._lookup(file) for file in files}
            tasks = {self._executor.submit(build_rollup, file): file for file in files if found[file.name] is None}
            try:
                for task in as_completed(tasks):
                    file = tasks.pop(task)
                    found[file.name] = self._keep(file, task.result())
            finally:
                for task in tasks:
                    task.cancel()
        return {name: entry for name, entry in found.items() if entry is not None}

    def _path(self, name: str) -> Path:
        return self._folder / _file_name(name)


def prune_folder(folder: Path, live: Collection[str]) -> int:
    """Delete what is kept of data files that are not among these names (rollups, ids); how many files went."""
    kept = {_file_name(name) for name in live} | {index_path(folder, name).name for name in live}
    kinds = (f"*{_SUFFIX}", "*.ids?.npy")
    gone = [path for kind in kinds for path in folder.glob(kind) if path.name not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone) + remove_leftovers(folder)


def _file_name(name: str) -> str:
    return quote(name, safe="=") + _SUFFIX


def _summary(rollup: Rollup) -> _Summary:
    return _Summary(rollup.updated_at_us, rollup.errors)


def _merge(level: Literal["file", "hour", "workflow"], spans: Sequence[tuple[CachedRollup, int]]) -> Cells:
    if level == "file":
        parts = [entry.rollup.levels["file"] for entry, _ in spans]
        return merge(parts, [np.zeros(len(part), np.int64) for part in parts], "slot")
    if level == "hour":
        parts = [entry.rollup.levels["hour"] for entry, _ in spans]
        first = [day_start_us(entry.file.date) // HOUR_US for entry, _ in spans]
        return merge(
            parts, [hour + part.keys["hour"].astype(np.int64) for hour, part in zip(first, parts, strict=True)], "hour"
        )
    parts, owners = [], []
    for entry, hours in spans:
        part = entry.rollup.levels["workflow" if hours == ALL_HOURS else "cell"]
        owner = entry.workflows[part.keys["workflow"]]
        if hours != ALL_HOURS:
            asked = np.array([bool(hours >> hour & 1) for hour in range(24)])
            owner = np.where(asked[part.keys["hour"]], owner, -1)
        parts.append(part)
        owners.append(owner)
    return merge(parts, owners, "workflow")
