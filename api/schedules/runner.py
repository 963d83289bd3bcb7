"""Working off schedules: what is due is begun, made, delivered; by one process at a time, in steps that survive it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

import msgspec
import zstandard

from api.schedules.deliver import Channels, Outcome, Parcel, deliver
from api.schedules.due import latest_due, next_due
from api.schedules.requests import request_of
from reports.archive import Archive, name_of, slug_of
from reports.condition import parse_condition
from reports.data import make
from reports.delivery.digest import Occasion
from reports.model import ReportModel, from_json, to_json
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.errors import BadInputError, RunlakeError
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.lease import Lease
from warehouse.hot.schedule_rule import Run, Schedule
from warehouse.hot.schedule_runs import (
    LEASE_NAME,
    OpenDelivery,
    anything_due,
    begin_run,
    due_deliveries,
    due_schedules,
    kept_model,
    record_delivered,
    record_made,
    record_not_made,
    record_skipped,
    record_undelivered,
    waiting_runs,
)

BACKOFF_S: Final = (60, 300, 900, 3600, 7200, 14_400, 28_800, 28_800)
"""How long after each failed attempt the next one comes; after as many it is given up (a day)."""
LEASE_S: Final = 300.0
"""How long whoever stands still keeps the others waiting; one that died on this machine is known to at once."""
_LOG: Final = logging.getLogger("runlake.reports")


@dataclass(slots=True)
class Tally:
    """What one pass came to."""

    begun: int = 0
    made: int = 0
    skipped: int = 0
    delivered: int = 0
    failed: int = 0
    """Reports that could not be made, and deliveries that failed; tried again or given up."""


class PassEndedError(Exception):
    """This pass ends early: the process does, or another one works them off now."""


class _NoParcelError(Exception):
    """There is nothing to deliver; the text says why."""


class Runner:
    """Works schedules off. Any number of processes may have one: a lease lets one of them at it."""

    def __init__(
        self,
        house: Warehouse,
        database: Database,
        channels: Channels,
        *,
        public_url: str | None = None,
        keep_days: float | None = None,
        keep_count: int | None = None,
    ) -> None:
        """`keep_days`, `keep_count`: what archive and folders keep; None or 0: everything."""
        self._house, self._database, self._channels = house, database, channels
        self._public_url = public_url
        self._keep_days, self._keep_count = keep_days, keep_count
        self.stopping: Callable[[], bool] = lambda: False
        """Asked between two steps: true ends the pass."""
        self._events = EventLog(database)
        self._lease = Lease(database, LEASE_NAME, duration_s=LEASE_S)
        self._renew_at_s = 0.0
        self._last: tuple[str, Parcel] | None = None

    def pass_over(self, at: datetime | None = None, *, run_id: str | None = None) -> Tally | None:
        """Do all that is due at an instant (None: now). None: another process is at it.

        Where nothing is due that costs a look at three indexes, and writes nothing. `run_id`: of that run only, and no
        new ones are begun.
        """
        at_least = at or now()
        if run_id is None and not anything_due(self._database, at_least):
            return Tally()
        if not self._lease.acquire():
            return None
        self._renew_at_s = time.monotonic() + LEASE_S / 3
        tally = Tally()
        try:
            self._do_all(at, run_id, tally)
        except PassEndedError:
            _LOG.info("working schedules off ends early: the process ends, or another one is at it")
        finally:
            with suppress(RunlakeError):  # it expires
                self._lease.release()
        return tally

    def _do_all(self, at: datetime | None, run_id: str | None, tally: Tally) -> None:
        if run_id is None:
            for schedule in due_schedules(self._database, at or now()):
                self._step()
                tally.begun += self._begin(schedule, at or now())
        for schedule, run in waiting_runs(self._database, at or now(), run_id):
            self._step()
            self._make(schedule, run, at or now(), tally)
        kept_in: set[str] = set()
        for one in due_deliveries(self._database, at or now(), run_id):
            self._step()
            if self._deliver(one, at or now(), tally) and one.record.target.kind in ("archive", "folder"):
                kept_in.add(one.record.target.address or self._channels.archive)
        self._last = None
        for location in sorted(kept_in):
            Archive.open(location).retain(self._keep_days, self._keep_count)

    def _step(self) -> None:
        """Between two steps: is there still time, is it still ours?"""
        if self.stopping():
            raise PassEndedError
        if time.monotonic() >= self._renew_at_s:
            self._must(self._lease.acquire())
            self._renew_at_s = time.monotonic() + LEASE_S / 3

    def _begin(self, schedule: Schedule, at: datetime) -> bool:
        """One run for all the instants that have passed: for the last of them."""
        assert schedule.next_at is not None
        rule = schedule.rule
        try:
            due_at, missed = latest_due(rule.cron, rule.timezone, schedule.next_at, at)
            following = next_due(rule.cron, rule.timezone, max(due_at, at))
        except Exception:  # noqa: BLE001 - a rule that another release took must not keep the others waiting
            _LOG.exception("schedule %s has a rule that cannot be read; it is not due any more", rule.name)
            due_at, missed, following = schedule.next_at, 0, None
        return begin_run(self._lease, schedule, due_at, missed=missed, next_at=following, at=at)

    def _make(self, schedule: Schedule, run: Run, at: datetime, tally: Tally) -> None:
        """Make the report of a run and keep it in the store, or write down why there is none."""
        rule = schedule.rule
        try:
            model = self._model(schedule, run, at)
            why_not = _why_skip(schedule, model)
        except Exception as error:  # noqa: BLE001 - a question that fails today may succeed tomorrow
            tally.failed += 1
            known = isinstance(error, RunlakeError | OSError)
            _LOG.warning("report of schedule %s is not made: %s", rule.name, error, exc_info=None if known else error)
            said = (
                str(error) if isinstance(error, RunlakeError) else f"a fault ({type(error).__name__}); the log says why"
            )
            retry_at = None if isinstance(error, BadInputError) else _retry_at(run.attempts, at, 0)
            self._must(record_not_made(self._lease, self._events, schedule, run, said, retry_at, at), run)
            return
        if why_not is not None:
            self._must(record_skipped(self._lease, run, why_not, at), run)
            tally.skipped += 1
            return
        name = name_of(model.generated_at, slug_of(rule.name))
        packed = zstandard.compress(to_json(model))
        self._must(record_made(self._lease, run, name, packed, rule.targets, at), run)
        tally.made += 1

    def _model(self, schedule: Schedule, run: Run, at: datetime) -> ReportModel:
        request = replace(request_of(schedule.rule, run.at), public_url=self._public_url)
        with self._house.fork(pinned=True, details=True) as still:  # its parts must agree whatever is loaded meanwhile
            return make(still, request, generated_at=at, generator=f"runlake {version('runlake')}")

    def _deliver(self, one: OpenDelivery, at: datetime, tally: Tally) -> bool:
        """Try one delivery; whether it is there."""
        outcome = self._outcome(one)
        if outcome.failure is None:
            if not record_delivered(self._lease, self._events, one, outcome.place, at):
                self._must(self._lease.acquire())
                return False
            tally.delivered += 1
            return True
        tally.failed += 1
        _LOG.warning("report %s, delivery %s: %s", one.run.report, one.record.delivery_id, outcome.failure)
        retry_at = None if outcome.for_good else _retry_at(one.record.attempts, at, outcome.retry_after_s)
        if not record_undelivered(self._lease, self._events, one, outcome.failure, retry_at, at):
            self._must(self._lease.acquire())
        return False

    def _outcome(self, one: OpenDelivery) -> Outcome:
        try:
            parcel = self._parcel(one)
            return deliver(self._channels, one.record.target, parcel, one.record.delivery_id)
        except _NoParcelError as error:
            return Outcome(str(error), for_good=True)
        except Exception as error:  # noqa: BLE001 - a fault of one target must not keep the others waiting
            known = isinstance(error, RunlakeError)
            _LOG.warning("delivery %s: %s", one.record.delivery_id, error, exc_info=None if known else error)
            return Outcome(f"a fault ({type(error).__name__}); the log says why")

    def _parcel(self, one: OpenDelivery) -> Parcel:
        """The report of a delivery; the last one is remembered, since its targets come one after the other."""
        if self._last is not None and self._last[0] == one.run.run_id:
            return self._last[1]
        packed = kept_model(self._database, one.run.run_id)
        if packed is None or one.run.report is None:
            raise _NoParcelError("the report is gone")
        try:
            model = from_json(zstandard.decompress(packed))
        except (zstandard.ZstdError, msgspec.MsgspecError):
            raise _NoParcelError("the report was made by another release and cannot be read") from None
        rule = one.schedule.rule
        workflow_id = rule.workflow_ids[0] if len(rule.workflow_ids) == 1 else None
        parcel = Parcel(model, Occasion(rule.name, one.run.report, self._url(one)), workflow_id)
        self._last = (one.run.run_id, parcel)
        return parcel

    def _url(self, one: OpenDelivery) -> str | None:
        """Page of the report on the server: where the archive keeps it and people can reach it."""
        archived = any(target.kind == "archive" for target in one.schedule.rule.targets)
        if not archived or not self._public_url:
            return None
        return f"{self._public_url.rstrip('/')}/reports/{one.run.report}"

    def _must(self, done: bool, run: Run | None = None) -> None:
        """What was not written down: because the run is gone (removed with its schedule), or the lease."""
        if done or (run is not None and self._lease.acquire()):
            return
        raise PassEndedError


def _why_skip(schedule: Schedule, model: ReportModel) -> str | None:
    """Why nothing is delivered. None: it is."""
    rule = schedule.rule
    if rule.skip_empty and not any(point.executions for point in model.points):
        return "nothing ran in the period"
    if rule.only_when is not None and not parse_condition(rule.only_when).holds(model):
        return f"the condition {rule.only_when!r} does not hold"
    return None


def _retry_at(attempts: int, at: datetime, at_least_s: float) -> datetime | None:
    """When to try again after `attempts` and one more. None: not any more."""
    if attempts >= len(BACKOFF_S):
        return None
    return at + timedelta(seconds=max(BACKOFF_S[attempts], at_least_s))
