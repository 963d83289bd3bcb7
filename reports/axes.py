"""Where the ticks of an axis go and what they say. Pure functions of the numbers drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from reports import format as fmt
from reports.model import Point

_TIME_STEPS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800),
)
_LOG_STEPS_S = (0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400)
_MINUTE_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240)
_HOUR_STEPS = (1, 2, 3, 6, 12, 24, 48, 72, 120, 168)
_OTHER_STEPS = (1, 2, 3, 4, 7, 14, 28, 56)
LOG_FROM_RATIO = 30
"""From this ratio of the largest to the smallest value on, a linear axis hides the small ones."""


ROOM = 1.06
"""How far an axis reaches above its highest value."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: its ends in data values (or log10 of them), where ticks are and what they say."""

    low: float
    high: float
    values: tuple[float, ...]
    texts: tuple[str, ...]
    logarithmic: bool = False


def counts(highest: float) -> Axis:
    """From zero to a little above the highest count, four or five ticks at 1, 2 or 5 times a power of ten."""
    step = max(1.0, _nice(highest / 4))
    values = _multiples(highest, step)
    return Axis(0, max(1.0, highest) * ROOM, values, tuple(fmt.count(value) for value in values))


def sizes(highest_bytes: float) -> Axis:
    """Bytes from zero, ticks at 1, 2 or 5 times a power of ten."""
    step = max(1.0, _nice(highest_bytes / 4))
    values = _multiples(highest_bytes, step)
    return Axis(0, max(1.0, highest_bytes) * ROOM, values, tuple(fmt.size(value) for value in values))


def memory(highest_mb: float) -> Axis:
    """MiB from zero."""
    step = _nice(highest_mb / 4) if highest_mb < 1024 else 256 * 2.0 ** math.ceil(math.log2(highest_mb / 1024))
    values = _multiples(highest_mb, step)
    texts = tuple(fmt.memory(value).replace(f".0{fmt.NBSP}", fmt.NBSP) for value in values)
    return Axis(0, max(step, highest_mb) * ROOM, values, texts)


def rates(lowest: float) -> Axis:
    """From a round floor below the lowest rate up to 100 %."""
    floor = next(limit for limit in (0.99, 0.98, 0.97, 0.95, 0.9, 0.8, 0.5, 0.0) if limit <= lowest or limit == 0.0)
    step = {0.99: 0.0025, 0.98: 0.005, 0.97: 0.01, 0.95: 0.01, 0.9: 0.025, 0.8: 0.05, 0.5: 0.1}.get(floor, 0.25)
    number = round((1 - floor) / step)
    values = tuple(round(floor + index * step, 6) for index in range(number + 1))
    room = (1 - floor) * 0.04
    return Axis(floor - room, 1 + room, values, tuple(fmt.percent_tick(value) for value in values))


def durations(lowest: float, highest: float) -> Axis:
    """Seconds; logarithmic when the values differ by LOG_FROM_RATIO or more, else from zero."""
    if lowest > 0 and highest / lowest >= LOG_FROM_RATIO:
        below = [value for value in _LOG_STEPS_S if value <= lowest]
        low = below[-1] if below else lowest
        above = [value for value in _LOG_STEPS_S if value >= highest]
        high = above[0] if above and above[0] <= highest * 3 else highest * 1.3
        ticks = tuple(float(value) for value in _LOG_STEPS_S if low <= value <= high)
        texts = tuple(fmt.duration_tick(value) for value in ticks)
        return Axis(math.log10(low * 0.93), math.log10(high * 1.07), ticks, texts, logarithmic=True)
    step = next((float(step) for step in _TIME_STEPS_S if step >= highest / 5), _nice(highest / 5))
    highest = max(highest, step)
    values = _multiples(highest, step)
    return Axis(0, highest * ROOM, values, tuple(fmt.duration_tick(value) for value in values))


def _nice(value: float) -> float:
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * 0.999)


def _multiples(highest: float, step: float) -> tuple[float, ...]:
    return tuple(round(index * step, 9) for index in range(math.floor(highest * ROOM / step + 1e-9) + 1))


def steps(
    points: Sequence[Point], granularity: str, timezone: str, limit: int
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Positions and texts of at most `limit` ticks along the time axis, on round hours where the steps are hours."""
    allowed = {"minute": _MINUTE_STEPS, "hour": _HOUR_STEPS}.get(granularity, _OTHER_STEPS)
    need = len(points) / max(1, limit)
    every = next((step for step in allowed if step >= need), math.ceil(need))
    zone = ZoneInfo(timezone)
    places = list(range(len(points)))
    if granularity == "hour":
        # By the wall clock and not by counting, or the ticks leave midnight where summer time begins or ends.
        hours = [point.start.astimezone(zone).hour for point in points]
        round_hours = [place for place in places if hours[place] % min(every, 24) == 0]
        places, every = (round_hours, max(1, every // 24)) if round_hours else (places, every)
    chosen = tuple(places[::every])
    return chosen, tuple(fmt.tick(points[index].start, granularity, timezone) for index in chosen)
