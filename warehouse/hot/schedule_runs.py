"""Runs of schedules as whoever holds the lease works them off: each step is one transaction.

due -> a run that waits -> made (with a delivery for each target) or skipped -> delivered, or given up

Nothing is written without the lease. So a run is begun once for each instant, its report is made once, and a target
that has it does not get it again, whatever dies in between; only what was handed over and could not be written down
any more is handed over again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.event_schema import NewEvent
from warehouse.hot.lease import Lease
from warehouse.hot.schedule_rule import DeliveryRecord, Run, Schedule, Target
from warehouse.hot.schedule_tables import report_deliveries, report_runs, report_schedules
from warehouse.hot.schedules import delivery_of, new_run, run_of, schedule_of

LEASE_NAME: Final = "reports"
KEPT_DAYS: Final = 400
"""How long runs stay in the history."""


@dataclass(frozen=True, slots=True)
class OpenDelivery:
    """A delivery that is due, and what it belongs to."""

    schedule: Schedule
    run: Run
    record: DeliveryRecord


def anything_due(database: Database, at: datetime) -> bool:
    """Is there something to do? Writes nothing."""
    questions = (
        sa.select(report_schedules.c.schedule_id).where(report_schedules.c.next_at <= at),
        sa.select(report_runs.c.run_id).where(report_runs.c.state == "waiting", report_runs.c.due_at <= at),
        sa.select(report_deliveries.c.run_id).where(
            report_deliveries.c.state == "open", report_deliveries.c.due_at <= at
        ),
    )
    with database.read() as connection:
        return any(connection.execute(question.limit(1)).first() is not None for question in questions)


def due_schedules(database: Database, at: datetime) -> list[Schedule]:
    """Those whose instant has come, the longest waiting first."""
    due = report_schedules.c.next_at <= at
    query = sa.select(report_schedules).where(due).order_by(report_schedules.c.next_at, report_schedules.c.name)
    with database.read() as connection:
        return [schedule_of(row) for row in connection.execute(query).mappings()]


def begin_run(
    lease: Lease, schedule: Schedule, due_at: datetime, *, missed: int, next_at: datetime | None, at: datetime
) -> bool:
    """Write down that a schedule is due, and when it is next; False: the lease is lost, or it was changed meanwhile."""
    with lease.database.write() as connection:
        if not lease.held_in(connection):
            return False
        as_read = sa.and_(
            report_schedules.c.schedule_id == schedule.schedule_id,
            report_schedules.c.revision == schedule.revision,
            report_schedules.c.next_at == schedule.next_at,
        )
        if not connection.execute(sa.update(report_schedules).where(as_read).values(next_at=next_at)).rowcount:
            return False
        connection.execute(sa.insert(report_runs).values(new_run(schedule.schedule_id, "due", due_at, at, missed)))
        _forget(connection, schedule.schedule_id, at - timedelta(days=KEPT_DAYS))
    return True


def waiting_runs(database: Database, at: datetime, run_id: str | None = None) -> list[tuple[Schedule, Run]]:
    """Runs whose report is to be made (again), the oldest first; with `run_id` that one only."""
    which = sa.and_(report_runs.c.state == "waiting", report_runs.c.due_at <= at)
    query = (
        sa.select(report_schedules.c.schedule_id.label("of"), *_WITHOUT_MODEL)
        .join_from(report_runs, report_schedules, report_schedules.c.schedule_id == report_runs.c.schedule_id)
        .where(which if run_id is None else sa.and_(which, report_runs.c.run_id == run_id))
        .order_by(report_runs.c.due_at, report_runs.c.run_id)
    )
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
        schedules = _schedules(connection, {row["schedule_id"] for row in rows})
    return [(schedules[row["schedule_id"]], run_of(row, ())) for row in rows]


def record_made(lease: Lease, run: Run, report: str, model: bytes, targets: Sequence[Target], at: datetime) -> bool:
    """The report is made: keep it until every target has it. False: the lease is lost, or the run is gone."""
    with lease.database.write() as connection:
        values: dict[str, Any] = {"state": "delivering", "report": report, "model": model, "failure": None}
        values["attempts"] = run.attempts + 1
        if not lease.held_in(connection) or not _change_run(connection, run, "waiting", values):
            return False
        rows = [
            {
                "delivery_id": f"rd_{secrets.token_hex(8)}",
                "run_id": run.run_id,
                "schedule_id": run.schedule_id,
                "target_no": number,
                "target": asdict(target),
                "state": "open",
                "attempts": 0,
                "due_at": at,
            }
            for number, target in enumerate(targets)
        ]
        connection.execute(sa.insert(report_deliveries), rows)
    return True


def record_skipped(lease: Lease, run: Run, why: str, at: datetime) -> bool:
    """Nothing is delivered, for this reason. False: the lease is lost, or the run is gone."""
    with lease.database.write() as connection:
        values = {"state": "skipped", "failure": why, "attempts": run.attempts + 1, "settled_at": at}
        return lease.held_in(connection) and _change_run(connection, run, "waiting", values)


def record_not_made(
    lease: Lease, events: EventLog, schedule: Schedule, run: Run, failure: str, retry_at: datetime | None, at: datetime
) -> bool:
    """The report could not be made: tried again at `retry_at`, or given up (None). False: the lease is lost."""
    with lease.database.write() as connection:
        values: dict[str, Any] = {"failure": failure, "attempts": run.attempts + 1}
        values |= {"state": "failed", "settled_at": at} if retry_at is None else {"due_at": retry_at}
        if not lease.held_in(connection) or not _change_run(connection, run, "waiting", values):
            return False
        if retry_at is None or run.attempts == 0:
            data = {"target": None, "attempts": run.attempts + 1, "final": retry_at is None}
            events.append(connection, [_event("report.failed", schedule, run, data, at)])
    return True


def due_deliveries(database: Database, at: datetime, run_id: str | None = None) -> list[OpenDelivery]:
    """Deliveries that are due, the oldest first; with `run_id` of that run only."""
    which = sa.and_(report_deliveries.c.state == "open", report_deliveries.c.due_at <= at)
    query = (
        sa.select(report_deliveries)
        .where(which if run_id is None else sa.and_(which, report_deliveries.c.run_id == run_id))
        .order_by(report_deliveries.c.due_at, report_deliveries.c.run_id, report_deliveries.c.target_no)
    )
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
        mine = report_runs.c.run_id.in_({row["run_id"] for row in rows})
        found = connection.execute(sa.select(*_WITHOUT_MODEL).where(mine)).mappings()
        runs = {row["run_id"]: run_of(row, ()) for row in found}
        schedules = _schedules(connection, {row["schedule_id"] for row in rows})
    return [OpenDelivery(schedules[row["schedule_id"]], runs[row["run_id"]], delivery_of(row)) for row in rows]


def kept_model(database: Database, run_id: str) -> bytes | None:
    """The report of a run as record_made took it. None: all of its deliveries are settled, or it is gone."""
    with database.read() as connection:
        wanted = sa.select(report_runs.c.model).where(report_runs.c.run_id == run_id)
        found: bytes | None = connection.execute(wanted).scalar_one_or_none()
    return None if found is None else bytes(found)


def record_delivered(lease: Lease, events: EventLog, one: OpenDelivery, place: str | None, at: datetime) -> bool:
    """A target has the report. False: the lease is lost, or the delivery is gone."""
    values = {"state": "delivered", "place": place, "failure": None, "settled_at": at}
    return _record_attempt(lease, events, one, values, "report.delivered", {}, at)


def record_undelivered(
    lease: Lease, events: EventLog, one: OpenDelivery, failure: str, retry_at: datetime | None, at: datetime
) -> bool:
    """A target has not taken it: tried again at `retry_at`, or given up (None). False: the lease is lost.

    The first failure of a delivery is an event, and so is giving up.
    """
    final = retry_at is None
    values = {"failure": failure} | ({"state": "failed", "settled_at": at} if final else {"due_at": retry_at})
    kind: _Told | None = "report.failed" if final or one.record.attempts == 0 else None
    return _record_attempt(lease, events, one, values, kind, {"final": final}, at)


_Told = Literal["report.delivered", "report.failed"]
_WITHOUT_MODEL: Final = tuple(column for column in report_runs.c if column.name != "model")


def _record_attempt(
    lease: Lease,
    events: EventLog,
    one: OpenDelivery,
    values: dict[str, Any],
    told: _Told | None,
    data: dict[str, Any],
    at: datetime,
) -> bool:
    with lease.database.write() as connection:
        mine = sa.and_(report_deliveries.c.delivery_id == one.record.delivery_id, report_deliveries.c.state == "open")
        attempts = one.record.attempts + 1
        changed = sa.update(report_deliveries).where(mine).values(**values, attempts=attempts)
        if not lease.held_in(connection) or not connection.execute(changed).rowcount:
            return False
        _settle_run(connection, one.run, at)
        if told is not None:
            data = {"target": one.record.target.kind, "attempts": attempts, **data}
            events.append(connection, [_event(told, one.schedule, one.run, data, at)])
    return True


def _settle_run(connection: sa.Connection, run: Run, at: datetime) -> None:
    """When no delivery is open any more the run is over, and its report is not kept here any longer."""
    states = connection.execute(
        sa.select(report_deliveries.c.state).where(report_deliveries.c.run_id == run.run_id)
    ).scalars().all()  # fmt: skip
    if "open" in states:
        return
    state = "failed" if "failed" in states else "delivered"
    _change_run(connection, run, "delivering", {"state": state, "model": None, "settled_at": at})


def _change_run(connection: sa.Connection, run: Run, state: str, values: dict[str, Any]) -> bool:
    mine = sa.and_(report_runs.c.run_id == run.run_id, report_runs.c.state == state)
    return bool(connection.execute(sa.update(report_runs).where(mine).values(values)).rowcount)


def _schedules(connection: sa.Connection, ids: Collection[str]) -> dict[str, Schedule]:
    query = sa.select(report_schedules).where(report_schedules.c.schedule_id.in_(ids))
    return {row["schedule_id"]: schedule_of(row) for row in connection.execute(query).mappings()}


def _forget(connection: sa.Connection, schedule_id: str, before: datetime) -> None:
    """What was settled long ago."""
    old = sa.and_(report_runs.c.schedule_id == schedule_id, report_runs.c.settled_at < before)
    theirs = report_deliveries.c.run_id.in_(sa.select(report_runs.c.run_id).where(old))
    connection.execute(sa.delete(report_deliveries).where(theirs))
    connection.execute(sa.delete(report_runs).where(old))


def _event(kind: _Told, schedule: Schedule, run: Run, data: dict[str, Any], at: datetime) -> NewEvent:
    """Says not to whom: more may read events than schedules."""
    rule = schedule.rule
    told = {"scheduleId": schedule.schedule_id, "schedule": rule.name, "runId": run.run_id, "report": run.report}
    workflow_id = rule.workflow_ids[0] if len(rule.workflow_ids) == 1 else None
    return NewEvent(kind, at, {**told, **data}, workflow_id=workflow_id)
