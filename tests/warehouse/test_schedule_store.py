"""Schedules in the hot store, on SQLite and on PostgreSQL: rules, runs, deliveries; nothing without the lease."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from warehouse.errors import BadInputError
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.lease import Lease
from warehouse.hot.schedule_rule import Run, Schedule, ScheduleRule, Target
from warehouse.hot.schedule_runs import (
    KEPT_DAYS,
    LEASE_NAME,
    anything_due,
    begin_run,
    due_deliveries,
    due_schedules,
    kept_model,
    record_delivered,
    record_made,
    record_skipped,
    record_undelivered,
    waiting_runs,
)
from warehouse.hot.schedule_tables import report_deliveries, report_runs
from warehouse.hot.schedules import (
    add_schedule,
    find_run,
    find_schedule,
    history,
    list_schedules,
    pause_schedule,
    remove_schedule,
    run_now,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TARGETS = (Target("archive"), Target("webhook", "https://h.example.com/x", "whsec_x"))


@pytest.fixture
def database(hot_url: str) -> Iterator[Database]:
    opened = Database.open(hot_url)
    yield opened
    opened.close()


@pytest.fixture
def lease(database: Database) -> Lease:
    made = Lease(database, LEASE_NAME)
    assert made.acquire()
    return made


def rule(name: str = "x", **fields: object) -> ScheduleRule:
    given = {"name": name, "cron": "0 12 * * *", "timezone": "UTC", "period": "24h", "targets": TARGETS, **fields}
    return ScheduleRule(**given)  # type: ignore[arg-type]


def begun(lease: Lease, schedule: Schedule, at: datetime = AT) -> Run:
    assert begin_run(lease, schedule, at, missed=0, next_at=at + DAY, at=at)
    return history(lease.database, schedule.schedule_id, 1)[0][0]


def made(lease: Lease, run: Run) -> Run:
    assert record_made(lease, run, "the-report", b"model", TARGETS, AT)
    found = find_run(lease.database, run.run_id)
    assert found is not None
    return found


def test_a_rule_comes_back_as_it_was_given(database: Database) -> None:
    given = rule(workflow_ids=("wf_1",), fingerprint="v1:a", only_when="failures>1", skip_empty=True, title="T")
    schedule = add_schedule(database, given, AT)
    assert (schedule.rule, schedule.next_at, schedule.paused, schedule.revision) == (given, AT, False, 1)
    assert find_schedule(database, schedule.schedule_id) == schedule
    assert find_schedule(database, "x") == schedule
    assert find_schedule(database, "y") is None
    with pytest.raises(BadInputError, match="a schedule named 'x' already"):
        add_schedule(database, given, AT)
    assert add_schedule(database, rule("resting"), AT, paused=True).next_at is None


def test_two_that_take_one_name_at_once_are_not_both_taken(hot_url: str) -> None:
    Database.open(hot_url).close()
    taken: list[bool] = []

    def take() -> None:
        database = Database.open(hot_url)
        try:
            add_schedule(database, rule(), AT)
            taken.append(True)
        except BadInputError:
            taken.append(False)
        finally:
            database.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, False, False, True]


def test_those_about_nothing_but_some_workflows_are_found(database: Database) -> None:
    for name, workflows in (("all", ()), ("both", ("wf_1", "wf_2")), ("one", ("wf_1",))):
        add_schedule(database, rule(name, workflow_ids=workflows), AT)
    names = {
        bound: [one.rule.name for one in list_schedules(database, bound)] for bound in (("wf_1",), ("wf_2", "wf_1"))
    }
    assert names == {("wf_1",): ["one"], ("wf_2", "wf_1"): ["both", "one"]}
    assert [one.rule.name for one in list_schedules(database)] == ["all", "both", "one"]


def test_each_instant_is_begun_once_and_only_with_the_lease(database: Database, lease: Lease) -> None:
    schedule = add_schedule(database, rule(), AT)
    assert due_schedules(database, AT - DAY) == []
    assert due_schedules(database, AT) == [schedule]
    assert not begin_run(Lease(database, LEASE_NAME), schedule, AT, missed=0, next_at=AT + DAY, at=AT)
    run = begun(lease, schedule)
    assert not begin_run(lease, schedule, AT, missed=0, next_at=AT + DAY, at=AT)  # it was read before
    assert (run.at, run.state, run.cause, run.missed) == (AT, "waiting", "due", 0)
    assert history(database, schedule.schedule_id, 10)[1] == 1
    after = find_schedule(database, "x")
    assert after == replace(schedule, next_at=AT + DAY)
    paused = pause_schedule(database, schedule, paused=True, next_at=AT)
    assert paused is not None
    assert (paused.next_at, paused.revision) == (None, 2)
    assert not begin_run(lease, replace(schedule, next_at=AT + DAY), AT, missed=0, next_at=None, at=AT)


def test_a_run_goes_from_waiting_to_delivered_and_lets_go_of_its_report(database: Database, lease: Lease) -> None:
    schedule = add_schedule(database, rule(workflow_ids=("wf_1",)), AT)
    events = EventLog(database)
    run = begun(lease, schedule)
    assert waiting_runs(database, AT) == [(find_schedule(database, "x"), run)]
    run = made(lease, run)
    assert not record_made(lease, run, "again", b"model", TARGETS, AT)
    assert waiting_runs(database, AT) == []
    assert kept_model(database, run.run_id) == b"model"
    first, second = due_deliveries(database, AT)
    assert (first.record.target, second.record.target) == TARGETS
    assert record_delivered(lease, events, first, "/there", AT)
    assert not record_delivered(lease, events, first, "/there", AT)
    assert kept_model(database, run.run_id) == b"model"
    assert record_undelivered(lease, events, second, "down", AT + DAY, AT)
    assert due_deliveries(database, AT) == []
    assert not anything_due(database, AT)
    assert anything_due(database, AT + DAY)
    (again,) = due_deliveries(database, AT + DAY, run.run_id)
    assert (again.record.attempts, again.record.failure) == (1, "down")
    assert record_delivered(lease, events, again, None, AT + DAY)
    assert kept_model(database, run.run_id) is None
    done = find_run(database, run.run_id)
    assert done is not None
    assert (done.state, done.settled_at, done.report) == ("delivered", AT + DAY, "the-report")
    assert [(one.state, one.place, one.attempts) for one in done.deliveries] == [
        ("delivered", "/there", 1),
        ("delivered", None, 2),
    ]
    rows = events.read(0).to_pylist()
    assert [row["type"] for row in rows] == ["report.delivered", "report.failed", "report.delivered"]
    assert {row["workflow_id"] for row in rows} == {"wf_1"}
    assert "h.example.com" not in str(rows)


def test_nothing_is_written_without_the_lease(database: Database, lease: Lease) -> None:
    schedule = add_schedule(database, rule(), AT)
    run = made(lease, begun(lease, schedule))
    waiting = run_now(database, schedule, AT)
    assert waiting is not None
    lease.release()
    events = EventLog(database)
    first, second = due_deliveries(database, AT)
    assert not record_made(lease, waiting, "r", b"m", TARGETS, AT)
    assert not record_skipped(lease, waiting, "why", AT)
    assert not record_delivered(lease, events, first, None, AT)
    assert not record_undelivered(lease, events, second, "why", None, AT)
    assert find_run(database, run.run_id) == run
    assert events.newest() == 0


def test_what_fails_midway_leaves_nothing(database: Database, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(lease, begun(lease, add_schedule(database, rule(), AT)))

    def broken(*_: object) -> int:
        raise OSError("no room")

    first, _ = due_deliveries(database, AT)
    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "append", broken)
        with pytest.raises(OSError, match="no room"):
            record_delivered(lease, EventLog(database), first, None, AT)
    assert find_run(database, run.run_id) == run


def test_removal_takes_runs_and_deliveries_along(database: Database, lease: Lease) -> None:
    gone, kept = (add_schedule(database, rule(name), AT) for name in ("gone", "kept"))
    runs = [made(lease, begun(lease, schedule)) for schedule in (gone, kept)]
    (stale, *_), events = due_deliveries(database, AT, runs[0].run_id), EventLog(database)
    assert remove_schedule(database, gone.schedule_id)
    assert not remove_schedule(database, gone.schedule_id)
    assert not record_delivered(lease, events, stale, None, AT)
    assert find_run(database, runs[0].run_id) is None
    assert run_now(database, gone, AT) is None
    assert pause_schedule(database, gone, paused=True, next_at=None) is None
    with database.read() as connection:
        for table in (report_runs, report_deliveries):
            assert set(connection.execute(sa.select(table.c.schedule_id)).scalars()) == {kept.schedule_id}


def test_the_history_is_newest_first_capped_with_its_total_and_forgets(database: Database, lease: Lease) -> None:
    schedule = add_schedule(database, rule(), AT)
    events = EventLog(database)
    for number in (0, 1, KEPT_DAYS + 1):
        at = AT + number * DAY
        current = find_schedule(database, "x")
        assert current is not None
        run = made(lease, begun(lease, current, at))
        for one in due_deliveries(database, at, run.run_id):
            assert record_delivered(lease, events, one, None, at)
    runs, total = history(database, schedule.schedule_id, 1)
    assert ([one.at for one in runs], total) == ([AT + (KEPT_DAYS + 1) * DAY], 2)
    with database.read() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(report_deliveries)).scalar_one()
    assert count == 4
