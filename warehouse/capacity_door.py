"""The questions of the door about load, memory, data, retries and single workflows over time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from warehouse import capacity, workflow_series
from warehouse.capacity_results import Load, Occurrence, RetryStatistics, Usage, WorkflowSteps
from warehouse.clock import now
from warehouse.period import borders, choose_granularity, resolve_period, zone
from warehouse.selection import Filters
from warehouse.statistics import StatisticsQuery

_ANSWER_BYTES: Final = 100_000
"""What an answer takes in memory, about: of a year by the day, or 50 error groups."""

if TYPE_CHECKING:
    from warehouse.duck import Session
    from warehouse.lru import Lru
    from warehouse.rollup_cache import RollupCache
    from warehouse.snapshot import Snapshot


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer that is remembered."""

    answer: Any
    nbytes: int = _ANSWER_BYTES


class CapacityQuestions:
    """What `Warehouse` answers beyond counts and times; each call looks at the lake as it is at that moment.

    The steps are those of the query's period and granularity, as in `Warehouse.statistics`, unless `steps` names their
    borders. Raises BadInputError and QueryError as `Warehouse.statistics` does.
    """

    rollups: RollupCache
    _session: Session
    _answers: Lru[Hashable, Any]

    def _snapshot(self, *, details: bool = False) -> Snapshot:
        raise NotImplementedError

    def _remembered(self, question: Hashable, ask: Callable[[Snapshot], T]) -> T:
        """The answer to a question about the lake as it is; the same question about the same lake is asked once."""
        snapshot = self._snapshot()
        key = snapshot.state, question
        known = self._answers.get(key)
        if known is None:
            known = _Known(ask(snapshot))
            self._answers.put(key, known)
        answer: T = known.answer
        return answer

    def usage(self, query: StatisticsQuery, /, steps: Sequence[datetime] | None = None) -> list[Usage]:
        """Memory and data of each step, and of all of them as the last item: see capacity.usage."""
        chosen, ends = _filters(query), tuple(_steps(query, steps))
        return self._remembered(
            ("usage", chosen, ends), lambda snapshot: capacity.usage(self._session, snapshot, chosen, ends)
        )

    def load(self, query: StatisticsQuery, /, steps: Sequence[datetime] | None = None) -> list[Load]:
        """How many executions waited and ran in each step, and over all: see capacity.load."""
        chosen, ends = _filters(query), tuple(_steps(query, steps))
        return self._remembered(
            ("load", chosen, ends), lambda snapshot: capacity.load(self._session, snapshot, chosen, ends)
        )

    def retries(self, query: StatisticsQuery, /) -> RetryStatistics:
        """What became of the failures of the query's period: see capacity.retry_statistics."""
        window, chosen = resolve_period(query.period, query.since, query.until, now=now()), _filters(query)
        return self._remembered(
            ("retries", chosen, window),
            lambda snapshot: capacity.retry_statistics(self._session, snapshot, chosen, window.since, window.until),
        )

    def occurrences(
        self, query: StatisticsQuery, fingerprint: str, /, steps: Sequence[datetime] | None = None
    ) -> list[Occurrence]:
        """Where and when one error group failed: see capacity.occurrences."""
        return capacity.occurrences(self._session, self._snapshot(), _filters(query), _steps(query, steps), fingerprint)

    def workflow_series(
        self,
        query: StatisticsQuery,
        workflow_ids: Sequence[str | None],
        /,
        steps: Sequence[datetime] | None = None,
    ) -> list[WorkflowSteps]:
        """Each of these workflows over the steps, in the order asked: see workflow_series.workflow_series."""
        return workflow_series.workflow_series(
            self._session, self._snapshot(), self.rollups, _filters(query), _steps(query, steps), workflow_ids
        )


def _filters(query: StatisticsQuery) -> Filters:
    return Filters(query.workflows, query.statuses, query.modes)


def _steps(query: StatisticsQuery, steps: Sequence[datetime] | None) -> Sequence[datetime]:
    if steps is not None:
        return steps
    window = resolve_period(query.period, query.since, query.until, now=now())
    granularity = choose_granularity(query.granularity, window.since, window.until)
    return borders(window.since, window.until, granularity, zone(query.timezone))
