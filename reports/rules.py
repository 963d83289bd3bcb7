"""One rule a finding: what changed, told only when it is more than noise (see reports.compare)."""

from __future__ import annotations

from reports import compare
from reports import format as fmt
from reports.facts import Facts, number_word, quote
from reports.model import Sentence
from warehouse.results import WorkflowTotals

WORKFLOW_Z = 4.0
"""Stricter than for the whole: with many workflows one of them is always unusual."""
SLOWER_RATIO = 0.25
STOPPED_MIN = 20
BOTTLENECK_SHARE = 0.2
BOTTLENECK_MIN_RUNS = 30
NEW_ERROR_MIN = 5
VOLUME_RATIO = 0.5
VOLUME_MIN = 100
MESSAGE_CHARS = 140


def success(facts: Facts) -> Sentence | None:
    """How the success rate moved."""
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


def incident(facts: Facts) -> Sentence | None:
    """The worst failure peak."""
    if not facts.incidents:
        return None
    worst, statistics = facts.incidents[0], facts.statistics
    when = fmt.span(worst.start, worst.end, facts.incident_step, statistics.timezone)
    text = (
        f"Failures peaked {when}: {fmt.count(worst.failures)} of {fmt.count(worst.finished)} finished executions "
        f"failed ({fmt.percent(worst.failures / worst.finished)})."
    )
    others = len(facts.incidents) - 1
    if others:
        text = f"{text[:-1]}; {fmt.plural(others, 'smaller peak')} besides."
    return Sentence("failure_peak", "bad", text, "executions")


def pairs(facts: Facts) -> list[tuple[WorkflowTotals, str]]:
    """The workflows that the page lists, with the names it gives them."""
    names = {row.workflow_id: row.name for row in facts.workflows}
    return [(item, names[item.workflow_id]) for item in facts.statistics.workflows if item.workflow_id in names]


def failing_workflows(facts: Facts) -> list[Sentence]:
    """The workflow whose success rate fell most clearly, and how many others fell."""
    fallen = [
        (z, item, name)
        for item, name in pairs(facts)
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


def new_errors(facts: Facts) -> Sentence | None:
    """Errors that were never seen before."""
    new = [row for row in facts.errors if row.is_new and row.executions >= NEW_ERROR_MIN]
    if not new:
        return None
    row = max(new, key=lambda found: (found.executions, found.fingerprint))
    first_period = facts.statistics.previous.executions == 0  # everything is new then, which is no news
    what = quote(row.message or row.error_type or row.fingerprint, MESSAGE_CHARS)
    where = f" in {quote(row.workflows[0].name)}" if len(row.workflows) == 1 and row.workflows_total == 1 else ""
    head = "A new error" if len(new) == 1 else f"{number_word(len(new))} new errors; the most frequent"
    head = "The most frequent error" if first_period else head
    text = f"{head}: {what}, {fmt.plural(row.executions, 'execution')}{where}."
    return Sentence("new_errors", "watch" if first_period else "bad", text, "errors")


def overall_time(facts: Facts) -> Sentence | None:
    """Whether executions became slower or faster as a whole."""
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


def slower_workflows(facts: Facts) -> list[Sentence]:
    """The workflow that lost most time by being slower, and how many others are."""
    slower: list[tuple[float, float, str, WorkflowTotals]] = []
    for item, name in pairs(facts):
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


def stopped(facts: Facts) -> list[Sentence]:
    """Workflows that did not run any more."""
    stopped = [(executions, name) for name, executions in facts.stopped if executions >= STOPPED_MIN]
    if not stopped:
        return []
    executions, name = max(stopped)
    more = f", and {fmt.plural(len(stopped) - 1, 'other workflow')} stopped too" if len(stopped) > 1 else ""
    ran = fmt.plural(executions, "time")
    text = f"{quote(name)} did not run at all; it ran {ran} in the period before{more}."
    return [Sentence("workflow_stopped", "watch", text, "workflows")]


def bottleneck(facts: Facts) -> Sentence | None:
    """The node in which most of the time is spent."""
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


def volume(facts: Facts) -> Sentence | None:
    """How much more or less ran."""
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
