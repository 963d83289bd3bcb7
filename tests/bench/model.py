"""What a benchmark answers with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to keep to."""

    side: Literal["at most", "at least"]
    limit: float

    def kept_by(self, value: float) -> bool:
        return value <= self.limit if self.side == "at most" else value >= self.limit


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure, measured some times."""

    question: str
    case: str
    unit: Literal["ratio", "throughput ratio", "s", "ms", "GB", "MB", "bytes", "executions/s"]
    values: Sequence[float]
    """One a run, in the order they were taken; the median is judged."""
    bar: Bar | None = None
    """None: for information."""
    ours_s: Sequence[float] = ()
    theirs_s: Sequence[float] = ()
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def kept(self) -> bool | None:
        """Whether the bar is kept. None: there is none."""
        return None if self.bar is None else self.bar.kept_by(self.median)

    def to_json(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "case": self.case,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
            "bar": None if self.bar is None else {"side": self.bar.side, "limit": self.bar.limit},
            "kept": self.kept,
            "ours_s": list(self.ours_s),
            "theirs_s": list(self.theirs_s),
            "note": self.note,
        }
