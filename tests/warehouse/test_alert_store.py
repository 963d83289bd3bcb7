"""Alerts in the hot store, on SQLite and on PostgreSQL: rules, history, messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from warehouse.errors import BadInputError
from warehouse.hot.alert_mails import mail_sent, mails_due, take_mails
from warehouse.hot.alert_record import LEASE_NAME, Outcome, record_failure, record_outcome
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alert_state import Alert, AlertState, NewMail
from warehouse.hot.alert_tables import alert_firings, alert_mails
from warehouse.hot.alerts import add_alert, change_alert, find_alert, history, list_alerts, remove_alert
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.lease import Lease

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOLD = {"numbers": {"value": 3.0, "count": 3}, "url": "/v1/executions"}
MAILS = [NewMail(address, {"subject": "s", "text": "t", "html": "h"}) for address in ("a@x.org", "b@x.org")]


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


def rule(name: str = "x", **fields: object) -> AlertRule:
    return AlertRule(**{"name": name, "kind": "failures", "threshold": 2.0, **fields})  # type: ignore[arg-type]


def fire(lease: Lease, alert: Alert, at: datetime = AT) -> Alert:
    state = AlertState(firing=True, fired_at=at, evaluated_at=at, told=("v1:a",))
    assert record_outcome(lease, EventLog(lease.database), alert, Outcome(state, "firing", at, TOLD, MAILS))
    return found(lease.database, alert)


def found(database: Database, alert: Alert) -> Alert:
    now = find_alert(database, alert.alert_id)
    assert now is not None
    return now


def test_a_rule_comes_back_as_it_was_given(database: Database) -> None:
    given = rule(
        "päy \U0001f514", kind="memory", threshold=0.25, workflow_id="wf\x00 1", window_s=61, min_count=7, cooldown_s=0,
        resolve_threshold=0.125, aggregate="avg", past_windows=3, emails=("a@x.org", "b@x.org"), enabled=False,
    )  # fmt: skip
    made = add_alert(database, given)
    assert found(database, made) == made == find_alert(database, "päy \U0001f514")
    assert made.rule == given
    assert (made.state, made.firing_id, made.revision) == (AlertState(), None, 1)
    assert list_alerts(database, ["wf\x00 1"]) == [made]
    assert list_alerts(database, ["wf_2"]) == list_alerts(database, enabled=True) == []
    assert find_alert(database, "none") is None


def test_a_name_is_given_once_among_racing_processes(database: Database) -> None:
    def make(number: int) -> bool:
        try:
            add_alert(database, rule(min_count=number + 1))
        except BadInputError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(make, range(12))) == 1
    other = add_alert(database, rule("other"))
    with pytest.raises(BadInputError, match="already"):
        change_alert(database, other, rule())


def test_of_two_changes_of_what_was_read_one_holds_and_the_state_stays(database: Database, lease: Lease) -> None:
    read = fire(lease, add_alert(database, rule()))
    assert change_alert(database, read, replace(read.rule, threshold=5.0)) is not None
    assert change_alert(database, read, replace(read.rule, threshold=6.0)) is None
    now = found(database, read)
    assert (now.rule.threshold, now.revision, now.state, now.firing_id) == (5.0, 2, read.state, read.firing_id)


def test_a_change_makes_state_history_event_and_messages_together(database: Database, lease: Lease) -> None:
    fired = fire(lease, add_alert(database, rule(workflow_id="wf_1")))
    later = AT + timedelta(minutes=5)
    over = replace(fired.state, firing=False, evaluated_at=later)
    log = EventLog(database)
    outcome = Outcome(over, "resolved", later, TOLD)
    assert record_outcome(lease, log, fired, outcome)
    assert not record_outcome(lease, log, fired, outcome)
    (firing,), total = history(database, fired.alert_id, 10)
    assert (total, firing.fired_at, firing.resolved_at, firing.fired, firing.resolved) == (1, AT, later, TOLD, TOLD)
    assert [(mail.address, mail.change, mail.state) for mail in firing.mails] == [
        ("a@x.org", "firing", "open"),
        ("b@x.org", "firing", "open"),
    ]
    events = log.read(0).to_pylist()
    assert [event["type"] for event in events] == ["alert.firing", "alert.resolved"]
    assert [event["workflow_id"] for event in events] == ["wf_1", "wf_1"]
    data = json.loads(events[0]["data"])
    assert data == {"alertId": fired.alert_id, "firingId": firing.firing_id, **TOLD}


def test_what_fails_midway_leaves_nothing(database: Database, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    made = add_alert(database, rule())
    log = EventLog(database)

    def broken(*_: object) -> int:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "append", broken)
        with pytest.raises(OSError, match="no room"):
            fire(lease, made)
    assert found(database, made) == made
    assert (history(database, made.alert_id, 10), log.newest(), mails_due(database)) == (([], 0), 0, False)


def test_the_history_is_newest_first_capped_with_its_total_and_forgets_after_400_days(
    database: Database, lease: Lease
) -> None:
    alert = add_alert(database, rule())
    for day in (0, 1, 2, 401):
        at = AT + timedelta(days=day)
        alert = fire(lease, alert, at)
        over = replace(alert.state, firing=False, evaluated_at=at + timedelta(minutes=1))
        outcome = Outcome(over, "resolved", at + timedelta(minutes=1), TOLD)
        assert record_outcome(lease, EventLog(database), alert, outcome)
        alert = found(database, alert)
    firings, total = history(database, alert.alert_id, 2)
    assert [one.fired_at for one in firings] == [AT + timedelta(days=401), AT + timedelta(days=2)]
    assert total == 3


def test_a_failure_is_remembered_until_a_look_succeeds(database: Database, lease: Lease) -> None:
    made = add_alert(database, rule())
    record_failure(lease, made, "broken")
    broken = found(database, made)
    assert (broken.failure, broken.state) == ("broken", made.state)
    assert record_outcome(lease, EventLog(database), broken, Outcome(AlertState(evaluated_at=AT)))
    assert found(database, made).failure is None


def test_a_message_is_one_takers_among_racing_ones(database: Database, lease: Lease) -> None:
    fire(lease, add_alert(database, rule()))
    with ThreadPoolExecutor(6) as pool:
        taken = [mail for mails in pool.map(lambda _: take_mails(database, 1), range(12)) for mail in mails]
    assert sorted(mail.address for mail in taken) == ["a@x.org", "b@x.org"]
    for mail in taken:
        mail_sent(database, mail)
    assert not mails_due(database)


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_an_alert_that_nobody_looks_at_any_more_is_resolved(database: Database, lease: Lease, how: str) -> None:
    fired = fire(lease, add_alert(database, rule()))
    calm = add_alert(database, rule("calm"))
    log = EventLog(database)
    for alert in (fired, calm):
        if how == "removed":
            assert remove_alert(database, alert.alert_id)
        else:
            off = change_alert(database, alert, replace(alert.rule, enabled=False))
            assert off is not None
            assert (off.state.firing, off.firing_id, off.state.fired_at) == (False, None, alert.state.fired_at)
    events = log.read(0).to_pylist()
    assert [event["type"] for event in events] == ["alert.firing", "alert.resolved"]
    told = {name: value for name, value in TOLD.items() if name != "at"} | {"reason": f"it was {how}"}
    assert json.loads(events[1]["data"]) == {"alertId": fired.alert_id, "firingId": fired.firing_id, **told}
    if how == "disabled":
        (firing,), _ = history(database, fired.alert_id, 10)
        assert (firing.resolved, firing.resolved_at is None) == (told, False)


def test_removal_takes_history_and_messages_along(database: Database, lease: Lease) -> None:
    gone, kept = (fire(lease, add_alert(database, rule(name))) for name in ("gone", "kept"))
    assert remove_alert(database, gone.alert_id)
    assert not remove_alert(database, gone.alert_id)
    assert list_alerts(database) == [kept]
    with database.read() as connection:
        for table in (alert_firings, alert_mails):
            assert set(connection.execute(sa.select(table.c.alert_id)).scalars()) == {kept.alert_id}
    assert not record_outcome(lease, EventLog(database), gone, Outcome(AlertState()))
