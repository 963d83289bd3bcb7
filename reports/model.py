"""The one page model: everything a report says, as plain frozen values.

The page is rendered from it and it is written as JSON beside the page, so both always agree. Numbers stay numbers
(seconds, ratios 0..1, counts), instants are timezone-aware UTC; the only texts are names from the records, sentences
written by the rules of `reports.sentences`, and the words of the glossary. None means that there is no such number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from reports.request import Kind
from reports.rows import (
    CapacityPoint,
    ErrorRow,
    ErrorWorkflow,
    HeatCell,
    Incident,
    NodeRow,
    Point,
    Regression,
    RetryTotals,
    StatusCounts,
    WorkflowRow,
)
from reports.values import Change, Direction, Tone, Unit
from warehouse.schema import Mode, Status

__all__ = [
    "MODEL_VERSION",
    "CapacityPoint",
    "Change",
    "Direction",
    "ErrorRow",
    "ErrorWorkflow",
    "Filter",
    "GlossaryEntry",
    "HeatCell",
    "Incident",
    "Metric",
    "NodeRow",
    "Point",
    "Regression",
    "ReportModel",
    "RetryTotals",
    "Section",
    "Selection",
    "Sentence",
    "StatusCounts",
    "Tone",
    "Unit",
    "WorkflowRow",
    "from_json",
    "to_json",
]

MODEL_VERSION = 1
"""Rises when a field changes its meaning or goes away; a new field does not raise it."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One restriction of the records the report is about, e.g. ("workflow", "Sync orders")."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which executions the report is about, besides its period: what its links select. Empty: all."""

    workflow_ids: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    modes: tuple[Mode, ...] = ()
    fingerprint: str | None = None
    """Of the error group that a report of the kind error is about."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One finding, written by a fixed rule."""

    rule: str
    """Name of the rule, stable: scripts may test for it."""
    tone: Tone
    text: str
    section: str | None
    """Key of the section that shows the details; None: no section does."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One headline number: a tile."""

    key: str
    label: str
    unit: Unit
    value: float | None
    previous: float | None
    change: Change
    reason: str | None
    """Why value is None; None otherwise."""
    series: tuple[float | None, ...]
    """The same number of each step of the series (for the sparkline); empty when it has none."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page: its sentence, or the words that stand in place of an empty chart or table."""

    key: str
    title: str
    summary: str
    """What changed and what to look at."""
    empty: str | None
    """Why there is nothing to draw; None: there is."""


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """What one number means."""

    key: str
    term: str
    formula: str
    note: str


@dataclass(frozen=True, slots=True)
class ReportModel:
    """One report."""

    model_version: int
    kind: Kind
    title: str
    period: str
    granularity: str
    timezone: str
    since: datetime
    until: datetime
    previous_since: datetime
    previous_until: datetime
    """End of the period it is compared with: `since`, but for a comparison of two periods."""
    filters: tuple[Filter, ...]
    selection: Selection
    public_url: str | None
    """Where links lead: the address of the served pages, or the empty text inside them. None: no links."""
    as_of: datetime | None
    lake_version: int
    generated_at: datetime
    generator: str
    verdict: Sentence
    headline: tuple[Sentence, ...]
    metrics: tuple[Metric, ...]
    points: tuple[Point, ...]
    incidents: tuple[Incident, ...]
    regressions: tuple[Regression, ...]
    """What became slower and stayed so, the most lost time first."""
    improvements: tuple[Regression, ...]
    """What became faster and stayed so, the most saved time first."""
    regressions_tested: int
    """Workflows with enough executions to tell."""
    heat: tuple[HeatCell, ...]
    """168 hours of the week from Monday 0:00 on; empty: the period is too short for it."""
    retries: RetryTotals | None
    capacity: tuple[CapacityPoint, ...]
    """One a point, and the whole as the last item; empty when not asked for."""
    capacity_before: CapacityPoint | None
    """The whole of the period before."""
    sections: tuple[Section, ...]
    workflows: tuple[WorkflowRow, ...]
    workflows_total: int
    nodes: tuple[NodeRow, ...]
    nodes_total: int
    errors: tuple[ErrorRow, ...]
    errors_total: int
    errors_executions: int
    glossary: tuple[GlossaryEntry, ...]

    def section(self, key: str) -> Section:
        """The section with this key; raises KeyError when there is none."""
        for section in self.sections:
            if section.key == key:
                return section
        raise KeyError(key)


def to_json(model: ReportModel) -> bytes:
    """The model as indented UTF-8 JSON, fields as declared, instants in RFC 3339: the same model, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(model), indent=2) + b"\n"


def from_json(data: bytes) -> ReportModel:
    """The model that `to_json` wrote; raises msgspec.ValidationError for anything else."""
    return msgspec.json.decode(data, type=ReportModel)
