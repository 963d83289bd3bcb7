"""One look at an alert: its numbers, what they come to, and what would be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from api.alerts.evaluate import Transition, evaluate
from api.alerts.numbers import Numbers, numbers_of
from api.models import instant_text
from warehouse import Warehouse
from warehouse.errors import BadInputError
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alert_state import Alert, AlertState

REPLAY_LOOKS_MAX: Final = 500
"""Most looks of a replay; a longer period is looked at less often, and the answer says how often."""


@dataclass(frozen=True, slots=True)
class Look:
    """A look and what it comes to."""

    at: datetime
    numbers: Numbers
    transition: Transition


@dataclass(frozen=True, slots=True)
class Replayed:
    """One firing of a replay."""

    fired_at: datetime
    resolved_at: datetime | None
    """None: it would still fire at the end."""
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replay:
    """When an alert would have fired in a period of the past."""

    since: datetime
    until: datetime
    step_s: int
    looks: int
    firings: tuple[Replayed, ...]


def look(house: Warehouse, rule: AlertRule, state: AlertState, at: datetime) -> Look:
    """Look at a rule at an instant (whole seconds), from a state; nothing is stored."""
    numbers = numbers_of(house, rule, at, state.told)
    return Look(at, numbers, evaluate(rule, numbers, state, at))


def told(alert: Alert, found: Look, public_url: str | None) -> dict[str, Any]:
    """What is told of a change, as JSON: which alert, its rule, the numbers, and the list that they count."""
    rule = alert.rule
    return {
        "name": rule.name,
        "kind": rule.kind,
        "rule": rule_json(rule),
        "numbers": found.numbers.json(rule),
        "url": found.numbers.url(public_url),
        "at": instant_text(found.at),
    }


def rule_json(rule: AlertRule) -> dict[str, Any]:
    """The rule in the words of the API; without to whom it is mailed, since more may read it."""
    fields = {
        "workflowId": rule.workflow_id,
        "threshold": rule.threshold,
        "window": rule.window_s,
        "minCount": rule.min_count,
        "cooldown": rule.cooldown_s,
        "resolveThreshold": rule.resolve_threshold,
        "aggregate": rule.aggregate if rule.kind == "memory" else None,
        "pastWindows": rule.past_windows if rule.kind == "p95" else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def replay(
    house: Warehouse, alert: Alert, since: datetime, until: datetime, *, every_s: int, public_url: str | None
) -> Replay:
    """When the rule would have fired in [since, until), looked at every `every_s` seconds from a fresh state.

    Raises BadInputError for queueLength, whose past is not kept, and for an empty period.
    """
    if alert.rule.kind == "queueLength":
        raise BadInputError(
            "how many executions were queued in the past is not kept; test queueLength without since", field="since"
        )
    if since >= until:
        raise BadInputError(f"since {instant_text(since)} is not before until {instant_text(until)}", field="since")
    span_s = int((until - since).total_seconds())
    step_s = max(every_s, -(-span_s // REPLAY_LOOKS_MAX), 1)
    state, firings, looks = AlertState(), list[Replayed](), 0
    at = since.replace(microsecond=0)
    while at < until:
        found = look(house, alert.rule, state, at)
        state, looks = found.transition.state, looks + 1
        if found.transition.change == "firing":
            firings.append(Replayed(at, None, told(alert, found, public_url)))
        elif found.transition.change == "resolved":
            firings[-1] = Replayed(firings[-1].fired_at, at, firings[-1].told)
        at += timedelta(seconds=step_s)
    return Replay(since, until, step_s, looks, tuple(firings))
