"""Schedules of reports in the hot store: made, listed, paused, told to run, removed; their history."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from warehouse.errors import BadInputError
from warehouse.hot.database import Database
from warehouse.hot.schedule_rule import DeliveryRecord, Run, Schedule, ScheduleRule, Target
from warehouse.hot.schedule_tables import report_deliveries, report_runs, report_schedules

SCHEDULES_MAX: Final = 1000


def add_schedule(database: Database, rule: ScheduleRule, next_at: datetime | None, *, paused: bool = False) -> Schedule:
    """Store a new schedule. Raises BadInputError when its name is taken, or when there are SCHEDULES_MAX already."""
    with database.write() as connection:
        if not database.is_sqlite:  # READ COMMITTED: two could take one name
            connection.execute(sa.text("LOCK TABLE report_schedules IN SHARE ROW EXCLUSIVE MODE"))
        count = connection.execute(sa.select(sa.func.count()).select_from(report_schedules)).scalar_one()
        if count >= SCHEDULES_MAX:
            raise BadInputError(f"there are {count} schedules; at most {SCHEDULES_MAX} are allowed: remove one first")
        taken = sa.select(report_schedules.c.schedule_id).where(report_schedules.c.name == rule.name)
        if connection.execute(taken).first() is not None:
            raise BadInputError(
                f"there is a schedule named {rule.name!r} already; choose another name", field="name", value=rule.name
            )
        at = database.now(connection)
        row = {
            "schedule_id": f"sc_{secrets.token_hex(8)}",
            "name": rule.name,
            "paused": paused,
            "revision": 1,
            "rule": rule.to_json(),
            "created_at": at,
            "updated_at": at,
            "next_at": None if paused else next_at,
        }
        made = sa.insert(report_schedules).values(row).returning(*report_schedules.c)
        return schedule_of(connection.execute(made).mappings().one())


def list_schedules(database: Database, workflow_ids: Collection[str] | None = None) -> list[Schedule]:
    """All schedules by name; with `workflow_ids` only those about nothing but these."""
    with database.read() as connection:
        rows = connection.execute(sa.select(report_schedules).order_by(report_schedules.c.name)).mappings().all()
    found = [schedule_of(row) for row in rows]
    if workflow_ids is None:
        return found
    return [one for one in found if one.rule.workflow_ids and set(one.rule.workflow_ids) <= set(workflow_ids)]


def find_schedule(database: Database, id_or_name: str) -> Schedule | None:
    """The schedule of that id, else of that name. None: there is none."""
    mine = (report_schedules.c.schedule_id == id_or_name) | (report_schedules.c.name == id_or_name)
    with database.read() as connection:
        rows = connection.execute(sa.select(report_schedules).where(mine)).mappings().all()
    row = next((one for one in rows if one["schedule_id"] == id_or_name), rows[0] if rows else None)
    return None if row is None else schedule_of(row)


def pause_schedule(
    database: Database, schedule: Schedule, *, paused: bool, next_at: datetime | None
) -> Schedule | None:
    """Let it rest, or go on with `next_at`: what it missed while it rested is not made up. None: it is gone."""
    with database.write() as connection:
        mine = report_schedules.c.schedule_id == schedule.schedule_id
        values = {
            "paused": paused,
            "next_at": None if paused else next_at,
            "revision": report_schedules.c.revision + 1,
            "updated_at": database.now(connection),
        }
        changed = sa.update(report_schedules).where(mine).values(values).returning(*report_schedules.c)
        row = connection.execute(changed).mappings().first()
    return None if row is None else schedule_of(row)


def remove_schedule(database: Database, schedule_id: str) -> bool:
    """Remove a schedule with its history and what was not delivered yet; whether there was one. Reports stay."""
    with database.write() as connection:
        # In this order: whoever adds to a later one holds a row of the one before, which is waited for here.
        gone = [
            connection.execute(sa.delete(table).where(table.c.schedule_id == schedule_id)).rowcount
            for table in (report_schedules, report_runs, report_deliveries)
        ]
    return bool(gone[0])


def run_now(database: Database, schedule: Schedule, at: datetime) -> Run | None:
    """Have a report made as if the schedule were due at `at`, also when it is paused. None: the schedule is gone."""
    with database.write() as connection:
        there = sa.select(report_schedules.c.schedule_id).where(report_schedules.c.schedule_id == schedule.schedule_id)
        if connection.execute(there.with_for_update()).first() is None:
            return None
        row = new_run(schedule.schedule_id, "now", at, at, 0)
        connection.execute(sa.insert(report_runs).values(row))
    return run_of(row | {"settled_at": None, "report": None, "failure": None}, ())


def find_run(database: Database, run_id: str) -> Run | None:
    """One run with its deliveries. None: there is none."""
    with database.read() as connection:
        found = _runs(connection, report_runs.c.run_id == run_id, 1)
    return found[0] if found else None


def history(database: Database, schedule_id: str, limit: int) -> tuple[list[Run], int]:
    """The newest runs of a schedule, newest first, with what became of their deliveries; and how many there are."""
    mine = report_runs.c.schedule_id == schedule_id
    with database.read() as connection:
        total: int = connection.execute(sa.select(sa.func.count()).select_from(report_runs).where(mine)).scalar_one()
        return _runs(connection, mine, limit), total


def new_run(schedule_id: str, cause: str, at: datetime, created_at: datetime, missed: int) -> dict[str, Any]:
    """The row of a run that has not begun."""
    return {
        "run_id": f"rr_{secrets.token_hex(8)}",
        "schedule_id": schedule_id,
        "cause": cause,
        "at": at,
        "missed": missed,
        "state": "waiting",
        "attempts": 0,
        "due_at": created_at,
        "created_at": created_at,
    }


def schedule_of(row: Any) -> Schedule:
    """A row of report_schedules."""
    return Schedule(
        schedule_id=row["schedule_id"],
        rule=ScheduleRule.from_json(row["name"], row["rule"]),
        paused=row["paused"],
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        next_at=row["next_at"],
    )


def run_of(row: Any, deliveries: tuple[DeliveryRecord, ...]) -> Run:
    """A row of report_runs, with those of its deliveries."""
    return Run(
        run_id=row["run_id"],
        schedule_id=row["schedule_id"],
        cause=row["cause"],
        at=row["at"],
        missed=row["missed"],
        state=row["state"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        settled_at=row["settled_at"],
        report=row["report"],
        failure=row["failure"],
        deliveries=deliveries,
    )


def delivery_of(row: Any) -> DeliveryRecord:
    """A row of report_deliveries."""
    return DeliveryRecord(
        delivery_id=row["delivery_id"],
        target=Target(**row["target"]),
        state=row["state"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        settled_at=row["settled_at"],
        place=row["place"],
        failure=row["failure"],
    )


def _runs(connection: sa.Connection, which: sa.ColumnElement[bool], limit: int) -> list[Run]:
    newest = (
        sa.select(*(column for column in report_runs.c if column.name != "model"))
        .where(which)
        .order_by(report_runs.c.at.desc(), report_runs.c.created_at.desc(), report_runs.c.run_id)
    )
    rows = connection.execute(newest.limit(limit)).mappings().all()
    theirs = report_deliveries.c.run_id.in_([row["run_id"] for row in rows])
    order = (report_deliveries.c.run_id, report_deliveries.c.target_no)
    sent: dict[str, list[DeliveryRecord]] = {}
    for one in connection.execute(sa.select(report_deliveries).where(theirs).order_by(*order)).mappings():
        sent.setdefault(one["run_id"], []).append(delivery_of(one))
    return [run_of(row, tuple(sent.get(row["run_id"], ()))) for row in rows]
