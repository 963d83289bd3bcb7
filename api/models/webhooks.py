"""What the routes of webhooks take and give."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models.shared import Count, Instant, InstantWord, Model
from api.webhooks.addresses import URL_CHARS, URL_PATTERN
from warehouse.hot.event_schema import EventType
from warehouse.schema import Mode, Status

EXAMPLE_URL: Final = "https://hooks.example.com/runlake"

_Url = Annotated[str, Field(max_length=URL_CHARS, pattern=URL_PATTERN, examples=[EXAMPLE_URL])]
_Workflow = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$", examples=["wf_abcdef123456"])]
_Events = Annotated[list[EventType], Field(min_length=1, max_length=50, examples=[["execution.failed"]])]
_Description = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class WebhookFilters(_Body):
    """Which events of those types; all that are given must hold."""

    workflowId: _Workflow | Annotated[list[_Workflow], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Only of this workflow, or of these."
    )
    status: Status | Annotated[list[Status], Field(min_length=1, max_length=20)] | None = Field(
        default=None, description="Only with this status of the execution (node.completed: of the node)."
    )
    mode: Mode | Annotated[list[Mode], Field(min_length=1, max_length=20)] | None = Field(
        default=None, description="Only of executions with this mode."
    )


class WebhookBody(_Body):
    """A webhook to be registered."""

    url: _Url = Field(description="Where to send: https, no user, password or fragment.")
    events: _Events = Field(description="Types of events.")
    filters: WebhookFilters | None = None
    description: _Description | None = Field(default=None, description="For people.")
    status: Literal["enabled", "paused"] = Field(default="enabled", description="paused: nothing is sent.")


class WebhookChangeBody(_Body):
    """What to change; what is left out stays as it is."""

    url: _Url | None = Field(default=None, description="null: stays as it is.")
    events: _Events | None = Field(default=None, description="null: stays as it is.")
    filters: WebhookFilters | None = Field(default=None, description="null: none any more.")
    description: _Description | None = Field(default=None, description="null: none any more.")
    status: Literal["enabled", "paused"] | None = Field(default=None, description="null: stays as it is.")


class WebhookModel(Model):
    """A webhook. Its secret is shown only when it is made or rotated."""

    id: str = Field(examples=["wh_5f2b8c0e9d7a41f3a6b8c2d1"])
    url: str
    events: list[str]
    filters: WebhookFilters
    description: str | None
    status: Literal["enabled", "paused", "disabled"] = Field(
        description="disabled: by the server; `disabledReason` says why."
    )
    disabledReason: str | None
    disabledAt: Instant | None
    createdAt: Instant
    updatedAt: Instant
    failingSince: Instant | None = Field(
        description="First failed attempt since the last good one. null: that was good."
    )
    pending: Count = Field(description="Deliveries that wait.")
    missedEvents: Count = Field(
        description="Events, matching or not, that were forgotten (`event_hours`) before they were looked at for it."
    )
    previousSecretValidUntil: Instant | None = Field(description="Until then both secrets sign. null: there is one.")


class WebhookSecretModel(WebhookModel):
    """A webhook with its secret, which nothing shows again."""

    secret: str = Field(description="Key of the signatures, as Standard Webhooks has it.", examples=["whsec_…"])


class WebhooksModel(Model):
    """All webhooks that the token sees, oldest first."""

    webhooks: list[WebhookModel]


class AttemptModel(Model):
    """One try."""

    at: Instant = Field(description="When it ended.")
    status: int | None = Field(description="HTTP status of the answer. null: there was none.")
    latency: float = Field(ge=0, description="Seconds until the answer, or until it failed.")
    answer: str | None = Field(description="The first 2,048 bytes of the answer's body. null: there was none.")
    error: str | None = Field(description="Why it failed. null: it was taken.")


class DeliveryModel(Model):
    """An event on its way to a webhook."""

    id: str = Field(description="`webhook-id` of the requests: the same however often it is sent.")
    event: str
    executionId: str | None
    status: Literal["pending", "delivered", "failed"] = Field(description="failed: given up.")
    createdAt: Instant
    nextAttemptAt: Instant | None = Field(description="null: there is none.")
    settledAt: Instant | None = Field(description="When it was delivered or given up. null: it waits.")
    attempts: list[AttemptModel] = Field(description="Oldest first; the last 20.")


class DeliveryPagination(Model):
    """Where the log goes on."""

    limit: Count
    hasMore: bool
    nextCursor: str | None = Field(description="Leads to older ones. null: there are none.")


class DeliveriesModel(Model):
    """The log of a webhook, newest first."""

    deliveries: list[DeliveryModel]
    pagination: DeliveryPagination


class SentModel(Model):
    """A delivery that is on its way."""

    deliveryId: str


class ResendBody(_Body):
    """From when on."""

    since: InstantWord = Field(description="Events recorded from this instant on, or from this date's midnight.")


class ResentModel(Model):
    """What is sent again."""

    deliveries: Count
    complete: bool = Field(description="false: events since then may have been forgotten already (`event_hours`).")
