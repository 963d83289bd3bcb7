"""What a report asks of the warehouse beyond statistics, nodes and errors; each part may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from warehouse.capacity_results import Load, RetryStatistics, Usage, WorkflowSteps
from warehouse.results import Bucket, WorkflowTotals


@dataclass(frozen=True, slots=True)
class BlockSeries:
    """Workflows in even blocks of time, before the period and in it: what regressions are looked for in."""

    borders: Sequence[datetime]
    """Block i is [borders[i], borders[i + 1])."""
    first: int
    """The first block of the period."""
    slots: Sequence[int]
    """Which hour of the week each block is."""
    workflows: Sequence[WorkflowSteps]


@dataclass(frozen=True, slots=True)
class Extras:
    """Further answers about the same interval and filters as the statistics."""

    steps: Sequence[WorkflowSteps] = ()
    """Workflows over the steps of the series, for sparklines."""
    before: Sequence[WorkflowTotals] = ()
    """The workflows of the preceding period (their `totals` are of that period), to tell which ones stopped."""
    hours: Sequence[Bucket] = ()
    """The period by the hour of the report's time zone. Empty: too short for a heat map."""
    blocks: Sequence[BlockSeries] = ()
    """The finest first: a workflow is looked at in the first of them that has enough of it."""
    usage: Sequence[Usage] = ()
    """One a step, and the whole."""
    load: Sequence[Load] = ()
    """One a step, and the whole."""
    usage_before: Usage | None = None
    load_before: Load | None = None
    retries: RetryStatistics | None = None
    retry_executions: int = 0
    """Executions of the period that are retries."""
