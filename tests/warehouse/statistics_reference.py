"""Statistics counted again from the records with Polars: independent of SQL, rollups and histograms."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from warehouse.results import Statistics, Totals
from warehouse.schema import STATUSES
from warehouse.statistics import StatisticsQuery

PERCENTILES = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99}


def placed(executions: pl.DataFrame, query: StatisticsQuery) -> pl.DataFrame:
    """The executions that pass the filters, with `at`, the instant that places them."""
    frame = executions.with_columns(at=pl.coalesce("started_at", "created_at"))
    if query.workflow_id is not None:
        frame = frame.filter(pl.col("workflow_id") == query.workflow_id)
    if query.workflow_ids:
        frame = frame.filter(pl.col("workflow_id").is_in(query.workflow_ids))
    if query.statuses:
        frame = frame.filter(pl.col("status").is_in(query.statuses))
    if query.modes:
        frame = frame.filter(pl.col("mode").is_in(query.modes))
    return frame


def between(frame: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    return frame.filter((pl.col("at") >= since) & (pl.col("at") < until))


def _whole_us(seconds: pl.Series) -> list[int]:
    """Known times as whole microseconds, as Python's unbounded integers."""
    return [int(us) for us in (seconds.drop_nulls() * 1e6).round().to_list()]


def recount(frame: pl.DataFrame) -> Totals:
    """Totals of the rows of `frame`; percentiles exact."""
    counts = dict(frame["status"].value_counts().iter_rows())
    by_status: dict[Any, int] = {status: counts.get(status, 0) for status in STATUSES}
    us = _whole_us(frame["duration_s"])
    queue_us = _whole_us(frame["queue_time_s"])

    def quantile(rank: float) -> float | None:
        value = pl.Series(us, dtype=pl.Float64).quantile(rank, interpolation="linear")
        return None if value is None else float(value) / 1e6

    return Totals(
        executions=frame.height,
        successes=by_status["success"],
        failures=by_status["failed"] + by_status["timeout"] + by_status["cancelled"],
        by_status=by_status,
        timed=len(us),
        avg_s=sum(us) / len(us) / 1e6 if us else None,
        min_s=min(us) / 1e6 if us else None,
        max_s=max(us) / 1e6 if us else None,
        p50_s=quantile(0.5),
        p95_s=quantile(0.95),
        p99_s=quantile(0.99),
        total_s=sum(us) / 1e6,
        queue_avg_s=sum(queue_us) / len(queue_us) / 1e6 if queue_us else None,
    )


def assert_same(found: Totals, expected: Totals) -> None:
    """Everything exactly, percentiles within the promised 1 %."""
    for name in PERCENTILES:
        value, exact = getattr(found, name), getattr(expected, name)
        assert (value is None) == (exact is None), name
        if exact is not None:
            assert value == pytest.approx(exact, rel=0.01, abs=1e-9), name
    blank = dict.fromkeys(PERCENTILES)
    assert replace(found, **blank) == replace(expected, **blank)  # type: ignore[arg-type]


def assert_equals_recount(found: Statistics, executions: pl.DataFrame, query: StatisticsQuery) -> None:
    """Every number of the answer against the records."""
    if query.workflow_ids:  # as if there were no others
        executions = executions.filter(pl.col("workflow_id").is_in(query.workflow_ids))
    frame = placed(executions, query)
    inside = between(frame, found.since, found.until)
    before = between(frame, found.previous_since, found.since)
    assert found.since - found.previous_since == found.until - found.since
    assert_same(found.totals, recount(inside))
    assert_same(found.previous, recount(before))
    assert [bucket.start for bucket in found.buckets] == [found.since, *(bucket.end for bucket in found.buckets[:-1])]
    assert found.buckets[-1].end == found.until
    for bucket in found.buckets:
        assert_same(bucket.totals, recount(between(frame, bucket.start, bucket.end)))
    assert found.as_of == (executions["updated_at"].max() if executions.height else None)
    ranking = sorted(
        inside["workflow_id"].value_counts().iter_rows(), key=lambda row: (-row[1], row[0] is None, row[0] or "")
    )
    assert found.workflows_total == len(ranking)
    listed = [row[0] for row in ranking[: query.workflows_limit]]
    assert [entry.workflow_id for entry in found.workflows] == listed
    days = (found.previous_since.date(), (found.until - timedelta(microseconds=1)).date())
    for entry in found.workflows:
        mine = pl.col("workflow_id").eq_missing(pl.lit(entry.workflow_id))
        assert_same(entry.totals, recount(inside.filter(mine)))
        assert_same(entry.previous, recount(before.filter(mine)))
        named = executions.with_columns(at=pl.coalesce("started_at", "created_at")).filter(
            mine & pl.col("workflow_name").is_not_null() & pl.col("at").dt.date().is_between(*days)
        )
        newest = named.sort("at", "workflow_name").tail(1)["workflow_name"].to_list()
        assert entry.workflow_name == (newest[0] if newest else None)
