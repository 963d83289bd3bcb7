"""What a schedule of reports is: when, about what, for whom. Its words are checked by who makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from warehouse.errors import BadInputError

NAME_CHARS: Final = 100
TARGETS_MAX: Final = 20
WORKFLOWS_MAX: Final = 100

TargetKind = Literal["archive", "folder", "mail", "webhook", "slack"]


@dataclass(frozen=True, slots=True)
class Target:
    """One place that a report goes to."""

    kind: TargetKind
    address: str = field(default="", repr=False)
    """archive: empty; folder: a folder or URI; mail: one address; webhook, slack: a URL, or env:NAME for where it is.
    Of slack it is a secret."""
    secret: str | None = field(default=None, repr=False)
    """webhook: key of the signatures."""


@dataclass(frozen=True, slots=True)
class ScheduleRule:
    """When to make which report, and who gets it. Raises BadInputError for a name or numbers that cannot be."""

    name: str
    """Unique, 1 to 100 printable characters."""
    cron: str
    """Five fields: minute, hour, day of the month, month, day of the week."""
    timezone: str
    """IANA name: in which the cron rule and the days of the report are meant."""
    period: str
    kind: str = "overview"
    workflow_ids: tuple[str, ...] = ()
    """Only these. Empty: all."""
    fingerprint: str | None = None
    """Of the error group, for reports of kind error."""
    granularity: str | None = None
    title: str | None = None
    targets: tuple[Target, ...] = (Target("archive"),)
    skip_empty: bool = False
    """Nothing is delivered when nothing ran."""
    only_when: str | None = None
    """A condition over the report; nothing is delivered unless it holds."""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > NAME_CHARS or not self.name.isprintable():
            raise BadInputError(
                f"name is {self.name[:200]!r}; allowed: 1 to {NAME_CHARS} printable characters",
                field="name",
                value=self.name,
            )
        for field_name, found, most in (
            ("deliver", len(self.targets), TARGETS_MAX),
            ("workflow", len(self.workflow_ids), WORKFLOWS_MAX),
        ):
            if found > most:
                raise BadInputError(f"there are {found} of {field_name}; at most {most} are allowed", field=field_name)
        if not self.targets:
            raise BadInputError("a schedule delivers somewhere; give at least one target", field="deliver")

    def to_json(self) -> dict[str, Any]:
        """As it is stored, without its name."""
        found = asdict(self)
        del found["name"]
        return found

    @staticmethod
    def from_json(name: str, stored: Mapping[str, Any]) -> ScheduleRule:
        """What `to_json` wrote."""
        fields = dict(stored)
        fields["workflow_ids"] = tuple(fields["workflow_ids"])
        fields["targets"] = tuple(Target(**one) for one in fields["targets"])
        return ScheduleRule(name=name, **fields)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule as it is stored, and how it stands."""

    schedule_id: str
    rule: ScheduleRule
    paused: bool
    revision: int
    """Grows with each change of what it is; not with its runs."""
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None
    """The instant it is due next. None: never (again), or paused."""


RunState = Literal["waiting", "delivering", "delivered", "skipped", "failed"]
"""waiting: to be made; delivering: made, and some targets do not have it; failed: it could not be made, or was given
up for some target."""
DeliveryState = Literal["open", "delivered", "failed"]
Cause = Literal["due", "now"]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What became of a report on its way to one target."""

    delivery_id: str
    target: Target
    state: DeliveryState
    attempts: int
    due_at: datetime
    """Open: when it is tried (again)."""
    settled_at: datetime | None
    place: str | None
    """Delivered: where it is, where there is such a place."""
    failure: str | None
    """Why the last attempt failed. None: there was none, or it did not."""


@dataclass(frozen=True, slots=True)
class Run:
    """One time that a schedule was due, or was told to run."""

    run_id: str
    schedule_id: str
    cause: Cause
    at: datetime
    """The instant it was due: the period of its report ends by it."""
    missed: int
    """Instants before it that nobody was there for; this run makes up for them."""
    state: RunState
    attempts: int
    """To make the report."""
    due_at: datetime
    """Waiting: when it is made, or tried again."""
    created_at: datetime
    settled_at: datetime | None
    report: str | None
    """Name of the report. None: not made."""
    failure: str | None
    """Why it failed; of one that was skipped, why; None: neither."""
    deliveries: tuple[DeliveryRecord, ...] = ()
