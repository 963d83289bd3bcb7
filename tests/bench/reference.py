"""The yardstick of the statistics: DuckDB over the live files, and what must be equal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from warehouse.duck import DuckSettings, Session, connect, read_sql
from warehouse.results import Statistics, Totals
from warehouse.scan import attach
from warehouse.schema import STATUSES
from warehouse.snapshot import Snapshot

PERCENTILE_ERROR: Final = 0.01
"""The relative error that the statistics' percentiles may have."""
_SUM_ERROR: Final = 1e-9
"""Sums of floats depend on their order in the last digits."""

Row = Mapping[str, Any]


def bench_sql(name: str) -> str:
    """The text of tests/bench/sql/<name>.sql."""
    return read_sql("tests.bench", name)


def yardstick_session() -> Session:
    """DuckDB with all threads and more memory than ours gives itself, so that nothing spills."""
    return connect(DuckSettings(memory_limit_mb=8192, time_limit_s=0))


class Reference:
    """The statistics of periods that end about `until`, by one query over the files that can hold them."""

    def __init__(self, snapshot: Snapshot, until: datetime, period: timedelta) -> None:
        self._period = period
        self._session = yardstick_session()
        self._lean = self._session.fork()
        # Chosen once and not timed: a reader of the folder's names could do as much.
        attach(self._session, snapshot, until - 2 * period - timedelta(hours=1), until, ("executions",))
        attach(self._lean, snapshot, until - period - timedelta(hours=1), until, ("executions",))

    def ask(self, until: datetime) -> list[Row]:
        """All that the statistics say."""
        since = until - self._period
        params = {"previous_since": since - self._period, "since": since, "until": until}
        rows: list[Row] = self._session.table(bench_sql("statistics"), params).to_pylist()
        return rows

    def ask_lean(self, until: datetime) -> list[Row]:
        """Counts and mean by hour only."""
        params = {"since": until - self._period, "until": until}
        rows: list[Row] = self._lean.table(bench_sql("statistics_lean"), params).to_pylist()
        return rows

    def close(self) -> None:
        """Give the memory back."""
        self._lean.close()
        self._session.close()


def assert_equal(found: Statistics, rows: list[Row], lean: list[Row]) -> None:
    """The statistics say what the queries say: percentiles within 1 %, all else exactly."""
    by_hour = {row["hour"]: row for row in rows if row["hour"] is not None}
    lean_by_hour = {row["hour"]: row for row in lean}
    for bucket in found.buckets:
        hour = int(bucket.start.astimezone(UTC).timestamp()) // 3600
        _same(f"the hour from {bucket.start}", bucket.totals, by_hour.pop(hour, None))
        slim = lean_by_hour.pop(hour, None)
        assert (slim["executions"] if slim else 0) == bucket.totals.executions, f"lean: {bucket.start}"
    assert not by_hour, f"hours outside the series: {sorted(by_hour)}"
    assert not lean_by_hour, f"hours outside the series: {sorted(lean_by_hour)}"

    parts = {row["current"]: row for row in rows if row["hour"] is None and not row["by_workflow"]}
    _same("the period", found.totals, parts.get(True))
    _same("the period before", found.previous, parts.get(False))

    by_workflow = {(row["current"], row["workflow_id"]): row for row in rows if row["by_workflow"]}
    assert found.workflows_total == sum(current for current, _ in by_workflow), "number of workflows"
    for workflow in found.workflows:
        _same(f"workflow {workflow.workflow_id}", workflow.totals, by_workflow.get((True, workflow.workflow_id)))
        before = by_workflow.get((False, workflow.workflow_id))
        _same(f"workflow {workflow.workflow_id} before", workflow.previous, before)


def _same(what: str, found: Totals, row: Row | None) -> None:
    if row is None:
        assert found.executions == 0, f"{what}: {found.executions} executions, the query has none"
        return
    for name in ("executions", "successes", "failures", "timed", "min_s", "max_s"):
        assert getattr(found, name) == row[name], f"{what}: {name} {getattr(found, name)} != {row[name]}"
    counted = {status: row["successes" if status == "success" else status] for status in STATUSES}
    assert found.by_status == counted, f"{what}: {found.by_status} != {counted}"
    for name in ("avg_s", "queue_avg_s"):
        assert _close(getattr(found, name), row[name], _SUM_ERROR), f"{what}: {name}"
    assert _close(found.total_s, row["total_s"] or 0.0, _SUM_ERROR), f"{what}: total_s"
    wanted = row["percentiles_s"] or [None] * 3
    for name, value in zip(("p50_s", "p95_s", "p99_s"), wanted, strict=True):
        about = getattr(found, name)
        assert _close(about, value, PERCENTILE_ERROR), f"{what}: {name} {about} != {value}"


def _close(one: float | None, other: float | None, error: float) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=error, abs_tol=1e-9)
