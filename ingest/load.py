"""Files into a lake: read, split, normalise, write, in overlapping steps and bounded memory."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import pyarrow as pa

from ingest.aside import set_aside
from ingest.detect import detect
from ingest.format import Normalised
from ingest.formats import FORMATS
from ingest.piece import NO_INDEX, Flaw, Piece, without
from ingest.prefetch import prefetched
from ingest.quarantine import Entry, Quarantine
from ingest.report import FileReport, LoadOptions, LoadReport, Progress, TooManyRejectsError
from ingest.source import Input, find_inputs
from ingest.waiting import Read, Waiting, read_all
from warehouse import clock
from warehouse.duck import Session, connect
from warehouse.lake import Lake
from warehouse.schema import TABLES, Batch
from warehouse.upsert import WriteCounts

WORKERS_MAX: Final = 4
"""Pieces normalised at a time, at most; memory grows with them."""
PIECE_BYTES: Final = 24 << 20
"""Raw bytes of records that are normalised together."""
ENTRIES_MAX: Final = 20_000
ENTRIES_BYTES: Final = 32 << 20
"""Rejects kept in memory before they go to the quarantine."""


def load(
    lake: Lake, paths: Iterable[str | Path], options: LoadOptions | None = None, *, progress: Progress | None = None
) -> LoadReport:
    """Ingest files, folders or standard input into the lake.

    A bad record never stops the load: it goes to the quarantine, durably before the batch it was read with is
    written. Finished records go to the lake, queued and running ones to its hot store. Lists of workflows and n8n's
    insights that lie in a folder are set aside; the names are used. Every batch is one atomic change of the lake, so a
    load that dies loses nothing it wrote, and the same load again gives the same lake.
    Memory: some 1.2 GB at the default `batch_bytes`, whatever the size of the files.
    Raises BadInputError for a path that is not there, TooManyRejectsError, and what lake.load raises.
    """
    options = options or LoadOptions()
    inputs = find_inputs(paths)
    options, aside = set_aside(inputs, options)
    run = _Load(lake, options, [source for source in inputs if source.name not in aside], progress)
    report = run.run()
    report.files += [FileReport(name, set_aside=what) for name, what in aside.items()]
    return report


class _Load:
    """One load: the reader's thread in front, the writer's thread behind, this one between them."""

    def __init__(self, lake: Lake, options: LoadOptions, inputs: Sequence[Input], progress: Progress | None) -> None:
        self._lake = lake
        self._options = options
        self._progress = progress
        self._inputs = inputs
        self._total_bytes = _total(inputs)
        self._quarantine = Quarantine(lake.folder("quarantine"))
        self._report = LoadReport(files=[FileReport(source.name) for source in inputs])
        self._waiting = Waiting()
        self._batch: list[Batch] = []
        self._batch_bytes = 0
        self._record_no = 0
        self._entries: list[Entry] = []
        self._writing: Future[WriteCounts] | None = None
        self._jobs: deque[tuple[Waiting, int, Future[Normalised]]] = deque()
        duck = lake.settings.duck
        self._worker_count = min(duck.threads or len(os.sched_getaffinity(0)), WORKERS_MAX)
        # With one thread a query runs in its worker: whole pieces share the work out better than parts of queries do.
        # Its spilled data lie beside those of the lake's session: two databases must not share such a folder.
        spill_dir = duck.spill_dir or lake.folder(".spill")
        self._duck = connect(replace(duck, threads=1, spill_dir=spill_dir.with_name(f"{spill_dir.name}-load")))
        self._workers = ThreadPoolExecutor(self._worker_count, "normaliser")
        self._sessions: SimpleQueue[Session] = SimpleQueue()
        for _ in range(self._worker_count):
            self._sessions.put(self._duck.fork())

    def run(self) -> LoadReport:
        """All inputs, to the end."""
        started = time.monotonic()
        reads = read_all(self._inputs, self._options)
        try:
            with self._workers, ThreadPoolExecutor(1, "lake-writer") as writer, prefetched(reads, 2) as pieces:
                for read in pieces:
                    self._take(read)
                    if self._batch_bytes >= self._options.batch_bytes or self._too_many():
                        self._hand_over(writer)
                    if self._too_many():
                        break
                self._normalise()
                self._collect(0)
                self._hand_over(writer)
                self._settle()
        finally:
            while not self._sessions.empty():
                self._sessions.get().close()
            self._duck.close()
            self._report.seconds = time.monotonic() - started
        if self._too_many():
            raise TooManyRejectsError(self._report.rejected, self._options.max_rejects or 0, self._report)
        return self._report

    def _take(self, read: Read) -> None:
        """A piece into the waiting room; the waiting ones into rows when there are enough of them."""
        file = self._report.files[read.at]
        self._report.bytes_read += read.read_bytes - file.bytes_read
        file.bytes_read = read.read_bytes
        piece = read.piece
        count = len(piece) + len(piece.flaws)
        file.records += count
        self._report.read += count
        self._refuse(read.at, piece.flaws)
        if len(piece):
            self._sort_in(read.at, file, piece)
        if self._waiting.size_bytes >= PIECE_BYTES:
            self._normalise()
        self._tell()

    def _sort_in(self, at: int, file: FileReport, piece: Piece) -> None:
        """Finds the piece's format, and what is no execution out."""
        if file.format is None:
            if self._options.format != "auto":
                file.format = self._options.format
            else:
                detection = detect(piece.raw)
                if detection.looks_like is not None:
                    reason = f"not an execution: this looks like {detection.looks_like}"
                    self._refuse(at, without(piece, dict.fromkeys(range(len(piece)), reason)).flaws)
                    return
                file.format = detection.format
        name = file.format or "runlake"
        if name != self._waiting.format:
            self._normalise()
            self._waiting.format = name
        self._waiting.add(at, piece)

    def _normalise(self) -> None:
        """What waits goes to the workers; the rows of the oldest that went before are taken when too many are there."""
        waiting, self._waiting = self._waiting, Waiting(self._waiting.format)
        if waiting.pieces:
            first_no, self._record_no = self._record_no, self._record_no + len(waiting)
            rows = self._workers.submit(self._rows, waiting, first_no)
            self._jobs.append((waiting, first_no, rows))
        self._collect(self._worker_count)

    def _rows(self, waiting: Waiting, first_no: int) -> Normalised:
        """Runs in a worker; a session serves one of them at a time."""
        session = self._sessions.get()
        try:
            return FORMATS[waiting.format].normalise(session, waiting.records(first_no), self._options.normalise)
        finally:
            self._sessions.put(session)

    def _collect(self, leave: int) -> None:
        """Rows and rejects of all jobs but the last `leave`, in order, into the batch and the quarantine."""
        while len(self._jobs) > leave:
            waiting, first_no, rows = self._jobs.popleft()
            normalised = rows.result()
            for reject in normalised.rejects.to_pylist():
                at, flaw = waiting.flaw(reject["record_no"] - first_no, reject["reason"])
                self._refuse(at, [flaw], waiting.format, reject["field"], reject["value"])
            self._batch.append(normalised.batch)
            self._batch_bytes += waiting.size_bytes

    def _refuse(
        self,
        at: int,
        flaws: Sequence[Flaw],
        name: str | None = None,
        field: str | None = None,
        value: str | None = None,
    ) -> None:
        rejected_at = clock.now()
        file = self._report.files[at]
        file.rejected += len(flaws)
        self._report.rejected += len(flaws)
        for flaw in flaws:
            index = None if flaw.index == NO_INDEX else flaw.index
            self._entries.append(
                Entry(file.name, flaw.line_no, index, name, field, flaw.reason, value, rejected_at, flaw.raw)
            )
        if len(self._entries) >= ENTRIES_MAX or sum(len(flaw.raw) for flaw in flaws) >= ENTRIES_BYTES:
            self._keep_entries()

    def _keep_entries(self) -> None:
        self._quarantine.add(self._entries)
        self._entries = []

    def _hand_over(self, writer: ThreadPoolExecutor) -> None:
        """The batch to the writer, after its rejects are safe and the batch before is written."""
        self._keep_entries()
        self._settle()
        if self._batch:
            batch, self._batch, self._batch_bytes = _joined(self._batch), [], 0
            self._writing = writer.submit(self._lake.load, batch)

    def _settle(self) -> None:
        """Waits for the batch that is being written, and counts it."""
        if self._writing is not None:
            counts = self._writing.result()
            self._writing = None
            self._report.new += counts.new
            self._report.updated += counts.updated
            self._report.unchanged += counts.unchanged

    def _too_many(self) -> bool:
        allowed = self._options.max_rejects
        return allowed is not None and self._report.rejected > allowed

    def _tell(self) -> None:
        if self._progress is not None:
            report = self._report
            self._progress(report.bytes_read, self._total_bytes, report.read, report.rejected)


def _total(inputs: Iterable[Input]) -> int | None:
    sizes = [source.size_bytes for source in inputs]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _joined(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(*(pa.concat_tables([batch.table(name) for batch in batches]) for name in TABLES))
