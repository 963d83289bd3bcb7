"""The one sentence of each section, and the words that stand in place of an empty chart or table."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from reports import compare
from reports import format as fmt
from reports import summaries_more as more
from reports.extras import Extras
from reports.facts import Facts, quote
from reports.model import Section
from warehouse.results import ErrorStatistics, NodeStatistics

CHART_MIN_STEPS = 2
"""A chart of fewer steps with something in them shows nothing that a sentence does not."""


def sections(facts: Facts, nodes: NodeStatistics, errors: ErrorStatistics, extras: Extras) -> tuple[Section, ...]:
    """The sections of the page in order; those that nobody asked for are left out."""
    return more.joined(
        _executions(facts),
        _success(facts),
        _durations(facts),
        more.regressions(facts, extras),
        _errors(facts, errors),
        None if facts.retries is None else more.retries_of(facts.retries),
        None if facts.kind == "workflow" else _workflows(facts),
        _nodes(facts, nodes),
        more.hours_of_week(facts, extras),
        *more.capacity(facts, extras),
    )


def _executions(facts: Facts) -> Section:
    title, statistics = "Executions over time", facts.statistics
    total = statistics.totals.executions
    busy = [point for point in facts.points if point.executions]
    if not busy:
        return Section("executions", title, "", "Nothing ran in this period, so there is nothing to draw.")
    most = max(busy, key=lambda point: point.executions)
    if len(busy) < CHART_MIN_STEPS:
        when = fmt.within(most.start, statistics.granularity, statistics.timezone)
        text = f"{fmt.plural(total, 'execution')}, all of them {when}: that needs no chart."
        return Section("executions", title, "", text)
    name = fmt.step(most.start, statistics.granularity, statistics.timezone)
    article = "the " if statistics.granularity == "week" else ""
    text = f"The busiest {statistics.granularity} was {article}{name} with {fmt.plural(most.executions, 'execution')}"
    if facts.incidents:
        text += f"; {fmt.plural(len(facts.incidents), 'failure peak is', 'failure peaks are')} shaded"
    unfinished = total - statistics.totals.finished
    if unfinished:
        text += f"; {fmt.count(unfinished)} {'has' if unfinished == 1 else 'have'} not finished yet"
    return Section("executions", title, f"{text}.{_cut(facts)}", None)


def _cut(facts: Facts) -> str:
    """Says which steps the ends of the period cut, so that a low first or last bar is not taken for a change."""
    statistics = facts.statistics
    zone = ZoneInfo(statistics.timezone)
    hourly = statistics.granularity == "hour"

    def inside(at: datetime) -> bool:
        local = at.astimezone(zone)
        if statistics.granularity == "minute":
            return local.second != 0
        return (local.minute, local.second) != (0, 0) or (not hourly and local.hour != 0)

    which = [word for word, at in (("first", statistics.since), ("last", statistics.until)) if inside(at)]
    if not which:
        return ""
    return f" The {' and the '.join(which)} {statistics.granularity} {'is' if len(which) == 1 else 'are'} not whole."


def _success(facts: Facts) -> Section:
    title, statistics = "Success rate", facts.statistics
    rated = [point for point in facts.points if point.success_rate is not None]
    if not rated:
        return Section("success", title, "", "No execution of this period has finished, so there is no success rate.")
    overall = fmt.percent(statistics.totals.success_rate)
    if len(rated) < CHART_MIN_STEPS:
        text = f"{overall} of the finished executions succeeded."
        return Section("success", title, "", text)
    low = min(rated, key=lambda point: (point.success_rate or 0.0, -point.finished))
    if low.success_rate == 1:
        return Section("success", title, "Every finished execution succeeded.", None)
    when = fmt.within(low.start, statistics.granularity, statistics.timezone)
    text = (
        f"{overall} over the whole period; lowest {when} at {fmt.percent(low.success_rate)} of "
        f"{fmt.plural(low.finished, 'finished execution')}."
    )
    return Section("success", title, text, None)


def _durations(facts: Facts) -> Section:
    title, totals, before = "Duration", facts.statistics.totals, facts.statistics.previous
    timed = [point for point in facts.points if point.p50_s is not None]
    if not timed:
        return Section("durations", title, "", "No execution of this period has a duration yet.")
    text = (
        f"Half of the executions finished within {fmt.duration(totals.p50_s)}, 95 of 100 within "
        f"{fmt.duration(totals.p95_s)}, 99 of 100 within {fmt.duration(totals.p99_s)}"
    )
    if len(timed) < CHART_MIN_STEPS:
        return Section("durations", title, "", f"{text}.")
    if before.p95_s is not None:
        changed = compare.time_changed(totals.p95_s, before.p95_s, totals.timed, before.timed)
        text += f"; the p95 was {fmt.duration(before.p95_s)} in the period before" if changed else ""
    return Section("durations", title, f"{text}.", None)


def _workflows(facts: Facts) -> Section:
    title = "Workflows"
    if not facts.workflows:
        return Section("workflows", title, "", "No workflow ran in this period.")
    first = facts.workflows[0]
    shown, total = len(facts.workflows), facts.statistics.workflows_total
    if first.time_share:
        text = f"{quote(first.name)} takes the most time, {fmt.percent(first.time_share)} of all run time."
    else:
        text = f"{fmt.plural(total, 'workflow')} ran."
    if total > shown:
        text += f" The {fmt.count(shown)} with the most run time of {fmt.count(total)} are listed."
    return Section("workflows", title, text, None)


def _nodes(facts: Facts, nodes: NodeStatistics) -> Section:
    title = "Where the time goes"
    if not facts.nodes:
        return Section("nodes", title, "", "The records of this period carry no node data.")
    top = facts.nodes[:3]
    share = sum(node.exclusive_share or 0.0 for node in top)
    if share and len(facts.nodes) > len(top):
        whole = fmt.plural(nodes.nodes_total, "node")
        text = f"The first {len(top)} of {whole} take {fmt.percent(share)} of the time."
    else:
        text = f"{fmt.plural(nodes.nodes_total, 'node')}, the most own time first."
    if nodes.nodes_total > len(facts.nodes):
        text += f" {fmt.count(len(facts.nodes))} are listed."
    return Section("nodes", title, text + _unfiltered(facts), None)


def _unfiltered(facts: Facts) -> str:
    """Says that a part looks at more executions than the rest of the page."""
    return f" This part is not restricted by {' and '.join(facts.not_followed)}." if facts.not_followed else ""


def _errors(facts: Facts, errors: ErrorStatistics) -> Section:
    title = "Why things failed"
    if not facts.errors:
        if errors.executions:
            failed = fmt.plural(errors.executions, "execution")
            return Section("errors", title, "", f"{failed} failed, none of them with an error that could be grouped.")
        return Section("errors", title, "", "Nothing failed in this period.")
    new = sum(row.is_new for row in facts.errors)
    top = max(facts.errors, key=lambda row: (row.executions, row.fingerprint))
    share = f"{fmt.percent(top.share)} of {fmt.plural(errors.executions, 'failure')}"
    if errors.groups_total == 1:
        text = f"One error group{', new in this period,' if new else ''} explains {share}."
    else:
        groups = fmt.plural(errors.groups_total, "error group")
        text = f"{groups}, {fmt.count(new) if new else 'none'} of them new; the largest explains {share}."
    if errors.groups_total > len(facts.errors):
        text += f" {fmt.count(len(facts.errors))} are listed."
    return Section("errors", title, text, None)
