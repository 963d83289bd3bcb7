"""Statistics, nodes and errors as the API describes them. What fills them is in api/reading/statistics_json.py."""

from __future__ import annotations

from pydantic import Field

from api.models.shared import Count, Instant, Model, Seconds


class BucketModel(Model):
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


class WorkflowModel(Model):
    """One workflow in the period."""

    workflowId: str | None = Field(description="null: the records did not say which workflow ran.")
    workflowName: str | None = Field(description="The name it last had; null: not known.")
    executions: Count
    successRate: float | None = Field(description="success / finished, 0..1; null: none has finished.")
    avgTime: Seconds
    p50Time: Seconds
    p95Time: Seconds
    p99Time: Seconds


class PreviousModel(Model):
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


class ChangeModel(Model):
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


class StatisticsModel(Model):
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


class NodeModel(Model):
    """One node of one workflow over the period."""

    workflowId: str | None
    workflowName: str | None
    nodeId: str
    nodeName: str | None
    nodeType: str | None
    runs: Count = Field(description="How often it ran.")
    executions: Count = Field(description="Executions in which it ran.")
    executionShare: float = Field(description="Those / all executions of the workflow in the period, 0..1.")
    failures: Count = Field(description="Runs that ended failed, cancelled or timeout.")
    failureRate: float | None = Field(description="failures / finished runs, 0..1; null: none has finished.")
    totalTime: float = Field(description="Seconds of all its runs.")
    exclusiveTime: float = Field(
        description="Its own seconds: without the time in which a run that began later in the same execution ran."
    )
    exclusiveShare: float | None = Field(description="exclusiveTime / that of all nodes of the answer before the cap.")
    avgTime: Seconds
    p50Time: Seconds
    p95Time: Seconds
    maxTime: Seconds
    itemsOut: int | None = Field(description="Items it gave; null: not known.")


class NodesModel(Model):
    """Where the time goes."""

    since: Instant = Field(description="Begin of the period, inclusive.")
    until: Instant = Field(description="End of the period, exclusive.")
    data: list[NodeModel] = Field(description="Most exclusiveTime first; cut at `limit`.")
    total: Count = Field(description="How many nodes there are; more than data when that was cut.")
    asOf: Instant | None = Field(description="updatedAt of the newest record; null: there is none.")


class ErrorWorkflowModel(Model):
    """A workflow that failed so."""

    workflowId: str | None
    workflowName: str | None
    executions: Count


class ErrorGroupModel(Model):
    """Executions that failed alike."""

    fingerprint: str = Field(description="Of the error; for filter[fingerprint].", examples=["v1:0123456789abcdef"])
    type: str | None = Field(description="Class of the error.")
    message: str | None = Field(description="Message of the newest of them, as it was.")
    executions: Count = Field(description="How many in the period.")
    previousExecutions: Count = Field(description="How many in the equal period before.")
    change: float | None = Field(description="(now - before) / before; null: there were none before.")
    firstSeen: Instant = Field(description="In the whole history, not only in the period.")
    lastSeen: Instant = Field(description="In the whole history.")
    isNew: bool = Field(description="firstSeen is inside the period.")
    workflows: list[ErrorWorkflowModel] = Field(description="Most executions first, at most five.")
    workflowsTotal: Count
    nodeIds: list[str] = Field(description="Nodes that raised it, most first, at most five.")
    executionIds: list[str] = Field(description="The newest of them, newest first, at most five.")


class ErrorsModel(Model):
    """Why executions fail."""

    since: Instant = Field(description="Begin of the period, inclusive.")
    until: Instant = Field(description="End of the period, exclusive.")
    failedExecutions: Count = Field(description="Unsuccessful executions of the period, grouped or not.")
    data: list[ErrorGroupModel] = Field(description="Most executions first; cut at `limit`.")
    total: Count = Field(description="How many groups there are; more than data when that was cut.")
    asOf: Instant | None = Field(description="updatedAt of the newest record; null: there is none.")
