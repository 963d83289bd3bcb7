"""The rows of the page model: steps of the series, workflows, nodes, error groups, and what else a section lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.values import Change


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """Executions by status."""

    queued: int
    running: int
    success: int
    failed: int
    cancelled: int
    timeout: int


@dataclass(frozen=True, slots=True)
class Point:
    """One step [start, end) of the series."""

    start: datetime
    end: datetime
    executions: int
    by_status: StatusCounts
    finished: int
    failures: int
    success_rate: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which far more failed than usual in this period: neighbouring steps, or hours where steps are days."""

    start: datetime
    end: datetime
    first_index: int
    last_index: int
    """Positions in ReportModel.points, both included."""
    failures: int
    finished: int


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    """One workflow, the most total time first."""

    workflow_id: str | None
    name: str
    """The name it last had, else its id, else words."""
    executions: int
    share: float | None
    """Of all executions of the report."""
    executions_change: Change
    failures: int
    success_rate: float | None
    success_change: Change
    avg_s: float | None
    p50_s: float | None
    p95_s: float | None
    p95_change: Change
    p50_change: Change
    total_s: float
    time_share: float | None
    """total_s / total_s of the report: its impact."""
    saved_s: float | None
    """Run time saved (below zero: lost) against the period before: (mean before - mean now) x executions with a
    duration now. None: one of the two periods has none."""
    series: tuple[float | None, ...]
    """Executions of each step; empty when not asked for."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node of one workflow, the most exclusive time first."""

    workflow_id: str | None
    workflow_name: str
    node_id: str
    name: str
    node_type: str | None
    runs: int
    execution_share: float
    failures: int
    failure_rate: float | None
    exclusive_s: float
    exclusive_share: float | None
    total_s: float
    avg_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class ErrorWorkflow:
    """A workflow in which an error group appeared."""

    workflow_id: str | None
    name: str
    executions: int


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error group, new ones first, then the most executions."""

    fingerprint: str
    error_type: str | None
    message: str | None
    """At most MESSAGE_CHARS characters of the newest message."""
    message_chars: int
    """Length of the whole message; more than len(message) when it was shortened."""
    is_new: bool
    executions: int
    share: float | None
    """Of the unsuccessful executions of the report."""
    previous: int
    change: Change
    first_seen: datetime
    last_seen: datetime
    healed: int | None
    """Executions after which a retry succeeded. None: the report does not follow retries."""
    retried: int | None
    """Of the others, those that were tried again."""
    heal_s: float | None
    """Median time from the begin of a failure to that of the success. None: none is known."""
    workflows: tuple[ErrorWorkflow, ...]
    workflows_total: int
    nodes: tuple[str, ...]
    """Names where they are known, else ids."""
    sample_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Regression:
    """A workflow that became slower or faster at some instant of the period and stayed so."""

    workflow_id: str | None
    name: str
    slower: bool
    since: datetime
    """Begin of the first block of time at the new level."""
    before_s: float
    """Typical duration (median of the blocks' medians) before it."""
    after_s: float
    """before_s x ratio."""
    ratio: float
    """New level / old one, daily and weekly cycles taken out."""
    p_value: float
    """Probability of so much by chance in any workflow of the report, corrected as reports.regressions says."""
    total_s: float
    """Run time lost since then, below zero when it became faster: (after_s - before_s) x executions with a duration."""
    series: tuple[float | None, ...]
    """Median of each block of time, of the period only."""
    first_index: int
    """Where in it the new level begins."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One hour of the week in the report's time zone."""

    weekday: int
    """0: Monday."""
    hour: int
    """0..23."""
    hours: float
    """How many of it the period holds: parts at its ends count as parts, the hour that comes twice as two."""
    executions: int
    finished: int
    failures: int


@dataclass(frozen=True, slots=True)
class RetryTotals:
    """What became of the unsuccessful executions of the period, as known when the report was made."""

    failures: int
    healed: int
    """A retry succeeded later."""
    retried: int
    """Tried again later, without success so far."""
    untried: int
    """Never tried again."""
    heal_s: float | None
    """Median time from the begin of a failure to the begin of the success. None: none is known."""
    retries: int
    """Executions of the period that are retries."""


@dataclass(frozen=True, slots=True)
class CapacityPoint:
    """Load, memory and data of one step of the series; the last item of a list of them is the whole period."""

    waiting_mean: float | None
    waiting_peak: int | None
    """Executions that waited to start: mean over time, and the most at a full minute."""
    running_mean: float | None
    running_peak: int | None
    measured: int
    """Executions with a known memory."""
    memory_p50_mb: float | None
    memory_p95_mb: float | None
    memory_max_mb: float | None
    """Peak memory of an execution, MiB."""
    sized: int
    """Executions with a known size of data."""
    data_bytes: int
