"""Whether an alert fires or is resolved: pure, from its rule, its numbers and its state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from api.alerts.numbers import Numbers
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alert_state import AlertState, Change


@dataclass(frozen=True, slots=True)
class Transition:
    """What a look comes to."""

    state: AlertState
    change: Change | None
    reason: str
    """One sentence for people."""


def evaluate(rule: AlertRule, numbers: Numbers, state: AlertState, now: datetime) -> Transition:
    """The next state, and whether that is news. Looks must go forward in time: one that does not changes nothing.

    Between two firings there is always a resolve, and at least the cool-down from the begin of one to that of the next.
    """
    if state.evaluated_at is not None and now <= state.evaluated_at:
        return Transition(state, None, "it was looked at then or later already")
    first_look = state.evaluated_at is None
    state = replace(state, evaluated_at=now)
    if rule.kind == "newError":
        state = replace(state, told=tuple(sorted(set(state.told) & set(numbers.present))))
        if first_look:  # what was there before the rule is not news
            return Transition(replace(state, told=numbers.present), None, "what is there at the first look is known")
    over = is_over(rule, numbers)
    if state.firing:
        return _firing(rule, numbers, state, now, over=over)
    if not over:
        return Transition(state, None, _why_not(rule, numbers))
    ready_at = None if state.fired_at is None else state.fired_at + timedelta(seconds=rule.cooldown_s)
    if ready_at is not None and now < ready_at:
        return Transition(state, None, "it would fire, but for the cool-down since it last fired")
    told = tuple(sorted({*state.told, *numbers.fresh}))
    state = replace(state, firing=True, fired_at=now, below_since=None, told=told)
    return Transition(state, "firing", _why(rule, numbers))


def is_over(rule: AlertRule, numbers: Numbers) -> bool:
    """Whether the numbers, on their own, are a reason to fire."""
    if rule.kind == "silence":
        return numbers.count == 0
    if rule.kind == "newError":
        return bool(numbers.fresh)
    assert rule.threshold is not None
    return numbers.value is not None and numbers.base >= rule.min_count and numbers.value >= rule.threshold


def _firing(rule: AlertRule, numbers: Numbers, state: AlertState, now: datetime, *, over: bool) -> Transition:
    if over and rule.kind != "newError":
        return Transition(replace(state, below_since=None), None, f"it goes on: {_why(rule, numbers)}")
    resolved = replace(state, firing=False, below_since=None)
    if rule.kind == "newError":
        return Transition(resolved, "resolved", "a new error is told once")
    if rule.kind == "silence":
        return Transition(resolved, "resolved", f"there were {numbers.count} executions in the window")
    low, value = rule.resolve_threshold, numbers.value
    if low is not None and value is not None and value <= low:
        return Transition(resolved, "resolved", f"{value:.4g} is at or below the resolve threshold {low:g}")
    below_since = state.below_since or now
    if (low is None or value is None) and now - below_since >= timedelta(seconds=rule.window_s):
        return Transition(resolved, "resolved", f"below the threshold for {rule.window_s} s")
    return Transition(replace(state, below_since=below_since), None, "below the threshold, but not for long enough")


def _why(rule: AlertRule, numbers: Numbers) -> str:
    if rule.kind == "silence":
        return f"no execution in {rule.window_s} s"
    if rule.kind == "newError":
        return f"{len(numbers.fresh)} errors that were never seen before"
    return f"{numbers.value:.4g} is at or above the threshold {rule.threshold:g}"


def _why_not(rule: AlertRule, numbers: Numbers) -> str:
    if rule.kind == "silence":
        return f"there were {numbers.count} executions in the window"
    if rule.kind == "newError":
        return "no error that was never seen before"
    if numbers.base < rule.min_count:
        return f"{numbers.base} executions are fewer than the minimum count {rule.min_count}"
    if numbers.value is None:
        return "there is no such number in the window, or not enough of its past"
    return f"{numbers.value:.4g} is below the threshold {rule.threshold:g}"
