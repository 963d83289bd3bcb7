"""What the warehouse answers with: frozen values, plain numbers, no text and no rounding.

Times are seconds, ratios are 0..1, instants are timezone-aware UTC. None means that there is no such number
(no finished execution to average, no period before to compare with), never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts and times of all executions of one interval (or of one part of it)."""

    executions: int
    """All, queued and running ones included; equals the sum of by_status."""
    successes: int
    failures: int
    """failed + timeout + cancelled."""
    by_status: Mapping[str, int]
    """Count of each of schema.STATUSES (all six keys)."""
    timed: int
    """Executions with a duration: finished, not crashed."""
    avg_s: float | None
    min_s: float | None
    max_s: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    """Percentiles of the durations, linear between ranks (type 7), relative error at most 1 %."""
    total_s: float
    """Sum of the durations."""
    queue_avg_s: float | None
    """Mean of the queue times that are known."""

    @property
    def finished(self) -> int:
        """Executions that have ended."""
        return self.successes + self.failures

    @property
    def success_rate(self) -> float | None:
        """success / finished."""
        return self.successes / self.finished if self.finished else None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of the series: the executions placed in [start, end)."""

    start: datetime
    end: datetime
    totals: Totals


@dataclass(frozen=True, slots=True)
class WorkflowTotals:
    """One workflow in the interval."""

    workflow_id: str | None
    workflow_name: str | None
    """The name it last had."""
    totals: Totals
    previous: Totals
    """The same workflow in the preceding equal period."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything `GET /v1/executions/statistics` says."""

    period: str
    """The word that was asked: 24h, 7d, … or custom."""
    granularity: str
    timezone: str
    since: datetime
    until: datetime
    totals: Totals
    previous_since: datetime
    previous: Totals
    """The preceding equal period [previous_since, since)."""
    buckets: tuple[Bucket, ...]
    """In order, without gaps, the first and the last cut at since and until."""
    workflows: tuple[WorkflowTotals, ...]
    """Most executions first, then by id."""
    workflows_total: int
    """How many there are; more than len(workflows) when the list was capped."""
    as_of: datetime | None
    """updated_at of the newest record in the lake; None: the lake is empty."""
    lake_version: int

    @property
    def nbytes(self) -> int:
        """Bytes in memory, about."""
        return 1_000 * (1 + len(self.buckets) + 2 * len(self.workflows))


@dataclass(frozen=True, slots=True)
class NodeTotals:
    """One node of one workflow over the interval."""

    workflow_id: str | None
    workflow_name: str | None
    node_id: str
    node_name: str | None
    node_type: str | None
    runs: int
    executions: int
    """Distinct executions in which it ran."""
    execution_share: float
    """Those / all executions of the workflow in the interval."""
    failures: int
    """Runs that ended failed, cancelled or timeout."""
    failure_rate: float | None
    """failures / finished runs."""
    total_s: float
    exclusive_s: float
    """Its own time: what is left of its runs when later-started runs of the same execution are cut out."""
    exclusive_share: float | None
    """exclusive_s / sum of exclusive_s over all nodes of the answer before any cap."""
    avg_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None
    items_out: int | None


@dataclass(frozen=True, slots=True)
class NodeStatistics:
    """Where the time goes: nodes, most exclusive time first."""

    since: datetime
    until: datetime
    nodes: tuple[NodeTotals, ...]
    nodes_total: int
    as_of: datetime | None
    lake_version: int


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Executions that failed alike: one fingerprint."""

    fingerprint: str
    error_type: str | None
    message: str | None
    """The message of the newest of them, as it was."""
    executions: int
    previous: int
    """How many in the preceding equal period."""
    first_seen: datetime
    """In the whole lake, not only in the interval."""
    last_seen: datetime
    """In the whole lake too, so it may lie after the interval."""
    is_new: bool
    """first_seen is inside the interval."""
    workflows: tuple[tuple[str | None, str | None, int], ...]
    """(workflow_id, workflow_name, executions), most first, at most five."""
    workflows_total: int
    nodes: tuple[str, ...]
    """Ids of the nodes that raised it, most first, at most five."""
    sample_ids: tuple[str, ...]
    """Ids of the newest executions of the group, newest first, at most five."""


@dataclass(frozen=True, slots=True)
class ErrorStatistics:
    """Why things failed: error groups, most executions first."""

    since: datetime
    until: datetime
    groups: tuple[ErrorGroup, ...]
    groups_total: int
    executions: int
    """Unsuccessful executions in the interval (with a fingerprint or without)."""
    as_of: datetime | None
    lake_version: int
