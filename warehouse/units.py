"""Short units of time in which a scan pre-adds, and how they make up the steps of a series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np

from warehouse.histogram import Ints
from warehouse.period import DAY_US, HOUR_US, to_us

MINUTE_US: Final = 60_000_000
_UNITS_US: Final = (DAY_US, HOUR_US, 15 * MINUTE_US, MINUTE_US, 1_000_000, 1)


def unit_of(borders: Sequence[datetime]) -> int:
    """The longest unit, in microseconds, at whose begin every border inside the window lies.

    The ends of the window may cut a unit, because a scan reads only what lies between them.
    """
    inner = [to_us(border) for border in borders[1:-1]]
    return next(unit_us for unit_us in _UNITS_US if all(border % unit_us == 0 for border in inner))


def step_of(borders: Sequence[datetime], units: Ints, unit_us: int) -> Ints:
    """The step of each unit, 0..len(borders)-2, of units that hold something of the window."""
    begins = np.array([to_us(border) for border in borders[1:-1]], np.int64)
    return np.searchsorted(begins, units * unit_us, side="right").astype(np.int64)
