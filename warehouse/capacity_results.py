"""What the warehouse answers about load, memory, data and retries: frozen values, plain numbers, no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory and data of the executions of one interval."""

    executions: int
    measured: int
    """Executions with a known memory."""
    memory_p50_mb: float | None
    memory_p95_mb: float | None
    memory_max_mb: float | None
    """MiB; percentiles linear between ranks, relative error at most 1 %. None: nothing was measured."""
    sized: int
    """Executions with a known size of their data."""
    data_bytes: int
    """Sum of the sizes that are known."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many executions waited and ran at the same time in one interval."""

    waiting_mean: float | None
    """Mean over time. None: the interval holds no full unit."""
    waiting_peak: int | None
    """The most at the begin of a unit."""
    running_mean: float | None
    running_peak: int | None


@dataclass(frozen=True, slots=True)
class RetryOutcome:
    """What became of unsuccessful executions."""

    failures: int
    healed: int
    """An execution of the same family (the first one and its retries) succeeded later."""
    retried: int
    """Of the others: there was a later attempt, none of them succeeded."""
    heal_s: float | None
    """Median time from the failure's begin to that of the first success. None: no such pair is known."""

    @property
    def open(self) -> int:
        """Still failing: no later attempt succeeded."""
        return self.failures - self.healed


@dataclass(frozen=True, slots=True)
class RetryStatistics:
    """Retries over one interval, as known now (a retry may come after its end)."""

    total: RetryOutcome
    by_fingerprint: Mapping[str, RetryOutcome]


@dataclass(frozen=True, slots=True)
class WorkflowSteps:
    """One workflow over the steps of a series."""

    workflow_id: str | None
    executions: tuple[int, ...]
    failures: tuple[int, ...]
    timed: tuple[int, ...]
    p50_s: tuple[float | None, ...]
    """None: no execution of the step has a duration."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Executions of one error group in one step, workflow and node."""

    step: int
    workflow_id: str | None
    workflow_name: str | None
    node_id: str | None
    status: str
    executions: int
