"""Writing down what a look at an alert came to: state, firing, event and messages in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from warehouse.hot.alert_state import Alert, AlertState, Change, NewMail
from warehouse.hot.alert_tables import alert_firings, alert_mails, alert_rules
from warehouse.hot.event_log import EventLog
from warehouse.hot.event_schema import NewEvent
from warehouse.hot.lease import Lease

KEPT_DAYS: Final = 400
"""How long firings stay in the history."""
LEASE_NAME: Final = "alerts"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look at an alert came to."""

    state: AlertState
    change: Change | None = None
    at: datetime | None = None
    """The instant of the look; given with a change."""
    told: Mapping[str, Any] | None = None
    """`numbers` and `url`; given with a change."""
    mails: Sequence[NewMail] = ()


def record_outcome(lease: Lease, events: EventLog, alert: Alert, outcome: Outcome) -> bool:
    """Store it all, or nothing: False when the lease is lost, or the alert was changed, removed or looked at meanwhile.

    So one change of an alert makes one row of its history and one event, whatever dies in between.
    """
    database = lease.database
    with database.write() as connection:
        if not lease.held_in(connection) or not _is_as_read(connection, alert):
            return False
        state = outcome.state
        firing_id = alert.firing_id
        if outcome.change is not None:
            assert outcome.at is not None
            firing_id = _write_change(connection, alert, outcome, outcome.at, database.now(connection))
        values = {
            "firing_id": firing_id if state.firing else None,
            "fired_at": state.fired_at,
            "below_since": state.below_since,
            "evaluated_at": state.evaluated_at,
            "told": list(state.told),
            "failure": None,
        }
        connection.execute(sa.update(alert_rules).where(alert_rules.c.alert_id == alert.alert_id).values(values))
        if outcome.change is not None:
            assert firing_id is not None
            events.append(connection, [_event(alert, outcome, firing_id)])
    return True


def record_failure(lease: Lease, alert: Alert, failure: str) -> None:
    """Remember why an alert could not be looked at; its state stays."""
    if alert.failure == failure:
        return
    with lease.database.write() as connection:
        mine = alert_rules.c.alert_id == alert.alert_id
        connection.execute(sa.update(alert_rules).where(mine).values(failure=failure))


def _is_as_read(connection: sa.Connection, alert: Alert) -> bool:
    """Nobody changed or looked at it since; locks it."""
    columns = (alert_rules.c.revision, alert_rules.c.evaluated_at, alert_rules.c.firing_id, alert_rules.c.enabled)
    query = sa.select(*columns).where(alert_rules.c.alert_id == alert.alert_id).with_for_update()
    row = connection.execute(query).first()
    return row is not None and tuple(row) == (alert.revision, alert.state.evaluated_at, alert.firing_id, True)


def _write_change(connection: sa.Connection, alert: Alert, outcome: Outcome, at: datetime, written_at: datetime) -> str:
    """The row of the history and the messages; the firing's id."""
    if outcome.change == "firing":
        firing_id = f"fi_{secrets.token_hex(8)}"
        old = sa.and_(
            alert_firings.c.alert_id == alert.alert_id, alert_firings.c.fired_at < at - timedelta(days=KEPT_DAYS)
        )
        connection.execute(sa.delete(alert_firings).where(old))
        row = {"firing_id": firing_id, "alert_id": alert.alert_id, "fired_at": at, "fired": outcome.told}
        connection.execute(sa.insert(alert_firings).values(row))
    else:
        assert alert.firing_id is not None
        firing_id = alert.firing_id
        mine = alert_firings.c.firing_id == firing_id
        connection.execute(sa.update(alert_firings).where(mine).values(resolved_at=at, resolved=outcome.told))
    for mail in outcome.mails:
        row = {
            "mail_id": f"ma_{secrets.token_hex(8)}",
            "firing_id": firing_id,
            "alert_id": alert.alert_id,
            "change": outcome.change,
            "address": mail.address,
            "message": dict(mail.message),
            "state": "open",
            "created_at": written_at,
            "due_at": written_at,
            "attempts": 0,
        }
        connection.execute(sa.insert(alert_mails).values(row))
    return firing_id


def _event(alert: Alert, outcome: Outcome, firing_id: str) -> NewEvent:
    assert outcome.at is not None
    data = {"alertId": alert.alert_id, "firingId": firing_id, **(outcome.told or {})}
    kind: Any = f"alert.{outcome.change}"
    return NewEvent(kind, outcome.at, data, workflow_id=alert.rule.workflow_id)
