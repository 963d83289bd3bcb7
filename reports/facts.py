"""What the rules of a report look at, and how its sentences quote names and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import format as fmt
from reports.model import ErrorRow, Incident, NodeRow, Point, Regression, RetryTotals, WorkflowRow
from reports.request import Kind
from warehouse.results import Statistics

NAME_CHARS = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at."""

    statistics: Statistics
    points: Sequence[Point]
    incidents: Sequence[Incident]
    workflows: Sequence[WorkflowRow]
    nodes: Sequence[NodeRow]
    errors: Sequence[ErrorRow]
    stopped: Sequence[tuple[str, int]]
    """Workflows that ran in the period before and not in this one: name and executions then."""
    incident_step: str = "day"
    """The step in which failure peaks were looked for."""
    kind: Kind = "overview"
    regressions: Sequence[Regression] = ()
    """What became slower and stayed so."""
    improvements: Sequence[Regression] = ()
    tested: int = 0
    """Workflows that were looked at for these."""
    retries: RetryTotals | None = None
    not_followed: tuple[str, ...] = ()
    """Names of filters that the nodes and the errors do not follow."""

    @property
    def words(self) -> tuple[str, str]:
        """How this period and the one before are called."""
        return fmt.period_words(self.statistics.period, self.statistics.until - self.statistics.since)


def quote(name: str, limit: int = NAME_CHARS) -> str:
    """A name from the records inside a sentence: in quotation marks, on one line, shortened at `limit`."""
    line = " ".join(name.split())
    return f"“{line if len(line) <= limit else line[: limit - 1].rstrip() + '…'}”"


def number_word(value: int) -> str:
    """A small number at the begin of a sentence, in words."""
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return words[value] if value < len(words) else fmt.count(value)
