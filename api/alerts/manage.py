"""What the routes and the command do with alerts, in their callers' words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from api.alerts.look import Look, Replay, told
from api.alerts.message import rule_text
from api.auth import Principal
from api.failures import ApiError
from warehouse.errors import BadInputError
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alert_state import Alert, Firing
from warehouse.hot.alerts import change_alert, find_alert, list_alerts
from warehouse.hot.database import Database

FIELDS: Final[Mapping[str, str]] = {
    "name": "name",
    "kind": "kind",
    "workflowId": "workflow_id",
    "threshold": "threshold",
    "window": "window_s",
    "minCount": "min_count",
    "cooldown": "cooldown_s",
    "resolveThreshold": "resolve_threshold",
    "aggregate": "aggregate",
    "pastWindows": "past_windows",
    "emails": "emails",
    "enabled": "enabled",
}
"""Words of the API and the fields of AlertRule."""


def rule_of(words: Mapping[str, Any], *, can_mail: bool, before: AlertRule | None = None) -> AlertRule:
    """A rule from the words of a body: what is None or missing is the default, or what it was `before`.

    `resolveThreshold: null` in a change takes it away. Raises BadInputError.
    """
    given: dict[str, Any] = {
        FIELDS[word]: tuple(value) if word == "emails" else value
        for word, value in words.items()
        if value is not None or (before is not None and word == "resolveThreshold")
    }
    if given.get("emails") and not can_mail:
        raise BadInputError("emails are given, but the setting smtp_url says no mail server", field="emails")
    return AlertRule(**given) if before is None else replace(before, **given)


@contextmanager
def refusals() -> Iterator[None]:
    """What does not go together in a rule, or a question about it, is refused as INVALID_ALERT."""
    try:
        yield
    except BadInputError as error:
        details: dict[str, Any] = {"parameter": error.field} if error.field else {}
        raise ApiError(400, "INVALID_ALERT", str(error), **details) from error


def visible_alerts(database: Database, principal: Principal) -> list[Alert]:
    """All that exist for whoever asks."""
    return list_alerts(database, principal.workflow_ids)


def existing_alert(database: Database, principal: Principal, alert_id: str) -> Alert:
    """The alert of an id. Raises ApiError 404 where there is none, or not for who asks."""
    found = find_alert(database, alert_id)
    if found is None or found.alert_id != alert_id or not principal.sees(found.rule.workflow_id):
        shown = alert_id[:100]
        raise ApiError(404, "ALERT_NOT_FOUND", f"there is no alert with the id {shown!r}", alertId=shown)
    return found


def changed(database: Database, alert: Alert, rule: AlertRule) -> Alert:
    """The alert with another rule. Raises ApiError 409 where somebody else changed it meanwhile."""
    found = change_alert(database, alert, rule)
    if found is None:
        raise ApiError(409, "ALERT_CHANGED", "the alert was changed by somebody else meanwhile; read it and try again")
    return found


def alert_json(alert: Alert) -> dict[str, Any]:
    """AlertModel."""
    rule, state = alert.rule, alert.state
    status = "firing" if state.firing else "ok" if state.evaluated_at else "pending"
    fields = {word: getattr(rule, name) for word, name in FIELDS.items()}
    return {
        "id": alert.alert_id,
        **fields,
        "emails": list(rule.emails),
        "description": rule_text(rule),
        "createdAt": alert.created_at,
        "updatedAt": alert.updated_at,
        "state": {
            "status": status if rule.enabled else "disabled",
            "evaluatedAt": state.evaluated_at,
            "lastFiredAt": state.fired_at,
            "belowSince": state.below_since,
            "failure": alert.failure,
        },
    }


def firing_json(firing: Firing) -> dict[str, Any]:
    """FiringModel."""
    return {
        "id": firing.firing_id,
        "firedAt": firing.fired_at,
        "resolvedAt": firing.resolved_at,
        "fired": firing.fired,
        "resolved": firing.resolved,
        "emails": [
            {
                "address": mail.address,
                "change": mail.change,
                "state": mail.state,
                "attempts": mail.attempts,
                "settledAt": mail.settled_at,
                "failure": mail.failure,
            }
            for mail in firing.mails
        ],
    }


def look_json(alert: Alert, found: Look, public_url: str | None, *, over: bool) -> dict[str, Any]:
    """AlertTestModel of a look now."""
    return {
        "alertId": alert.alert_id,
        "at": found.at,
        "over": over,
        "change": found.transition.change,
        "reason": found.transition.reason,
        "now": told(alert, found, public_url),
    }


def replay_json(alert: Alert, at: datetime, found: Replay) -> dict[str, Any]:
    """AlertTestModel of a replay."""
    firings = [{"firedAt": one.fired_at, "resolvedAt": one.resolved_at, "fired": one.told} for one in found.firings]
    return {
        "alertId": alert.alert_id,
        "at": at,
        "replay": {
            "since": found.since,
            "until": found.until,
            "stepSeconds": found.step_s,
            "looks": found.looks,
            "firings": firings,
        },
    }
