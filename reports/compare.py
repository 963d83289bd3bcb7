"""Fixed rules for what counts as a change: differences, their direction, and whether they are better or worse.

Noise is not announced. A rate has changed when a two-proportion z-test says so at |z| >= RATE_Z and the difference is
at least RATE_MIN_POINTS. A time has changed when both periods have TIMED_MIN executions with a duration and it moved
by at least TIME_MIN_RATIO.
"""

from __future__ import annotations

import math

from reports.model import Change, Direction, Tone
from warehouse.results import Totals

RATE_Z = 3.0
"""About one false alarm in 370 comparisons of two equal rates."""
RATE_MIN_POINTS = 0.002
RATE_MIN_FINISHED = 30
TIME_MIN_RATIO = 0.10
TIMED_MIN = 100

NOTHING_BEFORE = "nothing in the period before to compare with"
NO_FINISHED = "no finished execution"
NO_TIMED = "no finished execution with a duration"
NO_QUEUE_TIME = "no queue time was recorded"


def relative(
    current: float | None, previous: float | None, *, lower_is_better: bool | None = None, tell: bool = False
) -> Change:
    """The change (current - previous) / previous.

    It is coloured when `lower_is_better` gives it a meaning and `tell` says that the counts allow to.
    """
    if current is None:
        return Change("relative", None, None, "neutral", "there is no such number in this period")
    if not previous:
        return Change("relative", None, None, "neutral", NOTHING_BEFORE)
    value = (current - previous) / previous
    tone: Tone = "neutral"
    if tell and lower_is_better is not None:
        tone = _tone(value, lower_is_better)
    return Change("relative", value, _direction(value), tone, None)


def points(
    current: float | None, previous: float | None, *, lower_is_better: bool = False, tell: bool = False
) -> Change:
    """The change current - previous of two ratios, coloured when `tell` says that the counts allow to."""
    if current is None:
        return Change("points", None, None, "neutral", NO_FINISHED)
    if previous is None:
        return Change("points", None, None, "neutral", NOTHING_BEFORE)
    value = current - previous
    return Change("points", value, _direction(value), _tone(value, lower_is_better) if tell else "neutral", None)


def _direction(value: float) -> Direction:
    if abs(value) < 0.0005:
        return "flat"
    return "up" if value > 0 else "down"


def _tone(value: float, lower_is_better: bool) -> Tone:
    if value == 0:
        return "neutral"
    return "good" if (value < 0) == lower_is_better else "bad"


def rate_z(current: Totals, previous: Totals) -> float | None:
    """z of the two success rates (pooled two-proportion test); None when either period has too few finished."""
    n, m = current.finished, previous.finished
    if min(n, m) < RATE_MIN_FINISHED:
        return None
    pooled = (current.successes + previous.successes) / (n + m)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return 0.0 if spread == 0 else (current.successes / n - previous.successes / m) / spread


def rate_changed(current: Totals, previous: Totals, *, z: float = RATE_Z) -> bool:
    """True when the success rates differ by more than chance and by enough to matter."""
    found = rate_z(current, previous)
    if found is None or abs(found) < z:
        return False
    return abs(current.successes / current.finished - previous.successes / previous.finished) >= RATE_MIN_POINTS


def time_changed(
    current: float | None, previous: float | None, timed: int, timed_before: int, *, ratio: float = TIME_MIN_RATIO
) -> bool:
    """True when a time moved by at least `ratio` and both periods have enough executions to say so."""
    if current is None or not previous or min(timed, timed_before) < TIMED_MIN:
        return False
    return abs(current - previous) / previous >= ratio
