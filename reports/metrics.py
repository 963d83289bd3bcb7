"""The tiles of a report: its headline numbers against the period before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports import compare
from reports import format as fmt
from reports.extras import Extras
from reports.model import Change, Metric
from warehouse.results import Statistics, Totals, WorkflowTotals


def tiles(statistics: Statistics, workflows: Sequence[WorkflowTotals], extras: Extras) -> tuple[Metric, ...]:
    """The tiles in order. `workflows`: all of the period, for the time saved."""
    now, before = statistics.totals, statistics.previous
    told = compare.rate_changed(now, before)
    # Fewer failures of far fewer executions are no good news: the count is coloured only when the rate moved with it.
    agree = (now.failures > before.failures) == ((now.success_rate or 0.0) < (before.success_rate or 0.0))
    return (
        _count(statistics, "executions", "Executions", lambda totals: totals.executions),
        _success(statistics, told),
        _count(statistics, "failures", "Failures", lambda totals: totals.failures, tell=told and agree),
        *_open(extras),
        _time(statistics, "p50", "Typical duration (p50)", lambda totals: totals.p50_s, compare.NO_TIMED),
        _time(statistics, "p95", "Slow duration (p95)", lambda totals: totals.p95_s, compare.NO_TIMED),
        _time(statistics, "p99", "Slowest of 100 (p99)", lambda totals: totals.p99_s, compare.NO_TIMED),
        _time(statistics, "queue_time", "Average queue time", lambda totals: totals.queue_avg_s, compare.NO_QUEUE_TIME),
        _time(
            statistics, "total_time", "Total run time", lambda totals: totals.total_s, compare.NO_TIMED, graded=False
        ),
        _saved(workflows, now),
    )


def saved_s(item: WorkflowTotals) -> float | None:
    """(mean before - mean now) x executions with a duration now: the run time that a workflow's own change saved."""
    now, before = item.totals, item.previous
    if now.avg_s is None or before.avg_s is None:
        return None
    return (before.avg_s - now.avg_s) * now.timed


def _series(statistics: Statistics, read: Callable[[Totals], float | None]) -> tuple[float | None, ...]:
    return tuple(read(bucket.totals) for bucket in statistics.buckets)


def _count(
    statistics: Statistics, key: str, label: str, read: Callable[[Totals], int], *, tell: bool = False
) -> Metric:
    now, before = read(statistics.totals), read(statistics.previous)
    change = compare.relative(now, before, lower_is_better=True, tell=tell)
    return Metric(key, label, "count", now, before, change, None, _series(statistics, read))


def _time(
    statistics: Statistics,
    key: str,
    label: str,
    read: Callable[[Totals], float | None],
    reason: str,
    graded: bool = True,
) -> Metric:
    now, before = statistics.totals, statistics.previous
    value, previous = read(now), read(before)
    tell = graded and compare.time_changed(value, previous, now.timed, before.timed)
    change = compare.relative(value, previous, lower_is_better=True, tell=tell)
    series = _series(statistics, read)
    return Metric(key, label, "seconds", value, previous, change, None if value is not None else reason, series)


def _success(statistics: Statistics, told: bool) -> Metric:
    rate, before = statistics.totals.success_rate, statistics.previous.success_rate
    return Metric(
        "success_rate",
        "Success rate",
        "ratio",
        rate,
        before,
        compare.points(rate, before, tell=told),
        None if rate is not None else compare.NO_FINISHED,
        _series(statistics, lambda totals: totals.success_rate),
    )


def _open(extras: Extras) -> tuple[Metric, ...]:
    """Failures that no retry has healed; told without a period before, whose failures had longer to heal."""
    if extras.retries is None:
        return ()
    found = extras.retries.total
    change = Change("relative", None, None, "neutral", f"{fmt.count(found.healed)} later succeeded on retry")
    return (Metric("still_failing", "Still failing", "count", found.open, None, change, None, ()),)


def _saved(workflows: Sequence[WorkflowTotals], now: Totals) -> Metric:
    known = [found for item in workflows if (found := saved_s(item)) is not None]
    if not known:
        change = Change("relative", None, None, "neutral", compare.NOTHING_BEFORE)
        return Metric("time_saved", "Time saved", "seconds", None, None, change, compare.NOTHING_BEFORE, ())
    total_s = sum(known)
    share = abs(total_s) / now.total_s if now.total_s else 0.0
    label = "Time saved" if total_s >= 0 else "Time lost"
    words = f"{fmt.percent(share)} of the run time, by {'faster' if total_s >= 0 else 'slower'} workflows"
    return Metric(
        "time_saved", label, "seconds", abs(total_s), None, Change("relative", None, None, "neutral", words), None, ()
    )
