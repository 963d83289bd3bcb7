"""Failure peaks: neighbouring steps of the series in which far more failed than usual."""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from statistics import median

from reports.model import Incident, Point

MIN_FAILURES = 10
COUNT_FACTOR = 3.0
RATE_FACTOR = 2.0
EXCESS = 5.0
"""Standard deviations (of a Poisson count at the usual rate) above what so many executions usually have."""
MIN_STEPS = 6
"""Fewer steps than this have no usual."""


def find(points: Sequence[Point]) -> tuple[Incident, ...]:
    """The failure peaks of a series, most failures first.

    A step belongs to one when it has at least MIN_FAILURES failures, COUNT_FACTOR times the median failures of a step
    RATE_FACTOR times the median failure rate, and EXCESS standard deviations more than that rate gives; the medians are
    over steps with finished executions.
    """
    busy = [point for point in points if point.finished]
    if len(busy) < MIN_STEPS:
        return ()
    usual_count = median(point.failures for point in busy)
    usual_rate = median(point.failures / point.finished for point in busy)
    high = [
        point.failures >= max(MIN_FAILURES, COUNT_FACTOR * usual_count)
        and point.failures / point.finished >= RATE_FACTOR * usual_rate
        and point.failures - usual_rate * point.finished >= EXCESS * sqrt(usual_rate * point.finished)
        for point in points
    ]
    found: list[Incident] = []
    first: int | None = None
    for index, is_high in enumerate([*high, False]):
        if is_high and first is None:
            first = index
        elif not is_high and first is not None:
            found.append(_incident(points, first, index - 1))
            first = None
    return tuple(sorted(found, key=lambda incident: (-incident.failures, incident.start)))


def within(points: Sequence[Point], finer: Sequence[Incident]) -> tuple[Incident, ...]:
    """Peaks that were found in finer steps, at the places of the points that hold them."""
    starts = [point.start for point in points]
    return tuple(
        replace(one, first_index=bisect(starts, one.start) - 1, last_index=bisect_left(starts, one.end) - 1)
        for one in finer
    )


def _incident(points: Sequence[Point], first: int, last: int) -> Incident:
    part = points[first : last + 1]
    return Incident(
        start=part[0].start,
        end=part[-1].end,
        first_index=first,
        last_index=last,
        failures=sum(point.failures for point in part),
        finished=sum(point.finished for point in part),
    )
