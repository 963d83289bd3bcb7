"""The hours of the week: how much ran and failed in each, by the clock of the report's time zone."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from reports.model import HeatCell
from warehouse.results import Bucket

HOUR_S = 3600
DAYS_MIN = 3
"""Shorter periods have no hours of the week to speak of."""


def cells(hours: Sequence[Bucket], timezone: str) -> tuple[HeatCell, ...]:
    """168 cells from Monday 0:00 on, from the period by the hour of that time zone; empty for no hours at all.

    An hour that the ends of the period cut counts as the part that is inside. Where summer time ends, an hour comes
    twice and both count; where it begins, one is missing.
    """
    if not hours:
        return ()
    zone = ZoneInfo(timezone)
    length = [0.0] * 168
    counts = [[0, 0, 0] for _ in range(168)]
    for step in hours:
        local = step.start.astimezone(zone)
        place = local.weekday() * 24 + local.hour
        length[place] += (step.end - step.start).total_seconds() / HOUR_S
        totals = step.totals
        for column, number in enumerate((totals.executions, totals.finished, totals.failures)):
            counts[place][column] += number
    return tuple(HeatCell(place // 24, place % 24, length[place], *counts[place]) for place in range(168))


def mean(cell: HeatCell, failures: bool) -> float | None:
    """Executions (or failures) an hour. None: the period holds nothing of this hour of the week."""
    if cell.hours <= 0:
        return None
    return (cell.failures if failures else cell.executions) / cell.hours
