"""What the API says, and the one place that turns the warehouse's answers into it.

Names are the contract's (camelCase). Times are seconds rounded to a microsecond, ratios are 0..1, instants are RFC 3339
in UTC, with a fraction only when it is not zero. null means that there is no such number, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from warehouse.results import Bucket, Statistics, Totals, WorkflowTotals
from warehouse.schema import FINISHED, STATUSES

_TIME_DECIMALS: Final = 6


def instant_text(at: datetime) -> str:
    """An instant as 2023-12-06T10:00:00Z, or with milliseconds or microseconds where it has them."""
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if at.microsecond == 0:
        return f"{text}Z"
    digits = f"{at.microsecond:06d}"
    return f"{text}.{digits.removesuffix('000')}Z"


Instant = Annotated[
    datetime,
    PlainSerializer(instant_text, return_type=str, when_used="always"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2023-12-06T10:00:00Z"]}),
]
"""An instant, UTC."""
Seconds = Annotated[float | None, Field(description="Seconds; null: no execution with a duration.", examples=[3.2])]
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BucketModel(_Model):
    """One step of the series: the executions that started (else: were created) in it."""

    timestamp: Instant = Field(description="Begin of the step, or `since` where that cuts the first one.")
    executions: Count = Field(description="All, queued and running ones included.")
    successes: Count
    failures: Count = Field(description="failed + timeout + cancelled.")
    avgTime: Seconds
    minTime: Seconds
    maxTime: Seconds
    p50Time: Seconds
    p95Time: Seconds
    p99Time: Seconds


class WorkflowModel(_Model):
    """One workflow in the period."""

    workflowId: str | None = Field(description="null: the records did not say which workflow ran.")
    workflowName: str | None = Field(description="The name it last had; null: not known.")
    executions: Count
    successRate: float | None = Field(description="success / finished, 0..1; null: none has finished.")
    avgTime: Seconds
    p50Time: Seconds
    p95Time: Seconds
    p99Time: Seconds


class PreviousModel(_Model):
    """The totals of the preceding equal period."""

    since: Instant
    until: Instant
    totalExecutions: Count
    successfulExecutions: Count
    failedExecutions: Count
    averageExecutionTime: Seconds
    p50Time: Seconds
    p95Time: Seconds
    p99Time: Seconds
    queueTime: Seconds
    successRate: float | None
    byStatus: dict[str, Count]


class ChangeModel(_Model):
    """(now - before) / before of each total; null where there was nothing before, or nothing now."""

    totalExecutions: float | None
    successfulExecutions: float | None
    failedExecutions: float | None
    averageExecutionTime: float | None
    p50Time: float | None
    p95Time: float | None
    p99Time: float | None
    queueTime: float | None
    successRate: float | None


class StatisticsModel(_Model):
    """Aggregated execution statistics of one period."""

    period: str = Field(description="The period that was asked for, or `custom`.", examples=["24h"])
    granularity: str = Field(examples=["hour"])
    totalExecutions: Count = Field(description="All executions of the period; byStatus sums to it.")
    successfulExecutions: Count
    failedExecutions: Count = Field(description="failed + timeout + cancelled.")
    averageExecutionTime: Seconds
    data: list[BucketModel] = Field(description="The steps in order, without gaps.")
    byWorkflow: list[WorkflowModel] = Field(description="Most executions first, then by id; cut at `limit`.")
    byStatus: dict[str, Count] = Field(
        description="success, failed, timeout, cancelled always; queued and running only when there are any."
    )
    p50Time: Seconds
    p95Time: Seconds
    p99Time: Seconds
    queueTime: Seconds = Field(description="Mean seconds from creation to start; null: not known of any.")
    since: Instant = Field(description="Begin of the period, inclusive.")
    until: Instant = Field(description="End of the period, exclusive.")
    timezone: str = Field(description="Where days, weeks and months begin.")
    previous: PreviousModel
    change: ChangeModel
    byWorkflowTotal: Count = Field(description="How many workflows there are; more than byWorkflow when that was cut.")
    asOf: Instant | None = Field(description="updatedAt of the newest record in the lake; null: it is empty.")


class ErrorDetail(_Model):
    """What went wrong."""

    model_config = ConfigDict(frozen=True, extra="allow")
    code: str = Field(description="Stable word for programs.", examples=["INVALID_PARAMETER"])
    message: str = Field(description="One sentence for people.")
    timestamp: Instant


class ErrorModel(_Model):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class HealthModel(_Model):
    """Whether the server can answer."""

    status: str = Field(examples=["ok"])
    version: str = Field(description="Release of runlake.")
    lakeVersion: int = Field(description="Grows with every change of the lake.")


def statistics_model(found: Statistics) -> StatisticsModel:
    """The contract's response for an answer of the warehouse."""
    totals = found.totals
    return StatisticsModel(
        period=found.period,
        granularity=found.granularity,
        totalExecutions=totals.executions,
        successfulExecutions=totals.successes,
        failedExecutions=totals.failures,
        averageExecutionTime=_seconds(totals.avg_s),
        data=[_bucket(bucket) for bucket in found.buckets],
        byWorkflow=[_workflow(workflow) for workflow in found.workflows],
        byStatus=_by_status(totals.by_status),
        p50Time=_seconds(totals.p50_s),
        p95Time=_seconds(totals.p95_s),
        p99Time=_seconds(totals.p99_s),
        queueTime=_seconds(totals.queue_avg_s),
        since=found.since,
        until=found.until,
        timezone=found.timezone,
        previous=_previous(found),
        change=_change(totals, found.previous),
        byWorkflowTotal=found.workflows_total,
        asOf=found.as_of,
    )


def statistics_json(found: Statistics) -> dict[str, Any]:
    """The same as plain JSON values."""
    return statistics_model(found).model_dump(mode="json")


def _bucket(bucket: Bucket) -> BucketModel:
    totals = bucket.totals
    return BucketModel(
        timestamp=bucket.start,
        executions=totals.executions,
        successes=totals.successes,
        failures=totals.failures,
        avgTime=_seconds(totals.avg_s),
        minTime=_seconds(totals.min_s),
        maxTime=_seconds(totals.max_s),
        p50Time=_seconds(totals.p50_s),
        p95Time=_seconds(totals.p95_s),
        p99Time=_seconds(totals.p99_s),
    )


def _workflow(workflow: WorkflowTotals) -> WorkflowModel:
    totals = workflow.totals
    return WorkflowModel(
        workflowId=workflow.workflow_id,
        workflowName=workflow.workflow_name,
        executions=totals.executions,
        successRate=totals.success_rate,
        avgTime=_seconds(totals.avg_s),
        p50Time=_seconds(totals.p50_s),
        p95Time=_seconds(totals.p95_s),
        p99Time=_seconds(totals.p99_s),
    )


def _previous(found: Statistics) -> PreviousModel:
    totals = found.previous
    return PreviousModel(
        since=found.previous_since,
        until=found.since,
        totalExecutions=totals.executions,
        successfulExecutions=totals.successes,
        failedExecutions=totals.failures,
        averageExecutionTime=_seconds(totals.avg_s),
        p50Time=_seconds(totals.p50_s),
        p95Time=_seconds(totals.p95_s),
        p99Time=_seconds(totals.p99_s),
        queueTime=_seconds(totals.queue_avg_s),
        successRate=totals.success_rate,
        byStatus=_by_status(totals.by_status),
    )


def _change(now: Totals, before: Totals) -> ChangeModel:
    return ChangeModel(
        totalExecutions=relative_change(now.executions, before.executions),
        successfulExecutions=relative_change(now.successes, before.successes),
        failedExecutions=relative_change(now.failures, before.failures),
        averageExecutionTime=relative_change(now.avg_s, before.avg_s),
        p50Time=relative_change(now.p50_s, before.p50_s),
        p95Time=relative_change(now.p95_s, before.p95_s),
        p99Time=relative_change(now.p99_s, before.p99_s),
        queueTime=relative_change(now.queue_avg_s, before.queue_avg_s),
        successRate=relative_change(now.success_rate, before.success_rate),
    )


def relative_change(now: float | None, before: float | None) -> float | None:
    """(now - before) / before, rounded to a millionth; None when there is no now, no before, or it was zero."""
    if now is None or not before:
        return None
    return round((now - before) / before, 6)


def _by_status(counts: Mapping[str, int]) -> dict[str, int]:
    return {status: counts.get(status, 0) for status in STATUSES if status in FINISHED or counts.get(status, 0)}


def _seconds(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s, _TIME_DECIMALS)
