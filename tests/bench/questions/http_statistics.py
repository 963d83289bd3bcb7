"""Statistics over HTTP by the hour, beside n8n's table in PostgreSQL, which has no percentiles and no rollups.

PostgreSQL's answer is the poorer one: count, mean, least and largest duration by hour and status of one period. Ours
has percentiles, the workflows and the period before as well.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import warehouse
from tests.bench.data import BenchData, end_of
from tests.bench.http_pair import Pair, Rounds, both, in_turns, instant
from tests.bench.model import Bar, Measure
from tests.bench.reference import PERCENTILE_ERROR, Reference, Row

_STEP = timedelta(seconds=61)
_N8N = {"success": "success", "error": "failed", "canceled": "cancelled", "running": "running", "new": "queued"}
_NOTE = "PostgreSQL: no percentiles, no workflows, no period before"


def thirty_days(data: BenchData, runs: int) -> list[Measure]:
    return _measure(data, "http_statistics_30d", timedelta(days=30), Bar("at most", 15), runs)


def one_day(data: BenchData, runs: int) -> list[Measure]:
    return _measure(data, "http_statistics_24h", timedelta(days=1), Bar("at most", 8), runs)


def _measure(data: BenchData, question: str, period: timedelta, bar: Bar, runs: int) -> list[Measure]:
    with warehouse.open(data.lake()) as house, both(data) as pair:
        snapshot = house.snapshot()
        end = end_of(snapshot)
        first = end - timedelta(days=data.days) + 2 * period
        draw = random.Random(period.days)
        anywhere = [first + draw.random() * (end - first) for _ in range(1000)]

        def ends(number: int) -> datetime:
            """As a rolling period has them."""
            return end - timedelta(hours=1) + (number + 1) * _STEP

        for until in (end, ends(0), anywhere[0]):
            reference = Reference(snapshot, until, period)
            try:
                _same(_ours(pair, until, period), reference.ask(until), _theirs(pair, until, period))
            finally:
                reference.close()
        cases: dict[str, Callable[[int], datetime]] = {
            "moving on": ends,
            "any end": lambda number: anywhere[number % 1000],
            "the same again": lambda _: end,
        }
        found: list[Measure] = []
        for case, until_of in cases.items():
            judged = None if case == "the same again" else bar
            found += _case(pair, until_of, period, runs, data.http_requests).measures(question, case, judged, _NOTE)
    return found


def _case(pair: Pair, until_of: Callable[[int], datetime], period: timedelta, runs: int, requests: int) -> Rounds:
    return in_turns(
        lambda number: _ours(pair, until_of(number), period),
        lambda number: _theirs(pair, until_of(number), period),
        runs,
        requests=requests,
    )


def _ours(pair: Pair, until: datetime, period: timedelta) -> Any:
    asked = {"since": (until - period).isoformat(), "until": until.isoformat(), "granularity": "hour"}
    return pair.ours.get("/v1/executions/statistics", asked).found()


def _theirs(pair: Pair, until: datetime, period: timedelta) -> Any:
    asked = {"since": (until - period).isoformat(), "until": until.isoformat()}
    return pair.theirs.get("/statistics", asked).found()


def _same(found: Any, rows: list[Row], n8n: list[Any]) -> None:
    """Ours says what a recount of the records says, and PostgreSQL, as far as it goes, what ours says."""
    whole = next(row for row in rows if row["current"] and row["hour"] is None and not row["by_workflow"])
    assert found["totalExecutions"] == whole["executions"]
    assert found["failedExecutions"] == whole["failures"]
    for percentile, wanted in zip(("p50Time", "p95Time", "p99Time"), whole["percentiles_s"], strict=True):
        assert math.isclose(found[percentile], wanted, rel_tol=PERCENTILE_ERROR)
    by_hour = {row["hour"]: row for row in rows if row["hour"] is not None}
    for bucket in found["data"]:
        row = by_hour.pop(int(instant(bucket["timestamp"]).timestamp()) // 3600, None)
        assert bucket["executions"] == (row["executions"] if row else 0), bucket
        assert bucket["failures"] == (row["failures"] if row else 0), bucket
        if row and row["timed"]:
            assert math.isclose(bucket["avgTime"], row["avg_s"], abs_tol=1e-6), bucket
            assert (bucket["minTime"], bucket["maxTime"]) == (row["min_s"], row["max_s"]), bucket
    assert not by_hour
    counted: dict[str, int] = defaultdict(int)
    for row in n8n:
        counted[_N8N[row["status"]]] += row["executions"]
    statuses = dict(found["byStatus"])
    statuses["cancelled"] = statuses.get("cancelled", 0) + statuses.pop("timeout", 0)  # n8n does not tell them apart
    assert dict(counted) == {status: count for status, count in statuses.items() if count}
