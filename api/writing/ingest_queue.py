"""Group commit: records of requests that come at the same time are normalised and written together.

Two threads, so that one group is normalised while the one before it is written. A group is whatever waits when the
normaliser is free: a lone request never waits for others, and a crowd shares what a query and a commit cost.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Queue
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from api.refusals import execution_not_found
from ingest.columns import flat, numbers
from ingest.format import Format, NormaliseOptions
from ingest.piece import Ints
from ingest.records import BodyRows, Records, Reject, lines_as_one, normalise_together, refuse_foreign, without_records
from warehouse.duck import Session
from warehouse.errors import HotStoreError, LakeError
from warehouse.schema import TABLES, Batch

GROUP_BYTES: Final = 16 << 20
"""Raw bytes of records that are written together; a single larger body goes alone."""

FOREIGN: Final = Reject("workflowId", "this token may not write records of this workflow", kind="foreign")
FOREIGN_ID: Final = Reject("id", "this token may not write to the execution of this id", kind="foreign")

_LOG: Final = logging.getLogger("runlake.api.ingest")


class Writer(Protocol):
    """What the queue needs of the store."""

    def write(self, batch: Batch) -> pa.Array:
        """Make the batch durable; new, updated or unchanged of each record, in the order of `record_no`."""
        ...

    def workflows_of(self, ids: pa.Array) -> dict[str, str | None]:
        """The workflow of each of these ids that is known; ids that are not are left out."""
        ...


@dataclass(frozen=True, slots=True)
class BodyOutcome:
    """What became of the records of one body; all of it is durable."""

    rows: BodyRows
    record_no: Ints
    """Of the accepted records, ascending."""
    ids: pa.Array
    outcomes: pa.Array
    """new, updated or unchanged."""


@dataclass(slots=True)
class _Job:
    """One body on its way."""

    records: Records
    workflow_ids: frozenset[str] | None
    """Only records of these may be written; None: any."""
    execution_id: str | None
    """The records are log lines of this execution (see ingest.records.line_records)."""
    done: Future[BodyOutcome] = field(default_factory=Future)
    rows: BodyRows | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    batch: Batch
    jobs: list[_Job]


class IngestQueue:
    """Bodies in, outcomes out. `submit` from any thread; `close` finishes what waits."""

    def __init__(self, writer: Writer, session: Session, form: Format, options: NormaliseOptions) -> None:
        self._writer = writer
        self._session = session
        self._form = form
        self._options = options
        self._waiting: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._ready: Queue[_Group | None] = Queue(1)
        self._threads = [
            threading.Thread(target=self._normalise_all, name="ingest-normaliser", daemon=True),
            threading.Thread(target=self._write_all, name="ingest-writer", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, records: Records, workflow_ids: frozenset[str] | None = None, execution_id: str | None = None
    ) -> Future[BodyOutcome]:
        """The outcome, once it is durable. The future raises what the store raised: then nothing of it was written;
        for log lines ApiError 404 when there is no such execution.
        """
        job = _Job(records, workflow_ids, execution_id)
        with self._wake:
            if self._closing:
                raise HotStoreError("the server is stopping")
            self._waiting.append(job)
            self._wake.notify()
        return job.done

    def close(self) -> None:
        """Write what waits, and end the threads."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        for thread in self._threads:
            thread.join()
        self._session.close()

    def _take(self) -> list[_Job]:
        """What waits, up to GROUP_BYTES; empty: there will be no more."""
        jobs: list[_Job] = []
        size_bytes = 0
        with self._wake:
            while not jobs:
                self._wake.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    break
                while self._waiting and (not jobs or size_bytes + self._waiting[0].records.size_bytes <= GROUP_BYTES):
                    job = self._waiting.popleft()
                    if job.done.set_running_or_notify_cancel():  # else nobody waits for it any more
                        jobs.append(job)
                        size_bytes += job.records.size_bytes
        return jobs

    def _normalise_all(self) -> None:
        while jobs := self._take():
            for group in self._groups(jobs):
                self._ready.put(group)
        self._ready.put(None)

    def _groups(self, jobs: list[_Job]) -> list[_Group]:
        """The jobs as one group; when that fails, one by one, so that a body fails for its own records only."""
        try:
            return [self._group(jobs)]
        except Exception as error:  # noqa: BLE001 - goes to the requests it belongs to
            if len(jobs) == 1:
                jobs[0].done.set_exception(error)
                return []
            _LOG.warning("%d bodies could not be normalised together: %s", len(jobs), type(error).__name__)
        return [group for job in jobs for group in self._groups([job])]

    def _group(self, jobs: list[_Job]) -> _Group:
        batch, rows = normalise_together(self._session, self._form, [job.records for job in jobs], self._options)
        for job, own in zip(jobs, rows, strict=True):
            job.rows = own
            if job.execution_id is not None:
                batch = lines_as_one(batch, own, job.execution_id)
            elif job.workflow_ids is not None:
                batch = refuse_foreign(batch, own, job.workflow_ids, FOREIGN)
        return _Group(batch, jobs)

    def _write_all(self) -> None:
        while (group := self._ready.get()) is not None:
            self._write(group)

    def _write(self, group: _Group) -> None:
        try:
            group = self._permitted(group)
            batch = group.batch
            outcomes = self._writer.write(batch) if batch.executions.num_rows else pa.array([], pa.string())
            order = np.argsort(numbers(batch.executions.column("record_no")), kind="stable")
            record_no = numbers(batch.executions.column("record_no"))[order]
            ids = flat(batch.executions.column("id")).take(pa.array(order))
            for job in group.jobs:
                job.done.set_result(_outcome(job, record_no, ids, outcomes))
        except Exception as error:  # noqa: BLE001 - goes to the requests it belongs to
            if len(group.jobs) == 1 or isinstance(error, HotStoreError | LakeError | OSError):
                for job in group.jobs:
                    if not job.done.done():
                        job.done.set_exception(error)
                return
            _LOG.warning("%d bodies could not be written together: %s", len(group.jobs), type(error).__name__)
            for job in group.jobs:
                self._write(_Group(_only(group.batch, job), [job]))

    def _permitted(self, group: _Group) -> _Group:
        """The group without lines of executions that are not there, and without records of bound tokens whose id is
        another workflow's. Both only as far as is known right before writing.
        """
        batch, jobs = group.batch, []
        for job in group.jobs:
            rows, allowed = _rows(job), job.workflow_ids
            if job.execution_id is not None:
                found = self._writer.workflows_of(pa.array([job.execution_id], pa.string()))
                if not found or (allowed is not None and found[job.execution_id] not in allowed):
                    batch = without_records(batch, numbers(_only(batch, job).executions.column("record_no")))
                    job.done.set_exception(execution_not_found(job.execution_id))
                    continue
            elif allowed is not None:
                own = _only(batch, job).executions
                found = self._writer.workflows_of(flat(own.column("id"))) if own.num_rows else {}
                taken = {one for one, workflow_id in found.items() if workflow_id not in allowed}
                pairs = zip(own.column("record_no").to_pylist(), own.column("id").to_pylist(), strict=True)
                refused = [number for number, one in pairs if one in taken]
                for number in refused:
                    rows.rejects[int(rows.records.place[number - rows.first_no])] = FOREIGN_ID
                batch = without_records(batch, np.array(refused, np.int64))
            jobs.append(job)
        return _Group(batch, jobs)


def _rows(job: _Job) -> BodyRows:
    assert job.rows is not None
    return job.rows


def _own(job: _Job, record_no: Ints) -> npt.NDArray[np.bool_]:
    first = _rows(job).first_no
    found: npt.NDArray[np.bool_] = (record_no >= first) & (record_no < first + len(job.records.raw))
    return found


def _only(batch: Batch, job: _Job) -> Batch:
    """What of the batch belongs to one body."""
    parts = (batch.table(name) for name in TABLES)
    return Batch(*(rows.filter(pa.array(_own(job, numbers(rows.column("record_no"))))) for rows in parts))


def _outcome(job: _Job, record_no: Ints, ids: pa.Array, outcomes: pa.Array) -> BodyOutcome:
    first = _rows(job).first_no
    begin, end = np.searchsorted(record_no, [first, first + len(job.records.raw)]).tolist()
    part = slice(begin, end)
    return BodyOutcome(_rows(job), record_no[part], ids[part], outcomes[part])
