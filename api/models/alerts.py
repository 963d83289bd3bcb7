"""What the routes of alerts take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.models.shared import Count, Instant, InstantWord
from warehouse.hot.alert_rule import COOLDOWN_S_MAX, EMAILS_MAX, PAST_WINDOWS, WINDOW_S, Aggregate, AlertKind


def _whole(value: Any) -> Any:
    """JSON does not tell 60.0 from 60."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_WHOLE = BeforeValidator(_whole)
_Number = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False, strict=False)]
_Name = Annotated[str, Field(min_length=1, max_length=100, examples=["payments fail"])]
_Email = Annotated[str, Field(max_length=254, examples=["ops@example.org"])]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Changeable(_Body):
    """What can be changed later. null, or left out: the default, or what it was."""

    threshold: _Number | None = Field(
        default=None,
        description="Fires at this or more: a ratio 0..1 (failureRate), executions (failures, queueLength), times its "
        "own past (p95), MiB (memory). silence and newError have none.",
    )
    window: Annotated[int, Field(ge=WINDOW_S[0], le=WINDOW_S[1]), _WHOLE] | None = Field(
        default=None, description="Seconds that are looked at; default 300."
    )
    minCount: Annotated[int, Field(ge=1, le=1_000_000_000), _WHOLE] | None = Field(
        default=None, description="Fires only with so many executions in the window; default 1."
    )
    cooldown: Annotated[int, Field(ge=0, le=COOLDOWN_S_MAX), _WHOLE] | None = Field(
        default=None, description="Seconds from one firing to the next at least; default 900."
    )
    resolveThreshold: _Number | None = Field(
        default=None,
        description="Resolved at this or less, at once. Without: when below the threshold for one window.",
    )
    aggregate: Aggregate | None = Field(default=None, description="Of memory: default max.")
    pastWindows: Annotated[int, Field(ge=PAST_WINDOWS[0], le=PAST_WINDOWS[1]), _WHOLE] | None = Field(
        default=None, description="Of p95: compared with the median of so many preceding windows; default 7."
    )
    emails: Annotated[list[_Email], Field(max_length=EMAILS_MAX)] | None = Field(
        default=None, description="Who is mailed; needs the setting smtp_url."
    )
    enabled: bool | None = Field(default=None, description="Whether it is looked at; default true.")


class AlertBody(_Changeable):
    """A new alert."""

    name: _Name
    kind: AlertKind
    workflowId: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$")] | None = Field(
        default=None, description="Only this workflow. null: all together."
    )


class AlertPatch(_Changeable):
    """What is to change of an alert; kind and workflow cannot."""

    name: _Name | None = None


class AlertStateModel(_Answer):
    """How it stands."""

    status: Literal["pending", "ok", "firing", "disabled"] = Field(description="pending: not looked at yet.")
    evaluatedAt: Instant | None = Field(description="When it was last looked at.")
    lastFiredAt: Instant | None
    belowSince: Instant | None = Field(description="Firing, but below its threshold since then.")
    failure: str | None = Field(description="Why the last look failed. null: it did not.")


class AlertModel(_Answer):
    """An alert."""

    id: str = Field(examples=["al_5f2b8c0e9d7a41f3"])
    name: str
    kind: AlertKind
    workflowId: str | None
    threshold: float | None
    window: int
    minCount: int
    cooldown: int
    resolveThreshold: float | None
    aggregate: Aggregate
    pastWindows: int
    emails: list[str]
    enabled: bool
    description: str = Field(description="The rule in a sentence.")
    createdAt: Instant
    updatedAt: Instant
    state: AlertStateModel


class AlertsModel(_Answer):
    """Alerts, by name."""

    alerts: list[AlertModel]
    total: Count


class MailModel(_Answer):
    """One message to one address."""

    address: str
    change: Literal["firing", "resolved"]
    state: Literal["open", "sent", "failed"]
    attempts: Count
    settledAt: Instant | None
    failure: str | None


class ToldModel(BaseModel):
    """What was told of a change."""

    model_config = ConfigDict(frozen=True, extra="allow")
    numbers: dict[str, Any] = Field(
        description="value, threshold, count (executions that `url` lists), since, until; more by kind."
    )
    url: str = Field(description="The list of the executions that were counted.")


class FiringModel(_Answer):
    """One time that an alert fired."""

    id: str
    firedAt: Instant
    resolvedAt: Instant | None
    fired: ToldModel
    resolved: ToldModel | None
    emails: list[MailModel]


class AlertHistoryModel(_Answer):
    """The newest firings, newest first; `total` counts all that are kept."""

    alertId: str
    firings: list[FiringModel]
    total: Count


class AlertTestBody(_Body):
    """When to look; nothing: now."""

    since: InstantWord | None = Field(default=None, description="Replay the past from this instant on.")
    until: InstantWord | None = Field(default=None, description="End of the replay; default now.")


class ReplayedModel(_Answer):
    """When it would have fired."""

    firedAt: Instant
    resolvedAt: Instant | None
    fired: ToldModel


class ReplayModel(_Answer):
    """When it would have fired in a period."""

    since: Instant
    until: Instant
    stepSeconds: int = Field(description="Seconds between two looks: more over long periods, at most 500 looks.")
    looks: int
    firings: list[ReplayedModel]


class AlertTestModel(_Answer):
    """What it says now, or would have said."""

    alertId: str
    at: Instant
    over: bool | None = Field(default=None, description="Whether the numbers are a reason to fire.")
    change: Literal["firing", "resolved"] | None = Field(default=None, description="What a look now would do.")
    reason: str | None = None
    now: ToldModel | None = None
    replay: ReplayModel | None = None
