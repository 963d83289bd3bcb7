"""The rollups of the live files: built once on an executor, kept on disk beside the lake and mapped in memory."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from warehouse.cells import Cells
from warehouse.clock import now
from warehouse.duck import Session
from warehouse.errors import LakeCorruptError
from warehouse.histogram import Ints
from warehouse.period import from_us
from warehouse.rollup import Rollup, build_rollup, load_rollup, read_hours
from warehouse.snapshot import DataFile

_SUFFIX: Final = ".rollup.arrow"
_MIB: Final = 1 << 20
_PART_AGE_S: Final = 3600


@dataclass(frozen=True, slots=True)
class CachedRollup:
    """A rollup and its place among the others."""

    file: DataFile
    rollup: Rollup
    workflows: Ints
    """The cache's number of each workflow of the file; ascending never, unique always."""


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


class RollupCache:
    """Rollups by data file. Safe for several threads; do not call it from a task of its own executor."""

    def __init__(
        self,
        folder: Path,
        executor: Executor,
        *,
        mapped_limit_bytes: int = 4096 * _MIB,
        rows_limit_bytes: int = 64 * _MIB,
    ) -> None:
        """A cache in `folder` (made if it is missing).

        Args:
            folder: holds one file a data file; anything in it may be deleted at any time.
            executor: where rollups are built; gets `build_rollup` and a DataFile, gives bytes.
            mapped_limit_bytes: how much of the folder stays mapped. Mapped pages are the system's to take back.
            rows_limit_bytes: how much is kept of the narrow rows of hours that a period cuts.
        """
        self._folder = folder
        self._executor = executor
        self._mapped_limit_bytes = mapped_limit_bytes
        self._rows_limit_bytes = rows_limit_bytes
        self._lock = threading.RLock()
        self._build_lock = threading.Lock()
        self._mapped: OrderedDict[str, CachedRollup] = OrderedDict()
        self._mapped_bytes = 0
        self._rows: OrderedDict[tuple[str, int], Cells] = OrderedDict()
        self._rows_bytes = 0
        self._summaries: dict[str, _Summary] = {}
        self._numbers: dict[str | None, int] = {}
        self._ids: list[str | None] = []

    def get(self, files: Sequence[DataFile]) -> list[CachedRollup]:
        """The rollups of these files of `executions`, in order; missing and unreadable ones are built first."""
        found = [self._lookup(file) for file in files]
        missing = [file for file, entry in zip(files, found, strict=True) if entry is None]
        if missing:
            self._build(missing)
            found = [entry or self._open(file) for file, entry in zip(files, found, strict=True)]
        return [entry for entry in found if entry is not None]

    def as_of(self, files: Sequence[DataFile]) -> datetime | None:
        """The newest `updated_at` of all executions in these files. None: there is none."""
        newest = [summary.updated_at_us for summary in self._summarise(files) if summary.updated_at_us is not None]
        return from_us(max(newest)) if newest else None

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
        found: dict[int, Cells] = {}
        with self._lock:
            for hour in hours:
                if (name, hour) in self._rows:
                    self._rows.move_to_end((name, hour))
                    found[hour] = self._rows[name, hour]
        missing = [hour for hour in hours if hour not in found]
        if missing:
            read = read_hours(session, entry.file, missing, entry.rollup.workflow_ids)
            found.update(read)
            with self._lock:
                for hour, cells in read.items():
                    self._keep_rows((name, hour), cells)
        return [found[hour] for hour in hours]

    def workflow_id(self, number: int) -> str | None:
        """The id of a workflow's number."""
        return self._ids[number]

    def workflow_number(self, workflow_id: str) -> int | None:
        """The number of a workflow. None: no file seen so far holds it."""
        return self._numbers.get(workflow_id)

    @property
    def workflow_count(self) -> int:
        """Numbers given so far."""
        return len(self._ids)

    def prune(self, live: Collection[str]) -> int:
        """Forget the rollups of data files that are not among these names; how many files went from the disk."""
        names = set(live)
        with self._lock:
            for name in [name for name in self._mapped if name not in names]:
                self._mapped_bytes -= self._mapped.pop(name).rollup.nbytes
            for name in [name for name in self._summaries if name not in names]:
                del self._summaries[name]
            for key in [key for key in self._rows if key[0] not in names]:
                self._rows_bytes -= self._rows.pop(key).nbytes
        kept = {self._path(name).name for name in names}
        oldest_part_s = now().timestamp() - _PART_AGE_S  # a younger one may be in the hands of another process
        gone = [path for path in self._folder.glob(f"*{_SUFFIX}") if path.name not in kept]
        gone += [path for path in self._folder.glob(f"*{_SUFFIX}.part") if path.stat().st_mtime < oldest_part_s]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def _summarise(self, files: Sequence[DataFile]) -> list[_Summary]:
        """What is kept of each file; those never seen are opened (and built)."""
        unseen = [file for file in files if file.name not in self._summaries]
        summaries = {entry.file.name: _summary(entry.rollup) for entry in self.get(unseen)}
        return [self._summaries.get(file.name) or summaries[file.name] for file in files]

    def _lookup(self, file: DataFile) -> CachedRollup | None:
        """From memory, else from disk. None: it has to be built."""
        with self._lock:
            entry = self._mapped.get(file.name)
            if entry is not None:
                self._mapped.move_to_end(file.name)
                return entry
        try:
            return self._open(file)
        except (OSError, pa.ArrowException, KeyError, IndexError, LakeCorruptError):
            return None  # absent, cut off, or written by another version: derived data, so it is built again

    def _open(self, file: DataFile) -> CachedRollup:
        rollup = load_rollup(self._path(file.name), file)
        with self._lock:
            numbers = np.array([self._number(workflow_id) for workflow_id in rollup.workflow_ids], np.int64)
            entry = CachedRollup(file, rollup, numbers)
            if file.name not in self._mapped:
                self._mapped_bytes += rollup.nbytes
            self._mapped[file.name] = entry
            self._summaries[file.name] = _summary(rollup)
            while self._mapped_bytes > self._mapped_limit_bytes and len(self._mapped) > 1:
                self._mapped_bytes -= self._mapped.popitem(last=False)[1].rollup.nbytes
        return entry

    def _number(self, workflow_id: str | None) -> int:
        number = self._numbers.get(workflow_id)
        if number is None:
            number = self._numbers[workflow_id] = len(self._ids)
            self._ids.append(workflow_id)
        return number

    def _build(self, files: Sequence[DataFile]) -> None:
        """Build and store; another thread that wants the same files waits and finds them done."""
        with self._build_lock:
            missing = [file for file in files if self._lookup(file) is None]
            self._folder.mkdir(parents=True, exist_ok=True)
            tasks = {self._executor.submit(build_rollup, file): file for file in missing}
            try:
                for task in as_completed(tasks):
                    self._store(tasks.pop(task).name, task.result())
            finally:
                for task in tasks:
                    task.cancel()

    def _store(self, name: str, stored: bytes) -> None:
        """Write a rollup so that nobody ever sees half of it, whatever crashes."""
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", suffix=f"{_SUFFIX}.part", delete=False) as part:
            part.write(stored)
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).replace(self._path(name))

    def _keep_rows(self, key: tuple[str, int], cells: Cells) -> None:
        if key not in self._rows:
            self._rows_bytes += cells.nbytes
        self._rows[key] = cells
        while self._rows_bytes > self._rows_limit_bytes and self._rows:
            self._rows_bytes -= self._rows.popitem(last=False)[1].nbytes

    def _path(self, name: str) -> Path:
        return self._folder / (quote(name, safe="=") + _SUFFIX)


def _summary(rollup: Rollup) -> _Summary:
    return _Summary(rollup.updated_at_us, rollup.errors)
