"""What the routes of schedules take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models.shared import Count, Instant, Model
from reports.condition import CONDITION_CHARS
from reports.request import Kind
from warehouse.hot.schedule_rule import NAME_CHARS, TARGETS_MAX, WORKFLOWS_MAX
from warehouse.period import Granularity

Workflow = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$", examples=["wf_abcdef123456"])]
Fingerprint = Annotated[str, Field(min_length=1, max_length=100, examples=["v1:239743fca8d62d12"])]
Title = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
PeriodWord = Annotated[str, Field(max_length=20, examples=["last-week"])]
ZoneName = Annotated[str, Field(min_length=1, max_length=60, examples=["Europe/Berlin"])]


class StrictBody(BaseModel):
    """A body: nothing that is not known, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ReportWords(StrictBody):
    """Which report is meant."""

    kind: Kind = Field(default="overview", description="comparison: with the like period before.")
    timezone: ZoneName | None = Field(default=None, description="IANA name. null: the server's setting.")
    workflowId: Annotated[list[Workflow], Field(max_length=WORKFLOWS_MAX)] | None = Field(
        default=None, description="Only these. Kind workflow: exactly one."
    )
    fingerprint: Fingerprint | None = Field(default=None, description="Kind error: which error group.")
    granularity: Granularity | None = Field(default=None, description="null: what suits the period.")
    title: Title | None = None


class ScheduleBody(ReportWords):
    """A new schedule."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARS, examples=["weekly"])]
    cron: Annotated[str, Field(max_length=100, examples=["0 8 * * MON"])] = Field(
        description="Minute, hour, day of the month, month, day of the week, in `timezone`; at most every 5 minutes."
    )
    period: PeriodWord = Field(
        default="last-week",
        description="yesterday, last-week, last-month, last-quarter, last-year; 1h, 24h up to the last full hour; "
        "7d, 30d, 90d, 1y up to the last midnight.",
    )
    deliver: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=2100)]], Field(min_length=1, max_length=TARGETS_MAX)
    ] = Field(
        default=["archive"],
        description="archive; mailto:a@example.org,b@example.org; webhook:https://…; slack:https://… or "
        "slack:env:RUNLAKE_HOOK_NAME; a folder or bucket (scope admin).",
    )
    skipEmpty: bool = Field(default=False, description="Nothing is delivered when nothing ran.")
    onlyWhen: Annotated[str, Field(min_length=1, max_length=CONDITION_CHARS)] | None = Field(
        default=None, description="Nothing is delivered unless it holds: `failures>10 and success_rate<95%`."
    )
    status: Literal["active", "paused"] = "active"


class SchedulePatch(StrictBody):
    """What to change."""

    status: Literal["active", "paused"] = Field(description="What it missed while it was paused is not made up.")


class ScheduleModel(Model):
    """A schedule. Addresses that may hold a secret are shown as far as they lead to a host."""

    id: str = Field(examples=["sc_5f2b8c0e9d7a41f3"])
    name: str
    cron: str
    timezone: str
    kind: Kind
    period: str
    workflowId: list[str] = Field(description="Only these. Empty: all.")
    fingerprint: str | None
    granularity: Granularity | None
    title: str | None
    deliver: list[str]
    skipEmpty: bool
    onlyWhen: str | None
    status: Literal["active", "paused"]
    nextAt: Instant | None = Field(description="When it is due next. null: paused, or never again.")
    createdAt: Instant
    updatedAt: Instant


class NewScheduleModel(ScheduleModel):
    """A schedule that was just made."""

    secrets: dict[str, str] = Field(
        description="Keys of the signatures of its webhooks, by target; nothing shows them again."
    )


class SchedulesModel(Model):
    """Schedules, by name."""

    schedules: list[ScheduleModel]
    total: Count


class ReportDeliveryModel(Model):
    """A report on its way to one target."""

    id: str = Field(description="`webhook-id` of webhooks; part of the Message-ID of mails.")
    target: str
    status: Literal["open", "delivered", "failed"] = Field(description="failed: given up.")
    attempts: Count
    nextAttemptAt: Instant | None
    settledAt: Instant | None
    failure: str | None = Field(description="Why the last attempt failed. null: there was none, or it did not.")


class RunModel(Model):
    """One time that a schedule was due, or was told to run."""

    id: str
    scheduleId: str
    cause: Literal["due", "now"]
    at: Instant = Field(description="When it was due.")
    missed: Count = Field(description="Instants before, which nobody was there for, that it makes up for.")
    status: Literal["waiting", "delivering", "delivered", "skipped", "failed"]
    attempts: Count = Field(description="To make the report.")
    nextAttemptAt: Instant | None = Field(description="When the report is made (again). null: it is, or never will be.")
    createdAt: Instant
    settledAt: Instant | None
    report: str | None = Field(description="Name of the report.")
    failure: str | None = Field(description="Why it could not be made, or was skipped.")
    deliveries: list[ReportDeliveryModel]


class RunsModel(Model):
    """The newest runs, newest first; `total` counts all that are kept."""

    scheduleId: str
    runs: list[RunModel]
    total: Count
