"""What an alert rule is, and which ones there can be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal, get_args

from warehouse.errors import BadInputError

AlertKind = Literal["failureRate", "failures", "p95", "queueLength", "silence", "memory", "newError"]
ALERT_KINDS: Final[tuple[AlertKind, ...]] = get_args(AlertKind)
Aggregate = Literal["max", "avg"]

NAME_CHARS: Final = 100
WINDOW_S: Final = (60, 31 * 86_400)
"""Shortest and longest window, in seconds."""
COOLDOWN_S_MAX: Final = 31 * 86_400
EMAILS_MAX: Final = 20
PAST_WINDOWS: Final = (3, 28)
MEASURED: Final[frozenset[AlertKind]] = frozenset({"failureRate", "failures", "p95", "queueLength", "memory"})
"""Kinds that compare a number with a threshold; the others fire by what is there or is not."""

_THRESHOLDS: Final[dict[AlertKind, tuple[float, float, str]]] = {
    "failureRate": (0.0, 1.0, "a ratio above 0, up to 1"),
    "failures": (0.0, 1e9, "a number of executions above 0"),
    "p95": (1.0, 1000.0, "how many times its own past: above 1, up to 1000"),
    "queueLength": (0.0, 1e9, "a number of executions above 0"),
    "memory": (0.0, 1e9, "MiB above 0"),
}
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When to tell whom. Raises BadInputError when it is made with what does not go together."""

    name: str
    """Unique, 1 to 100 printable characters."""
    kind: AlertKind
    threshold: float | None = None
    """Fires at this or more; of the kinds in MEASURED, the others have none."""
    workflow_id: str | None = None
    """None: all workflows together."""
    window_s: int = 300
    """What is looked at: that long before now. queueLength: now alone; the window is how long it must stay below."""
    min_count: int = 1
    """Fires only when the window has so many executions (finished ones where it is about how they ended)."""
    cooldown_s: int = 900
    """From one firing to the next at least."""
    resolve_threshold: float | None = None
    """Resolved as soon as the number is at this or less. None: when it was below `threshold` for one window."""
    aggregate: Aggregate = "max"
    """Of memory: which number."""
    past_windows: int = 7
    """Of p95: with the median of how many preceding windows it is compared."""
    emails: tuple[str, ...] = ()
    enabled: bool = True

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > NAME_CHARS or not self.name.isprintable():
            raise _wrong("name", self.name, f"1 to {NAME_CHARS} printable characters")
        if self.kind not in ALERT_KINDS:
            raise _wrong("kind", self.kind, ", ".join(ALERT_KINDS))
        if self.workflow_id is not None and not self.workflow_id:
            raise _wrong("workflowId", self.workflow_id, "the id of a workflow, or nothing for all of them")
        _check_threshold(self)
        _within("window", self.window_s, *WINDOW_S, "seconds")
        _within("minCount", self.min_count, 1, 1_000_000_000, "executions")
        _within("cooldown", self.cooldown_s, 0, COOLDOWN_S_MAX, "seconds")
        _within("pastWindows", self.past_windows, *PAST_WINDOWS, "windows")
        if self.aggregate not in get_args(Aggregate):
            raise _wrong("aggregate", self.aggregate, "max, avg")
        if len(self.emails) > EMAILS_MAX:
            raise BadInputError(
                f"there are {len(self.emails)} emails; at most {EMAILS_MAX} are allowed", field="emails"
            )
        for address in self.emails:
            if len(address) > 254 or not _EMAIL.fullmatch(address):
                raise _wrong("emails", address, "addresses such as ops@example.org")


def _check_threshold(rule: AlertRule) -> None:
    if rule.kind not in MEASURED:
        for field, value in (("threshold", rule.threshold), ("resolveThreshold", rule.resolve_threshold)):
            if value is not None:
                raise BadInputError(
                    f"{field} is {value:g}, but {rule.kind} compares nothing; leave it out", field=field
                )
        return
    low, high, allowed = _THRESHOLDS[rule.kind]
    if rule.threshold is None:
        raise BadInputError(f"{rule.kind} wants a threshold: {allowed}", field="threshold")
    if not (isfinite(rule.threshold) and low < rule.threshold <= high):
        raise _wrong("threshold", rule.threshold, allowed)
    low_enough = rule.resolve_threshold is None or 0 <= rule.resolve_threshold < rule.threshold
    if not low_enough:
        raise _wrong("resolveThreshold", rule.resolve_threshold, f"0 to less than the threshold {rule.threshold:g}")


def _within(field: str, value: int, low: int, high: int, unit: str) -> None:
    if not low <= value <= high:
        raise _wrong(field, value, f"{low} to {high} {unit}")


def _wrong(field: str, value: object, allowed: str) -> BadInputError:
    return BadInputError(f"{field} is {str(value)[:200]!r}; allowed: {allowed}", field=field, value=value)
