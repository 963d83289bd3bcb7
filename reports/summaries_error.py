"""What a report about one error group says, by fixed rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import format as fmt
from reports import heat, summaries_more
from reports.facts import quote
from reports.model import ErrorRow, HeatCell, Incident, Point, RetryTotals, Section, Sentence
from warehouse.results import ErrorStatistics, Statistics

CHART_MIN_STEPS = 2
MESSAGE_CHARS = 140
TITLE_CHARS = 60
MOVED_MIN = 30
"""Fewer failures in both periods are not compared."""
MOVED_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """What the rules look at."""

    statistics: Statistics
    """Of all executions: how much the group is of them."""
    points: Sequence[Point]
    """Of the group alone."""
    incidents: Sequence[Incident]
    row: ErrorRow | None
    """None: it did not occur in the period."""
    errors: ErrorStatistics
    retries: RetryTotals | None
    heat: Sequence[HeatCell]


def title(facts: ErrorFacts) -> str | None:
    """The type of the error and the begin of its message."""
    if facts.row is None:
        return None
    words = [facts.row.error_type or "Error", " ".join((facts.row.message or "").split())]
    text = ": ".join(word for word in words if word)
    return text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1].rstrip() + "…"


def verdict(facts: ErrorFacts) -> Sentence:
    """The one sentence on top."""
    row, statistics = facts.row, facts.statistics
    this, _ = fmt.period_words(statistics.period, statistics.until - statistics.since)
    if row is None:
        return Sentence("gone", "good", f"This error did not occur in {this}.", None)
    count = fmt.plural(row.executions, "execution")
    text = f"{count} of {this} failed with this error, {fmt.percent(row.share)} of all failures."
    if row.is_new:
        return Sentence("new_errors", "bad", f"{text} It was never seen before.", None)
    if max(row.executions, row.previous) >= MOVED_MIN and row.executions >= row.previous * (1 + MOVED_RATIO):
        return Sentence("error_grew", "bad", f"{text} It grew.", None)
    return Sentence("error_steady", "watch", text, None)


def headline(facts: ErrorFacts) -> tuple[Sentence, ...]:
    """All findings."""
    row = facts.row
    if row is None:
        return ()
    found = [Sentence("error_volume", "neutral", _volume(row), "executions")]
    if facts.incidents:
        worst, statistics = facts.incidents[0], facts.statistics
        when = fmt.span(worst.start, worst.end, statistics.granularity, statistics.timezone)
        text = f"It peaked {when} with {fmt.plural(worst.failures, 'execution')}."
        found.insert(0, Sentence("failure_peak", "bad", text, "executions"))
    if row.workflows:
        first, total = row.workflows[0], row.workflows_total
        share = fmt.percent(first.executions / row.executions)
        only = f"Only {quote(first.name)} fails with it."
        text = only if total == 1 else f"{quote(first.name)} is {share} of it, of {fmt.plural(total, 'workflow')}."
        found.append(Sentence("error_where", "neutral", text, "errors"))
    return tuple(found)


def _volume(row: ErrorRow) -> str:
    if row.is_new:
        return f"{fmt.plural(row.executions, 'execution')}; there was none in the whole lake before this period."
    if not row.previous:
        return f"{fmt.plural(row.executions, 'execution')}; there was none in the period before."
    return f"{fmt.plural(row.executions, 'execution')}, {fmt.count(row.previous)} in the period before."


def sections(facts: ErrorFacts) -> tuple[Section, ...]:
    """The sections of the page in order."""
    return summaries_more.joined(_executions(facts), _group(facts), _retries(facts), _heat(facts))


def _executions(facts: ErrorFacts) -> Section:
    name, statistics = "Failures over time", facts.statistics
    busy = [point for point in facts.points if point.executions]
    if not busy:
        return Section("executions", name, "", "It did not occur in this period, so there is nothing to draw.")
    most = max(busy, key=lambda point: point.executions)
    when = fmt.within(most.start, statistics.granularity, statistics.timezone)
    text = f"Most of them {when}: {fmt.plural(most.executions, 'execution')}."
    return Section("executions", name, text, None if len(busy) >= CHART_MIN_STEPS else text)


def _group(facts: ErrorFacts) -> Section:
    if facts.row is None:
        return Section("errors", "The error", "", "It did not occur in this period.")
    row, timezone = facts.row, facts.statistics.timezone
    text = f"First seen {fmt.instant(row.first_seen, timezone)}, last seen {fmt.instant(row.last_seen, timezone)}."
    return Section("errors", "The error", text, None)


def _retries(facts: ErrorFacts) -> Section | None:
    if facts.retries is None:
        return None
    return summaries_more.retries_of(facts.retries)


def _heat(facts: ErrorFacts) -> Section | None:
    failing = max(facts.heat, key=lambda cell: heat.mean(cell, True) or 0.0, default=None)
    if failing is None or not failing.failures:
        return None
    return Section("heat", "Hours of the week", f"Most of it {summaries_more.hour_words(failing)}.", None)
