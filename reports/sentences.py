"""The findings of a report, written from the numbers by fixed rules: the same numbers give the same sentences.

Each rule has a minimum count below which it says nothing, so that noise is not announced (see reports.compare). A
section's summary is its one sentence of what changed and what to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import compare
from reports import format as fmt
from reports.model import ErrorRow, Incident, NodeRow, Point, Sentence, Tone, WorkflowRow
from warehouse.results import Statistics, WorkflowTotals

WORKFLOW_Z = 4.0
"""Stricter than for the whole: with many workflows one of them is always unusual."""
SLOWER_RATIO = 0.25
STOPPED_MIN = 20
LOW_RATE = 0.9
BOTTLENECK_SHARE = 0.2
BOTTLENECK_MIN_RUNS = 30
NEW_ERROR_MIN = 5
VOLUME_RATIO = 0.5
VOLUME_MIN = 100
NAME_CHARS = 60
MESSAGE_CHARS = 140


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


def headline(facts: Facts) -> tuple[Sentence, ...]:
    """All findings, what got worse first, then what asks for a look, what is neutral, what got better."""
    if facts.statistics.totals.executions == 0:
        return ()
    found = [
        *_optional(_success(facts)),
        *_optional(_incident(facts)),
        *_failing_workflows(facts),
        *_optional(_new_errors(facts)),
        *_optional(_overall_time(facts)),
        *_slower_workflows(facts),
        *_stopped(facts),
        *_optional(_bottleneck(facts)),
        *_optional(_volume(facts)),
    ]
    order: dict[Tone, int] = {"bad": 0, "watch": 1, "neutral": 2, "good": 3}
    return tuple(sorted(found, key=lambda sentence: order[sentence.tone]))


def _optional(sentence: Sentence | None) -> tuple[Sentence, ...]:
    return () if sentence is None else (sentence,)


def verdict(facts: Facts, findings: Sequence[Sentence]) -> Sentence:
    """The one sentence on top: does anything need somebody?"""
    totals = facts.statistics.totals
    this, _ = facts.words
    if totals.executions == 0:
        before = facts.statistics.previous.executions
        tail = f"; there were {fmt.plural(before, 'execution')} in the period before" if before else ""
        return Sentence("empty", "watch" if before else "neutral", f"No execution was recorded in {this}{tail}.", None)
    bad = [finding for finding in findings if finding.tone == "bad"]
    count = fmt.plural(totals.executions, "execution")
    if bad:
        things = "One thing needs" if len(bad) == 1 else f"{_number(len(bad))} things need"
        return Sentence("attention", "bad", f"{things} attention among the {count} of {this}.", None)
    if totals.finished == 0:
        return Sentence("unfinished", "neutral", f"{count} in {this}, none of them finished yet.", None)
    if totals.failures == 0:
        return Sentence("all_well", "good", f"All went well: none of the {count} of {this} failed.", None)
    if totals.finished < compare.RATE_MIN_FINISHED:
        outcome = f"{fmt.count(totals.successes)} succeeded, {fmt.count(totals.failures)} failed"
        return Sentence("few", "neutral", f"Only {count} in {this}, too few to judge: {outcome}.", None)
    rate = fmt.percent(totals.success_rate)
    if (totals.success_rate or 0.0) < LOW_RATE:
        return Sentence("low_rate", "watch", f"Only {rate} of the finished executions of {this} succeeded.", None)
    return Sentence(
        "steady", "good", f"Nothing stands out: {rate} of the finished executions of {this} succeeded.", None
    )


def _number(value: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return words[value] if value < len(words) else fmt.count(value)


def _success(facts: Facts) -> Sentence | None:
    now, before = facts.statistics.totals, facts.statistics.previous
    if now.success_rate is None:
        return None
    failures = f"{fmt.plural(now.failures, 'execution')} failed"
    if before.success_rate is None:
        text = f"{fmt.percent(now.success_rate)} of the finished executions succeeded; {failures}."
        return Sentence("success_rate", "neutral", text, "success")
    difference = now.success_rate - before.success_rate
    if not compare.rate_changed(now, before):
        text = f"The success rate is as before, {fmt.percent(now.success_rate)}; {failures}."
        return Sentence("success_rate", "neutral", text, "success")
    verb, tone = ("fell", "bad") if difference < 0 else ("rose", "good")
    text = (
        f"The success rate {verb} by {fmt.points(difference)} to {fmt.percent(now.success_rate)}; {failures}, "
        f"{fmt.count(before.failures)} in the period before."
    )
    return Sentence("success_rate", "bad" if tone == "bad" else "good", text, "success")


def _incident(facts: Facts) -> Sentence | None:
    if not facts.incidents:
        return None
    worst, statistics = facts.incidents[0], facts.statistics
    when = fmt.span(worst.start, worst.end, statistics.granularity, statistics.timezone)
    text = (
        f"Failures peaked {when}: {fmt.count(worst.failures)} of {fmt.count(worst.finished)} finished executions "
        f"failed ({fmt.percent(worst.failures / worst.finished)})."
    )
    others = len(facts.incidents) - 1
    if others:
        text = f"{text[:-1]}; {fmt.plural(others, 'smaller peak')} besides."
    return Sentence("failure_peak", "bad", text, "executions")


def _pairs(facts: Facts) -> list[tuple[WorkflowTotals, str]]:
    names = {row.workflow_id: row.name for row in facts.workflows}
    return [(item, names[item.workflow_id]) for item in facts.statistics.workflows if item.workflow_id in names]


def _failing_workflows(facts: Facts) -> list[Sentence]:
    """The workflow whose success rate fell most clearly, and how many others fell."""
    fallen = [
        (z, item, name)
        for item, name in _pairs(facts)
        if compare.rate_changed(item.totals, item.previous, z=WORKFLOW_Z)
        and (z := compare.rate_z(item.totals, item.previous)) is not None
        and z < 0
    ]
    if not fallen or len(facts.workflows) < 2:
        return []
    _, item, name = min(fallen, key=lambda found: (found[0], found[2]))
    more = f" ({fmt.plural(len(fallen) - 1, 'other')} fell too)" if len(fallen) > 1 else ""
    text = (
        f"{quote(name)} fails more often: {fmt.percent(item.totals.success_rate)} succeeded, "
        f"{fmt.percent(item.previous.success_rate)} before; {fmt.count(item.totals.failures)} failures{more}."
    )
    return [Sentence("workflow_success_rate", "bad", text, "workflows")]


def _new_errors(facts: Facts) -> Sentence | None:
    new = [row for row in facts.errors if row.is_new and row.executions >= NEW_ERROR_MIN]
    if not new or facts.not_followed:
        return None
    row = max(new, key=lambda found: (found.executions, found.fingerprint))
    first_period = facts.statistics.previous.executions == 0  # everything is new then, which is no news
    what = quote(row.message or row.error_type or row.fingerprint, MESSAGE_CHARS)
    where = f" in {quote(row.workflows[0].name)}" if len(row.workflows) == 1 and row.workflows_total == 1 else ""
    head = "A new error" if len(new) == 1 else f"{_number(len(new))} new errors; the most frequent"
    head = "The most frequent error" if first_period else head
    text = f"{head}: {what}, {fmt.plural(row.executions, 'execution')}{where}."
    return Sentence("new_errors", "watch" if first_period else "bad", text, "errors")


def _overall_time(facts: Facts) -> Sentence | None:
    now, before = facts.statistics.totals, facts.statistics.previous
    for label, current, previous in (("p95", now.p95_s, before.p95_s), ("p50", now.p50_s, before.p50_s)):
        if current is None or previous is None:
            continue
        if not compare.time_changed(current, previous, now.timed, before.timed):
            continue
        slower = current > previous
        text = (
            f"Executions became {'slower' if slower else 'faster'}: {label} is {fmt.duration(current)}, "
            f"{fmt.duration(previous)} before."
        )
        return Sentence("duration", "watch" if slower else "good", text, "durations")
    return None


def _slower_workflows(facts: Facts) -> list[Sentence]:
    """The workflow that lost most time by being slower, and how many others are."""
    slower: list[tuple[float, float, str, WorkflowTotals]] = []
    for item, name in _pairs(facts):
        now, before = item.totals, item.previous
        if now.p50_s is None or before.p50_s is None or now.p50_s <= before.p50_s:
            continue
        if compare.time_changed(now.p50_s, before.p50_s, now.timed, before.timed, ratio=SLOWER_RATIO):
            lost_s = (now.p50_s - before.p50_s) * now.timed
            slower.append((lost_s, now.p50_s / before.p50_s, name, item))
    if not slower:
        return []
    _, factor, name, item = max(slower, key=lambda found: found[:3])
    now, before = item.totals, item.previous
    more = f" ({fmt.plural(len(slower) - 1, 'other')} became slower too)" if len(slower) > 1 else ""
    text = (
        f"{quote(name)} takes {fmt.times(factor)} as long: half of its runs are over after "
        f"{fmt.duration(now.p50_s)}, {fmt.duration(before.p50_s)} before{more}."
    )
    return [Sentence("workflow_slower", "bad", text, "workflows")]


def _stopped(facts: Facts) -> list[Sentence]:
    stopped = [(executions, name) for name, executions in facts.stopped if executions >= STOPPED_MIN]
    if not stopped:
        return []
    executions, name = max(stopped)
    more = f", and {fmt.plural(len(stopped) - 1, 'other workflow')} stopped too" if len(stopped) > 1 else ""
    ran = fmt.plural(executions, "time")
    text = f"{quote(name)} did not run at all; it ran {ran} in the period before{more}."
    return [Sentence("workflow_stopped", "watch", text, "workflows")]


def _bottleneck(facts: Facts) -> Sentence | None:
    if len(facts.nodes) < 2 or facts.not_followed:
        return None
    node = facts.nodes[0]
    if (node.exclusive_share or 0.0) < BOTTLENECK_SHARE or node.runs < BOTTLENECK_MIN_RUNS:
        return None
    text = (
        f"{fmt.percent(node.exclusive_share)} of all node time is spent in one node, {quote(node.name)} of "
        f"{quote(node.workflow_name)}."
    )
    return Sentence("bottleneck", "neutral", text, "nodes")


def _volume(facts: Facts) -> Sentence | None:
    now, before = facts.statistics.totals.executions, facts.statistics.previous.executions
    _, previously = facts.words
    count = fmt.plural(now, "execution")
    if before == 0:
        return Sentence(
            "volume", "neutral", f"{count} ran; there was nothing in {previously} to compare with.", "executions"
        )
    change = (now - before) / before
    if abs(change) < 0.0005:
        return Sentence("volume", "neutral", f"{count} ran, as many as in {previously}.", "executions")
    unusual = abs(change) >= VOLUME_RATIO and max(now, before) >= VOLUME_MIN
    if change + 1 >= 2:
        text = f"{count} ran, {fmt.relative(change)} as many as in {previously}."
    else:
        word = "more" if change > 0 else "fewer"
        text = f"{count} ran, {fmt.relative(change)} {word} than in {previously} ({fmt.count(before)})."
    return Sentence("volume", "watch" if unusual else "neutral", text, "executions")
