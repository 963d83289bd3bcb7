"""Statistics by the hour, warm, against one DuckDB query over the live files that says the same.

Three ends of the period: on an hour, off it, and off it and moving on with each run, as a rolling period does. The
yardstick `lean` is a query that says far less (no percentiles, workflows, preceding period); it is for information.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import warehouse
from tests.bench.data import BenchData, end_of
from tests.bench.model import Bar, Measure
from tests.bench.reference import Reference, assert_equal
from tests.bench.timing import alternate
from warehouse.results import Statistics

OFF_THE_HOUR = timedelta(minutes=17, seconds=3.5)
_STEP = timedelta(seconds=61)
"""How far a moving period moves on between two runs."""

Until = Callable[[int], datetime]


def thirty_days(data: BenchData, runs: int) -> list[Measure]:
    return _measure(data, "statistics_30d", timedelta(days=30), Bar("at most", 1 / 10), runs)


def one_day(data: BenchData, runs: int) -> list[Measure]:
    return _measure(data, "statistics_24h", timedelta(days=1), Bar("at most", 1 / 3), runs)


def ask(house: warehouse.Warehouse, until: datetime, period: timedelta) -> Statistics:
    """The statistics of the period that ends at `until`, by the hour."""
    return house.statistics(warehouse.StatisticsQuery(since=until - period, until=until, granularity="hour"))


def _measure(data: BenchData, question: str, period: timedelta, bar: Bar, runs: int) -> list[Measure]:
    with warehouse.open(data.lake()) as house:
        snapshot = house.snapshot()
        end = end_of(snapshot)
        reference = Reference(snapshot, end, period)
        cases: dict[str, Until] = {
            "on the hour": lambda _: end,
            "off the hour": lambda _: end - OFF_THE_HOUR,
            "moving on": lambda run: end - timedelta(hours=1) + (run + 1) * _STEP,
        }
        measures = []
        try:
            for case, until in cases.items():
                asked = until(0)
                assert_equal(ask(house, asked, period), reference.ask(asked), reference.ask_lean(asked))
                measures += _case(house, reference, question, case, until, period, bar, runs)
        finally:
            reference.close()
    return measures


def _case(
    house: warehouse.Warehouse,
    reference: Reference,
    question: str,
    case: str,
    until: Until,
    period: timedelta,
    bar: Bar,
    runs: int,
) -> list[Measure]:
    def ours(run: int) -> object:
        return ask(house, until(run), period)

    full = alternate(ours, lambda run: reference.ask(until(run)), runs)
    lean = alternate(ours, lambda run: reference.ask_lean(until(run)), runs)
    return [
        Measure(question, case, "ratio", full.ratios(), bar, full.ours_s, full.theirs_s),
        Measure(question, f"{case}, lean", "ratio", lean.ratios(), None, lean.ours_s, lean.theirs_s),
    ]
