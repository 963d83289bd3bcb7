"""Statistics of 10 M executions from rollups against one DuckDB scan of the same files.

What: the answer of `warehouse.statistics` (series, totals, workflows, the period before, percentiles), warm, in one
process with the scan, taking turns. Data: executions by rule and seed, 90 days, 500 workflows by Zipf's law, log-normal
durations. Both answers are asserted equal first (counts and times exactly, percentiles within 1 %); the ratio of the
medians is what counts. Run: `python -m tests.bench.bench_statistics`; with `--growth 10` also the same days and
workflows with ten times the executions (some gigabytes of disk, a quarter of an hour).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse import duck
from warehouse.duck import Session
from warehouse.results import Statistics, Totals
from warehouse.rollup_cache import RollupCache
from warehouse.scan import attach
from warehouse.schema import MODES, SCHEMAS, STATUSES, TABLES
from warehouse.snapshot import DataFile, Snapshot
from warehouse.statistics import StatisticsQuery, statistics

END = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 14, 37, 11, tzinfo=UTC)
DAYS, WORKFLOWS = 90, 500

SCAN = """
WITH placed AS (
    SELECT placed_at(started_at, created_at) AS at, workflow_id, status, duration_s, queue_time_s
    FROM executions
    WHERE placed_at(started_at, created_at) >= $previous_since AND placed_at(started_at, created_at) < $until
)
SELECT
    placed.at >= $since AS inside,
    CASE WHEN placed.at >= $since THEN date_trunc('hour', placed.at) END AS step,
    workflow_id,
    grouping(step) AS no_step,
    grouping(workflow_id) AS no_workflow,
    count(*) AS executions,
    count(*) FILTER (WHERE status = 'success') AS successes,
    count(*) FILTER (WHERE status IN ('failed', 'cancelled', 'timeout')) AS failures,
    avg(duration_s) AS avg_s,
    min(duration_s) AS min_s,
    max(duration_s) AS max_s,
    avg(queue_time_s) AS queue_avg_s,
    quantile_cont(duration_s, [0.5, 0.95, 0.99]) AS percentiles_s
FROM placed
GROUP BY GROUPING SETS ((inside), (inside, step), (inside, workflow_id))
"""
"""One scan for all that the answer says: totals, series, workflows, both periods."""


def build_lake(folder: Path, executions: int) -> Snapshot:
    """The files of such a lake, made once."""
    files = []
    for age in range(DAYS):
        day = END - timedelta(days=age)
        name = f"date={day}/part-0.parquet"
        path = folder / "executions" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            pq.write_table(_day(day, executions // DAYS), part, compression="zstd")
            part.rename(path)
        rows = pq.read_metadata(path).num_rows
        files.append(DataFile("executions", name, str(path), day, rows, path.stat().st_size, None, None))
    none: tuple[DataFile, ...] = ()
    return Snapshot(1, {**dict.fromkeys(TABLES, none), "executions": tuple(sorted(files, key=lambda file: file.date))})


def _day(day: date, count: int) -> pa.Table:
    rng = np.random.default_rng(day.toordinal())
    weights = 1 / np.arange(1, WORKFLOWS + 1)
    workflow = rng.choice(WORKFLOWS, count, p=weights / weights.sum())
    status = rng.choice(len(STATUSES), count, p=[0.001, 0.004, 0.92, 0.05, 0.015, 0.01])
    midnight_us = (day - date(1970, 1, 1)).days * 86_400_000_000
    at_us = np.sort((rng.beta(2, 2, count) * 86_400e6).astype(np.int64)) + midnight_us
    means = np.random.default_rng(7).normal(0.5, 1.5, WORKFLOWS)
    duration_s = np.round(np.exp(rng.normal(means[workflow], 0.6)), 3)
    queued, timed = status == 0, status >= 2

    def words(values: list[str] | tuple[str, ...], codes: Any) -> pa.Array:
        return pa.array(values).take(pa.array(codes))

    def instants(values_us: Any, missing: Any = None) -> pa.Array:
        return pa.array(values_us, pa.int64(), mask=missing).cast(pa.timestamp("us", tz="UTC"))

    columns = {field.name: pa.nulls(count, field.type) for field in SCHEMAS["executions"] if field.name != "date"}
    columns |= {
        "id": pa.array([f"{day.toordinal()}-{number}" for number in range(count)]),
        "workflow_id": words([f"wf_{number:05d}" for number in range(WORKFLOWS)], workflow),
        "workflow_name": words([f"Workflow {number}" for number in range(WORKFLOWS)], workflow),
        "status": words(STATUSES, status),
        "mode": words(MODES, (workflow * 7 + rng.integers(0, 2, count)) % len(MODES)),
        "started_at": instants(at_us, queued),
        "created_at": instants(at_us - np.where(queued, 0, 50_000)),
        "updated_at": instants(at_us + (duration_s * 1e6).astype(np.int64)),
        "duration_s": pa.array(duration_s, mask=~timed),
        "queue_time_s": pa.array(np.full(count, 0.05), mask=queued),
        **{name: words(["runlake"], np.zeros(count, np.int64)) for name in ("source", "source_status", "source_mode")},
    }
    return pa.table(columns)


def assert_equal(found: Statistics, scanned: list[dict[str, Any]]) -> None:
    """The answer from rollups is the answer of the scan."""
    of = {(row["inside"], row["step"], row["workflow_id"], row["no_workflow"]): row for row in scanned}
    pairs: list[tuple[Totals, dict[str, Any] | None]] = [(found.totals, of[True, None, None, 1])]
    pairs += [(bucket.totals, of.get((True, _hour(bucket.start), None, 1))) for bucket in found.buckets]
    pairs += [(entry.totals, of[True, None, entry.workflow_id, 0]) for entry in found.workflows]
    pairs += [(entry.previous, of.get((False, None, entry.workflow_id, 0))) for entry in found.workflows]
    for totals, row in pairs:
        if row is None:
            assert totals.executions == 0
            continue
        for name in ("executions", "successes", "failures", "min_s", "max_s"):
            assert getattr(totals, name) == row[name], (name, totals, row)
        assert totals.avg_s == pytest.approx(row["avg_s"])
        assert totals.queue_avg_s == pytest.approx(row["queue_avg_s"])
        if row["percentiles_s"] is not None:
            assert [totals.p50_s, totals.p95_s, totals.p99_s] == pytest.approx(row["percentiles_s"], rel=0.01)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def compare(
    session: Session, snapshot: Snapshot, rollups: RollupCache, period: str, rounds: int
) -> tuple[float, float]:
    """Median seconds of the answer and of the scan, taking turns."""
    query = StatisticsQuery(period, granularity="hour")

    def answer() -> Statistics:
        return statistics(session, snapshot, rollups, query, now=NOW)

    def scan() -> pa.Table:
        return session.table(SCAN, window)

    found = answer()
    window = {"previous_since": found.previous_since, "since": found.since, "until": found.until}
    attach(session, snapshot, found.previous_since, found.until, ("executions",))
    rows = scan().to_pylist()
    inside = [row for row in rows if not (row["step"] is None and row["no_step"] == 0)]
    assert_equal(found, inside)
    times = [(_seconds(answer), _seconds(scan)) for _ in range(rounds)]
    return median(ours for ours, _ in times), median(theirs for _, theirs in times)


def _seconds(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def run(folder: Path, executions: int = 10_000_000, growth: int = 1, rounds: int = 7) -> dict[str, float]:
    """Build what is missing, compare, and give the figures by name; prints them as it goes."""
    figures: dict[str, float] = {}
    with ThreadPoolExecutor() as executor:
        for factor in sorted({1, growth}):
            home = folder / f"executions-{executions * factor}"
            snapshot = build_lake(home, executions * factor)
            rollups, session = RollupCache(home / "rollups", executor), duck.connect()
            figures[f"rollup_build_s_x{factor}"] = _seconds(lambda: rollups.get(snapshot.files["executions"]))  # noqa: B023
            for period in ("30d", "24h"):
                ours_s, scan_s = compare(session, snapshot, rollups, period, rounds)
                figures |= {f"{period}_s_x{factor}": ours_s, f"{period}_scan_s_x{factor}": scan_s}
                figures[f"{period}_ratio_x{factor}"] = ours_s / scan_s
                print(
                    f"{executions * factor:,} executions, {period} by hour: {ours_s * 1e3:.1f} ms, "
                    f"scan {scan_s * 1e3:.0f} ms, ratio {ours_s / scan_s:.3f}"
                )
            session.close()
    if growth > 1:
        figures["growth_ratio"] = figures[f"30d_s_x{growth}"] / figures["30d_s_x1"]
        print(f"{growth} times the executions, same days and workflows: ratio {figures['growth_ratio']:.2f}")
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/bench/statistics"))
    parser.add_argument("--executions", type=int, default=10_000_000)
    parser.add_argument("--growth", type=int, default=1)
    arguments = parser.parse_args()
    run(arguments.folder, arguments.executions, arguments.growth)
