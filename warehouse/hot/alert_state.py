"""What is known of an alert beside its rule: whether it fires, what it has told, what it told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from warehouse.hot.alert_rule import AlertRule

Change = Literal["firing", "resolved"]


@dataclass(frozen=True, slots=True)
class AlertState:
    """The state of a rule between two looks at its numbers. All instants UTC."""

    firing: bool = False
    fired_at: datetime | None = None
    """Of the last firing, resolved or not. None: it never fired."""
    below_since: datetime | None = None
    """Firing, and below its threshold since then. None: it is not."""
    evaluated_at: datetime | None = None
    """The instant it was last looked at. None: never."""
    told: tuple[str, ...] = ()
    """Fingerprints that newError need not tell (again), sorted."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule as it is stored, with its state."""

    alert_id: str
    rule: AlertRule
    revision: int
    """Grows with each change of the rule."""
    created_at: datetime
    updated_at: datetime
    state: AlertState
    firing_id: str | None
    """Of the firing that is not resolved yet. None: it does not fire."""
    failure: str | None
    """Why the last look failed. None: it did not."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that an alert fired."""

    firing_id: str
    fired_at: datetime
    resolved_at: datetime | None
    """None: it still fires."""
    fired: Mapping[str, Any]
    """`numbers` and `url` then."""
    resolved: Mapping[str, Any] | None
    mails: tuple[MailState, ...] = ()


@dataclass(frozen=True, slots=True)
class MailState:
    """What became of a message."""

    address: str
    change: Change
    state: Literal["open", "sent", "failed"]
    attempts: int
    settled_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class NewMail:
    """A message to one address."""

    address: str
    message: Mapping[str, str] = field(default_factory=dict)
    """subject, text, html."""
