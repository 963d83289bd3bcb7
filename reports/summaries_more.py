"""Sections about what lasts and what it takes: regressions, hours of the week, retries, load, memory, data."""

from __future__ import annotations

from collections.abc import Sequence

from reports import format as fmt
from reports import heat
from reports.capacity import points as capacity_points
from reports.capacity import whole_before
from reports.extras import Extras
from reports.facts import Facts
from reports.model import CapacityPoint, HeatCell, RetryTotals, Section

CHART_MIN_STEPS = 2
CHANGE_MIN = 0.1
"""Load, memory and data that moved less than this are as before."""
HOURS_OF_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def regressions(facts: Facts, extras: Extras) -> Section | None:
    """What became slower or faster and stayed so."""
    if not extras.blocks:
        return None
    title = "Lasting changes"
    tested = fmt.plural(facts.tested, "workflow")
    if not facts.tested:
        text = "No workflow has run often enough before and in this period to tell a lasting change from noise."
        return Section("regressions", title, "", text)
    if not facts.regressions and not facts.improvements:
        return Section("regressions", title, "", f"None of the {tested} that ran often enough changed its duration.")
    slower = fmt.plural(len(facts.regressions), "workflow") if facts.regressions else "No workflow"
    faster = fmt.count(len(facts.improvements)) if facts.improvements else "none"
    text = f"{slower} became slower and stayed so, {faster} became faster; {tested} ran often enough to tell."
    return Section("regressions", title, text, None)


def hours_of_week(facts: Facts, extras: Extras) -> Section | None:
    """When most runs, when most fails."""
    if not extras.hours:
        return None
    title, cells = "Hours of the week", heat.cells(extras.hours, facts.statistics.timezone)
    busiest = max(cells, key=lambda cell: heat.mean(cell, False) or 0.0)
    if not busiest.executions:
        return Section("heat", title, "", "Nothing ran in this period.")
    text = f"Most runs {hour_words(busiest)}, {_an_hour(heat.mean(busiest, False))}"
    failing = max(cells, key=lambda cell: heat.mean(cell, True) or 0.0)
    if failing.failures:
        rate = fmt.percent(failing.failures / failing.finished) if failing.finished else fmt.MISSING
        text += f"; most fails {hour_words(failing)}, {_an_hour(heat.mean(failing, True))} ({rate} of what finished)"
    return Section("heat", title, f"{text}.", None)


def hour_words(cell: HeatCell) -> str:
    """An hour of the week: Mon 09:00–10:00."""
    return f"{HOURS_OF_WEEK[cell.weekday]} {cell.hour:02}:00{fmt.MISSING}{(cell.hour + 1) % 24:02}:00"


def _an_hour(value: float | None) -> str:
    return f"{fmt.decimal(value)} an hour"


def retries_of(found: RetryTotals) -> Section:
    """Failures that later succeeded, apart from those that still fail."""
    title = "Failed, then what?"
    if not found.failures:
        return Section("retries", title, "", "Nothing failed in this period.")
    if not found.healed and not found.retried:
        text = f"None of the {fmt.plural(found.failures, 'failure')} was tried again."
        return Section("retries", title, "", text)
    text = (
        f"{fmt.count(found.healed)} of {fmt.plural(found.failures, 'failure')} later succeeded on retry"
        f"{f', half of them within {fmt.duration(found.heal_s)}' if found.heal_s is not None else ''}; "
        f"{fmt.count(found.retried)} were tried again without success, {fmt.count(found.untried)} never."
    )
    return Section("retries", title, text, None)


def capacity(facts: Facts, extras: Extras) -> tuple[Section, ...]:
    """The sections queue, memory and data, of what was asked for."""
    rows = capacity_points(extras)
    if not rows:
        return ()
    before = whole_before(extras)
    return (_queue(facts, rows, before), _memory(rows, before), _data(rows, before))


def _queue(facts: Facts, rows: Sequence[CapacityPoint], before: CapacityPoint | None) -> Section:
    title, whole, steps = "Waiting and running", rows[-1], rows[:-1]
    if whole.running_mean is None or not (whole.running_peak or whole.waiting_peak or whole.running_mean):
        return Section("queue", title, "", "No execution of this period recorded when it ran.")
    text = f"On average {fmt.decimal(whole.running_mean)} ran at a time"
    if whole.waiting_peak:
        place = max(range(len(steps)), key=lambda index: steps[index].waiting_peak or 0)
        when = fmt.within(facts.points[place].start, facts.statistics.granularity, facts.statistics.timezone)
        text += (
            f" and {fmt.decimal(whole.waiting_mean)} waited to start; the queue was longest {when}, "
            f"with {fmt.plural(whole.waiting_peak, 'execution')}"
        )
    else:
        text += " and none waited to start"
    if before is not None and before.waiting_mean and whole.waiting_mean is not None:
        text += _moved(whole.waiting_mean, before.waiting_mean, "the queue", "longer", "shorter")
    return Section("queue", title, f"{text}.", None if _drawable(steps, "running_peak") else f"{text}.")


def _memory(rows: Sequence[CapacityPoint], before: CapacityPoint | None) -> Section:
    title, whole = "Memory", rows[-1]
    if not whole.measured:
        return Section("memory", title, "", "The records of this period carry no memory.")
    text = (
        f"Half of the executions needed at most {fmt.memory(whole.memory_p50_mb)}, 95 of 100 at most "
        f"{fmt.memory(whole.memory_p95_mb)}, one {fmt.memory(whole.memory_max_mb)}"
    )
    if before is not None and before.memory_p95_mb and whole.memory_p95_mb is not None:
        text += _moved(whole.memory_p95_mb, before.memory_p95_mb, "the p95", "higher", "lower")
    return Section("memory", title, f"{text}.", None if _drawable(rows[:-1], "measured") else f"{text}.")


def _data(rows: Sequence[CapacityPoint], before: CapacityPoint | None) -> Section:
    title, whole = "Data", rows[-1]
    if not whole.sized:
        return Section("data", title, "", "The records of this period carry no size of data.")
    text = f"{fmt.size(whole.data_bytes)} of data, {fmt.size(whole.data_bytes / whole.sized)} an execution"
    if before is not None and before.data_bytes:
        text += _moved(whole.data_bytes, before.data_bytes, "that", "more", "less")
    return Section("data", title, f"{text}.", None if _drawable(rows[:-1], "sized") else f"{text}.")


def _moved(now: float, before: float, what: str, up: str, down: str) -> str:
    change = (now - before) / before
    if abs(change) < CHANGE_MIN:
        return f"; {what} is as before"
    if change >= 1:
        return f"; {what} is {fmt.times(change + 1)} that of the period before"
    return f"; {what} is {fmt.relative(change)} {up if change > 0 else down} than in the period before"


def _drawable(steps: Sequence[CapacityPoint], field: str) -> bool:
    return sum(1 for step in steps if getattr(step, field)) >= CHART_MIN_STEPS


def joined(*sections: Section | None) -> tuple[Section, ...]:
    """Those that there are."""
    return tuple(section for section in sections if section is not None)
