"""Alerts in the hot store: rules made, listed, changed, removed; their history."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from warehouse.errors import BadInputError
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alert_state import Alert, AlertState, Firing, MailState
from warehouse.hot.alert_tables import alert_firings, alert_mails, alert_rules
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.event_schema import NewEvent

RULES_MAX: Final = 1000
_OWN_COLUMNS: Final = ("name", "workflow_id", "enabled")


def add_alert(database: Database, rule: AlertRule) -> Alert:
    """Store a new rule. Raises BadInputError when its name is taken, or when there are RULES_MAX already."""
    with database.write() as connection:
        if not database.is_sqlite:  # READ COMMITTED: two could take one name
            connection.execute(sa.text("LOCK TABLE alert_rules IN SHARE ROW EXCLUSIVE MODE"))
        count = connection.execute(sa.select(sa.func.count()).select_from(alert_rules)).scalar_one()
        if count >= RULES_MAX:
            raise BadInputError(f"there are {count} alerts; at most {RULES_MAX} are allowed: remove one first")
        _check_name(connection, rule.name, None)
        at = database.now(connection)
        row = {
            "alert_id": f"al_{secrets.token_hex(8)}",
            **_columns(rule),
            "revision": 1,
            "created_at": at,
            "updated_at": at,
            "told": [],
        }
        connection.execute(sa.insert(alert_rules).values(row))
        return _one(connection, str(row["alert_id"]))


def list_alerts(
    database: Database, workflow_ids: Collection[str] | None = None, *, enabled: bool | None = None
) -> list[Alert]:
    """All rules by name; with `workflow_ids` only those bound to one of these."""
    query = sa.select(alert_rules).order_by(alert_rules.c.name)
    if workflow_ids is not None:
        query = query.where(alert_rules.c.workflow_id.in_(list(workflow_ids)))
    if enabled is not None:
        query = query.where(alert_rules.c.enabled.is_(enabled))
    with database.read() as connection:
        return [alert_of(row) for row in connection.execute(query).mappings()]


def find_alert(database: Database, id_or_name: str) -> Alert | None:
    """The alert of that id, else of that name. None: there is none."""
    mine = (alert_rules.c.alert_id == id_or_name) | (alert_rules.c.name == id_or_name)
    with database.read() as connection:
        rows = connection.execute(sa.select(alert_rules).where(mine)).mappings().all()
    row = next((one for one in rows if one["alert_id"] == id_or_name), rows[0] if rows else None)
    return None if row is None else alert_of(row)


def change_alert(database: Database, alert: Alert, rule: AlertRule) -> Alert | None:
    """Replace the rule of an alert that was read before; its state stays. None: changed or removed since then.

    One that fires and is disabled is resolved by that: event and history say so, nothing is mailed.

    Raises BadInputError for a name that is taken.
    """
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("LOCK TABLE alert_rules IN SHARE ROW EXCLUSIVE MODE"))
        _check_name(connection, rule.name, alert.alert_id)
        same = sa.and_(alert_rules.c.alert_id == alert.alert_id, alert_rules.c.revision == alert.revision)
        values = {**_columns(rule), "revision": alert.revision + 1, "updated_at": database.now(connection)}
        if not connection.execute(sa.update(alert_rules).where(same).values(values)).rowcount:
            return None
        if not rule.enabled:
            _end_firing(database, connection, alert.alert_id, "it was disabled")
        return _one(connection, alert.alert_id)


def remove_alert(database: Database, alert_id: str) -> bool:
    """Remove a rule with its history and the messages not sent yet; whether there was one.

    One that fires is resolved by that: an event says so.
    """
    with database.write() as connection:
        _end_firing(database, connection, alert_id, "it was removed")
        gone = connection.execute(sa.delete(alert_rules).where(alert_rules.c.alert_id == alert_id)).rowcount
        connection.execute(sa.delete(alert_firings).where(alert_firings.c.alert_id == alert_id))
        connection.execute(sa.delete(alert_mails).where(alert_mails.c.alert_id == alert_id))
    return bool(gone)


def _end_firing(database: Database, connection: sa.Connection, alert_id: str, reason: str) -> None:
    """Resolve the alert, if it fires, because nobody looks at it any more."""
    mine = alert_rules.c.alert_id == alert_id
    firing = (
        sa.select(alert_firings.c.firing_id, alert_firings.c.fired, alert_rules.c.workflow_id)
        .join(alert_rules, alert_rules.c.firing_id == alert_firings.c.firing_id)
        .where(mine)
        .with_for_update()
    )
    found = connection.execute(firing).first()
    if found is None:
        return
    at = database.now(connection)
    told = {name: value for name, value in found.fired.items() if name != "at"} | {"reason": reason}
    ended = sa.update(alert_firings).where(alert_firings.c.firing_id == found.firing_id)
    connection.execute(ended.values(resolved_at=at, resolved=told))
    connection.execute(sa.update(alert_rules).where(mine).values(firing_id=None, below_since=None))
    data = {"alertId": alert_id, "firingId": found.firing_id, **told}
    event = NewEvent("alert.resolved", at, data, workflow_id=found.workflow_id)
    EventLog(database).append(connection, [event])


def history(database: Database, alert_id: str, limit: int) -> tuple[list[Firing], int]:
    """The newest firings of an alert, newest first, with what became of their messages; and how many there are."""
    mine = alert_firings.c.alert_id == alert_id
    with database.read() as connection:
        total: int = connection.execute(sa.select(sa.func.count()).select_from(alert_firings).where(mine)).scalar_one()
        newest = (
            sa.select(alert_firings).where(mine).order_by(alert_firings.c.fired_at.desc(), alert_firings.c.firing_id)
        )
        rows = connection.execute(newest.limit(limit)).mappings().all()
        ids = [row["firing_id"] for row in rows]
        mails = sa.select(alert_mails).where(alert_mails.c.firing_id.in_(ids)).order_by(
            alert_mails.c.created_at, alert_mails.c.address
        )  # fmt: skip
        sent: dict[str, list[MailState]] = {}
        for one in connection.execute(mails).mappings():
            told = (one["address"], one["change"], one["state"], one["attempts"], one["settled_at"], one["failure"])
            sent.setdefault(one["firing_id"], []).append(MailState(*told))
    return [
        Firing(
            row["firing_id"],
            row["fired_at"],
            row["resolved_at"],
            row["fired"],
            row["resolved"],
            tuple(sent.get(row["firing_id"], ())),
        )
        for row in rows
    ], total


def alert_of(row: Any) -> Alert:
    """A row of alert_rules."""
    own = {column: row[column] for column in _OWN_COLUMNS}
    fields: dict[str, Any] = {**row["rule"], "emails": tuple(row["rule"]["emails"])}
    state = AlertState(
        firing=row["firing_id"] is not None,
        fired_at=row["fired_at"],
        below_since=row["below_since"],
        evaluated_at=row["evaluated_at"],
        told=tuple(row["told"]),
    )
    return Alert(
        alert_id=row["alert_id"],
        rule=AlertRule(**own, **fields),
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        state=state,
        firing_id=row["firing_id"],
        failure=row["failure"],
    )


def _columns(rule: AlertRule) -> dict[str, Any]:
    fields = asdict(rule)
    own = {column: fields.pop(column) for column in _OWN_COLUMNS}
    return {**own, "rule": {**fields, "emails": list(rule.emails)}}


def _one(connection: sa.Connection, alert_id: str) -> Alert:
    row = connection.execute(sa.select(alert_rules).where(alert_rules.c.alert_id == alert_id)).mappings().one()
    return alert_of(row)


def _check_name(connection: sa.Connection, name: str, own_id: str | None) -> None:
    taken = sa.select(alert_rules.c.alert_id).where(alert_rules.c.name == name)
    found = connection.execute(taken).scalar_one_or_none()
    if found is not None and found != own_id:
        raise BadInputError(f"there is an alert named {name!r} already; choose another name", field="name", value=name)
