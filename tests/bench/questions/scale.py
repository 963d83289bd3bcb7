"""Statistics of ten times the executions on the same days, hours and workflows, against those of one time."""

from __future__ import annotations

from datetime import datetime, timedelta

import warehouse
from tests.bench.data import SCALE, BenchData, end_of
from tests.bench.model import Bar, Measure
from tests.bench.questions.statistics import OFF_THE_HOUR, ask
from tests.bench.reference import Reference, assert_equal
from tests.bench.timing import alternate

_PERIOD = timedelta(days=30)
_BAR = Bar("at most", 1.5)


def run(data: BenchData, runs: int) -> list[Measure]:
    with warehouse.open(data.lake()) as small, warehouse.open(data.large_lake()) as large:
        end = end_of(small.snapshot())
        assert large.snapshot().rows("executions") == SCALE * small.snapshot().rows("executions")
        _assert_scaled(small, large)
        reference = Reference(large.snapshot(), end, _PERIOD)
        try:
            for until in (end, end - OFF_THE_HOUR):
                assert_equal(ask(large, until, _PERIOD), reference.ask(until), reference.ask_lean(until))
        finally:
            reference.close()
        return [
            _measure(small, large, "on the hour", end, runs),
            _measure(small, large, "off the hour", end - OFF_THE_HOUR, runs),
        ]


def _measure(small: warehouse.Warehouse, large: warehouse.Warehouse, case: str, until: datetime, runs: int) -> Measure:
    pairs = alternate(lambda _: ask(large, until, _PERIOD), lambda _: ask(small, until, _PERIOD), runs)
    return Measure("scale_100m", case, "ratio", pairs.ratios(), _BAR, pairs.ours_s, pairs.theirs_s)


def _assert_scaled(small: warehouse.Warehouse, large: warehouse.Warehouse) -> None:
    """On whole hours the large lake has exactly SCALE times of everything that is counted."""
    end = end_of(small.snapshot())
    one, many = ask(small, end, _PERIOD), ask(large, end, _PERIOD)
    assert many.workflows_total == one.workflows_total
    for bucket, same in zip(many.buckets, one.buckets, strict=True):
        assert bucket.totals.executions == SCALE * same.totals.executions, f"the hour from {bucket.start}"
        assert bucket.totals.by_status == {k: SCALE * count for k, count in same.totals.by_status.items()}
