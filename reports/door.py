"""What a report asks of a warehouse: the questions of `warehouse.Warehouse` that it uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from warehouse.capacity_results import Load, Occurrence, RetryStatistics, Usage, WorkflowSteps
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.statistics import StatisticsQuery


class Door(Protocol):
    """The questions of a report; see warehouse.door and warehouse.capacity_door for what they answer."""

    def statistics(self, query: StatisticsQuery, /) -> Statistics:
        """Counts and times."""

    def nodes(self, query: StatisticsQuery, /) -> NodeStatistics:
        """Where the time goes."""

    def errors(self, query: StatisticsQuery, /) -> ErrorStatistics:
        """Why things failed."""

    def usage(self, query: StatisticsQuery, /, steps: Sequence[datetime] | None = None) -> list[Usage]:
        """Memory and data."""

    def load(self, query: StatisticsQuery, /, steps: Sequence[datetime] | None = None) -> list[Load]:
        """How many waited and ran."""

    def retries(self, query: StatisticsQuery, /) -> RetryStatistics:
        """What became of the failures."""

    def occurrences(
        self, query: StatisticsQuery, fingerprint: str, /, steps: Sequence[datetime] | None = None
    ) -> list[Occurrence]:
        """Where and when one error group failed."""

    def workflow_series(
        self, query: StatisticsQuery, workflow_ids: Sequence[str | None], /, steps: Sequence[datetime] | None = None
    ) -> list[WorkflowSteps]:
        """Single workflows over time."""
