"""A new process to its first statistic, rollups on disk: the command, and the library in a script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import warehouse
from tests.bench.data import BenchData, end_of
from tests.bench.model import Bar, Measure
from tests.bench.processes import Ran, child, command

_BAR = Bar("at most", 1.5)


def run(data: BenchData, runs: int) -> list[Measure]:
    lake = data.lake().resolve()
    with warehouse.open(lake) as house:
        until = end_of(house.snapshot())
        since = until - timedelta(days=data.days)
        # Whatever rollup is missing is built here.
        executions = house.statistics(since=since, until=until).totals.executions
        assert executions == house.snapshot().rows("executions")

    def by_command() -> Ran:
        return command("stats", "--json", "--lake", lake, "--since", _word(since), "--until", _word(until))

    def by_library() -> Ran:
        return child("first", lake, until.isoformat(), data.days)

    assert by_command().answer["totalExecutions"] == executions
    assert by_library().answer["executions"] == executions
    return [
        _measure("runlake stats", by_command, runs),
        _measure("warehouse.open", by_library, runs),
    ]


def _measure(case: str, start: Callable[[], Ran], runs: int) -> Measure:
    return Measure("start", case, "s", [start().whole_s for _ in range(runs)], _BAR)


def _word(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
