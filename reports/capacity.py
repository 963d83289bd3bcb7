"""Load, memory and data as the page model has them."""

from __future__ import annotations

from reports.extras import Extras
from reports.model import CapacityPoint
from warehouse.capacity_results import Load, Usage

_NO_LOAD = Load(None, None, None, None)
_NO_USAGE = Usage(0, 0, None, None, None, 0, 0)


def points(extras: Extras) -> tuple[CapacityPoint, ...]:
    """One a step and one for the whole; empty when neither load nor usage was asked for."""
    number = max(len(extras.load), len(extras.usage))
    load = extras.load or [_NO_LOAD] * number
    usage = extras.usage or [_NO_USAGE] * number
    return tuple(_point(one, other) for one, other in zip(load, usage, strict=True))


def whole_before(extras: Extras) -> CapacityPoint | None:
    """The whole of the period before. None: it was not asked for."""
    if extras.load_before is None and extras.usage_before is None:
        return None
    return _point(extras.load_before or _NO_LOAD, extras.usage_before or _NO_USAGE)


def _point(load: Load, usage: Usage) -> CapacityPoint:
    return CapacityPoint(
        waiting_mean=load.waiting_mean,
        waiting_peak=load.waiting_peak,
        running_mean=load.running_mean,
        running_peak=load.running_peak,
        measured=usage.measured,
        memory_p50_mb=usage.memory_p50_mb,
        memory_p95_mb=usage.memory_p95_mb,
        memory_max_mb=usage.memory_max_mb,
        sized=usage.sized,
        data_bytes=usage.data_bytes,
    )
