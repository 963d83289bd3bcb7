"""What control actions, bulk actions and commands take and give."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.models.shared import Count, Instant, InstantWord
from warehouse.schema import Mode, Status

BULK_LIMIT: Final = 1000
BULK_LIMIT_MAX: Final = 10_000

_Id = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]+$", examples=["exec_1234567890"])]
_Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CancelModel(_Answer):
    """An execution that was cancelled."""

    message: str = Field(examples=["Execution cancelled successfully"])
    executionId: str
    status: Literal["cancelled"]
    cancelledAt: Instant


class RetryBody(_Body):
    """How to retry; all of it is optional, and passed on to the engine."""

    fromNode: _Id | None = Field(default=None, description="The node to begin with.", examples=["slack_1"])
    loadWorkflow: bool | None = Field(
        default=None, description="true: with the workflow as it is now; false: as it was then."
    )
    startNodes: Annotated[list[_Id], Field(max_length=1000)] | None = Field(
        default=None, description="The nodes to begin with, when there are several.", examples=[["slack_1"]]
    )


class RetryModel(BaseModel):
    """The new execution."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    executionId: str = Field(description="Of the new execution.")
    status: Literal["queued", "running"]
    retryOf: str = Field(description="The execution that it repeats.")
    startedAt: Instant | None = Field(default=None, description="When it began. Left out while it is queued.")


def _whole(value: Any) -> Any:
    """JSON does not tell 10.0 from 10."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_given(schema: dict[str, Any]) -> None:
    """At least one condition, and null is none."""
    schema["anyOf"] = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in schema["properties"]
    ]


class BulkFilter(_Body):
    """The filters of the list; every one given must hold. At least one must be given."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=_one_given)
    workflowId: _Text | Annotated[list[_Text], Field(min_length=1)] | None = None
    status: Status | Annotated[list[Status], Field(min_length=1)] | None = None
    mode: Mode | Annotated[list[Mode], Field(min_length=1)] | None = None
    dateRange: Literal["1d", "7d", "30d", "custom"] | None = None
    startDate: InstantWord | None = Field(default=None, description="First instant, ISO 8601, or a date.")
    endDate: InstantWord | None = Field(default=None, description="First instant after the range.")
    errorType: _Text | Annotated[list[_Text], Field(min_length=1)] | None = None
    fingerprint: _Text | None = None
    error: _Text | None = Field(default=None, description="Stands in the error message.")
    minDuration: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] | None = None
    retryOf: _Text | None = None


class BulkBody(_Body):
    """Which executions: either `ids` or `filter`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True,
        json_schema_extra={
            "oneOf": [
                {"required": ["ids"], "properties": {"ids": {"type": "array"}, "filter": {"type": "null"}}},
                {"required": ["filter"], "properties": {"filter": {"type": "object"}, "ids": {"type": "null"}}},
            ]
        },
    )  # fmt: skip
    ids: Annotated[list[_Id], Field(min_length=1, max_length=BULK_LIMIT_MAX)] | None = None
    filter: BulkFilter | None = None
    dryRun: bool = Field(default=False, description="Only say what would be done.")
    limit: Annotated[int, BeforeValidator(_whole)] = Field(
        default=BULK_LIMIT,
        ge=1,
        le=BULK_LIMIT_MAX,
        description="Refuse, with the count, when more executions match.",
    )


class BulkRetryBody(BulkBody):
    """Which executions, and how to retry them."""

    loadWorkflow: bool | None = Field(default=None, description="true: with the workflows as they are now.")


class BulkFailure(_Answer):
    """One execution for which it could not be done."""

    id: str
    code: str = Field(examples=["CANNOT_CANCEL_EXECUTION"])
    message: str
    status: str | None = Field(default=None, description="Its status, where that is why.")


class BulkRetry(_Answer):
    """One retry."""

    retryOf: str
    executionId: str


class BulkModel(_Answer):
    """What became of a bulk action; matched = succeeded + failed."""

    action: Literal["cancel", "retry", "delete"]
    dryRun: bool
    matched: Count = Field(description="Executions that were meant.")
    succeeded: Count = Field(description="Done; with dryRun: would be tried.")
    failed: Count
    failures: list[BulkFailure] = Field(description="Why, of the first 100 that failed; `failed` counts all.")
    retries: list[BulkRetry] | None = Field(default=None, description="Of a retry that was done: all new executions.")


class CommandModel(BaseModel):
    """Something the engine is to do."""

    model_config = ConfigDict(frozen=True, extra="allow")
    id: str = Field(description="To acknowledge it by.", examples=["cmd_5f2b8c0e9d7a41f3a6b8c2d1"])
    type: Literal["cancel", "retry"]
    executionId: str = Field(
        description="cancel: the one to stop. retry: the new execution, to be reported under this."
    )
    workflowId: str | None
    createdAt: Instant
    leasedUntil: Instant = Field(description="Handed out again when it is not acknowledged before.")
    deliveries: int = Field(ge=1, description="How often it has been handed out, this time included.")
    retryOf: str | None = Field(default=None, description="retry: the execution to repeat.")
    fromNode: str | None = Field(default=None, description="retry: the node to begin with.")
    startNodes: list[str] | None = Field(default=None, description="retry: the nodes to begin with.")
    loadWorkflow: bool | None = Field(default=None, description="retry: with the workflow as it is now.")


class CommandsModel(_Answer):
    """Commands, oldest first; perhaps none."""

    commands: list[CommandModel]


class AckBody(_Body):
    """What became of a command."""

    status: Literal["done", "failed"]
    executionId: _Id | None = Field(
        default=None, description="Of a retry: the id that the engine gave it, when it is another."
    )
    message: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] | None = Field(
        default=None, description="Why it failed."
    )


class AckModel(_Answer):
    """An acknowledged command."""

    id: str
    status: Literal["done", "failed"]
    executionId: str = Field(description="The execution that it is about, by the id it has now.")
    settledAt: Instant


def some(value: str | list[Any] | None) -> tuple[str, ...]:
    """One word or several."""
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
