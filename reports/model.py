"""The one page model: everything a report says, as plain frozen values.

The page is rendered from it and it is written as JSON beside the page, so both always agree. Numbers stay numbers
(seconds, ratios 0..1, counts), instants are timezone-aware UTC; the only texts are names from the records, sentences
written by the rules of `reports.sentences`, and the words of the glossary. None means that there is no such number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

MODEL_VERSION = 1
"""Rises when a field changes its meaning or goes away; a new field does not raise it."""

Tone = Literal["good", "bad", "watch", "neutral"]
"""good and bad colour a text; watch asks for a look; neutral is grey."""
Unit = Literal["count", "seconds", "ratio"]
Direction = Literal["up", "down", "flat"]


@dataclass(frozen=True, slots=True)
class Filter:
    """One restriction of the records the report is about, e.g. ("workflow", "Sync orders")."""

    name: str
    value: str


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
class Change:
    """How a number moved against the preceding equal period."""

    kind: Literal["relative", "points"]
    """relative: (current - previous) / previous; points: current - previous, of ratios."""
    value: float | None
    direction: Direction | None
    """Which way it moved; None exactly when value is."""
    tone: Tone
    """good or bad only where better and worse have a meaning and the counts are large enough to tell."""
    reason: str | None
    """Why value is None; None otherwise."""


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
    """Neighbouring steps in which far more failed than usual in this period."""

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
    total_s: float
    time_share: float | None
    """total_s / total_s of the report: its impact."""
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
    workflows: tuple[ErrorWorkflow, ...]
    workflows_total: int
    nodes: tuple[str, ...]
    """Names where they are known, else ids."""
    sample_ids: tuple[str, ...]


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
    kind: Literal["overview"]
    title: str
    period: str
    granularity: str
    timezone: str
    since: datetime
    until: datetime
    previous_since: datetime
    filters: tuple[Filter, ...]
    as_of: datetime | None
    lake_version: int
    generated_at: datetime
    generator: str
    verdict: Sentence
    headline: tuple[Sentence, ...]
    metrics: tuple[Metric, ...]
    points: tuple[Point, ...]
    incidents: tuple[Incident, ...]
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
