"""Load, memory, data, retries and single workflows over time equal a recount, over both tiers and after deletions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import warehouse
from tests.warehouse import capacity_reference as reference
from tests.warehouse.records import DAY_ZERO, Record, batch
from warehouse import Warehouse
from warehouse.lake import Lake
from warehouse.schema import STATUSES, Batch
from warehouse.statistics import StatisticsQuery

SINCE, UNTIL = DAY_ZERO + timedelta(hours=5), DAY_ZERO + timedelta(days=2, hours=7)
DAY = timedelta(days=1)
STEPS = [SINCE, DAY_ZERO + timedelta(hours=9, minutes=30), DAY_ZERO + DAY, DAY_ZERO + 2 * DAY, UNTIL]
QUERY = StatisticsQuery(since=SINCE, until=UNTIL)


def made(seed: int, count: int) -> Batch:
    """Records of all statuses, a third of them retries of earlier ones, with memory, data and queue times."""
    random = np.random.default_rng(seed)
    records = [
        Record(
            f"{seed}-{number}",
            updated=number,
            status=str(random.choice(STATUSES, p=[0.03, 0.05, 0.5, 0.3, 0.06, 0.06])),
            started=int(random.integers(0, 3 * 24 * 60)) if random.random() < 0.95 else None,
            workflow=str(random.choice(["a", "b", "c"])),
            retry_success="x" if random.random() < 0.03 else None,
        )
        for number in range(count)
    ]
    found = batch(records)
    rows = found.executions.to_pylist()
    for number, row in enumerate(rows):
        row["retry_of"] = f"{seed}-{random.integers(0, number)}" if number and random.random() < 0.35 else None
        row["memory_mb"] = round(float(random.lognormal(4, 1)), 3) if random.random() < 0.8 else None
        row["data_bytes"] = int(random.integers(0, 10_000)) if random.random() < 0.8 else None
        row["queue_time_s"] = round(float(random.exponential(400)), 6) if random.random() < 0.7 else None
        row["error_fingerprint"] = str(random.choice(["v1:a", "v1:b"])) if row["status"] == "failed" else None
        row["error_node_id"] = str(random.choice(["n1", "n2"])) if row["status"] == "failed" else None
        if row["started_at"] is not None and row["stopped_at"] is not None:
            row["stopped_at"] = row["started_at"] + timedelta(seconds=round(float(random.exponential(900)), 6))
    executions = pa.Table.from_pylist(rows, found.executions.schema)
    return Batch(executions, found.node_runs, found.payloads, found.logs)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Two batches in the lake, one in the hot store, some of each deleted."""
    folder: Path = tmp_path_factory.mktemp("lake")
    Lake.open(folder, create=True).close()
    with warehouse.open(folder) as opened:
        store = opened.lake.hot(create=True)
        assert store is not None
        for seed in (1, 2):
            opened.lake.load(made(seed, 300))
        store.write(opened.lake, made(3, 300))
        store.delete(opened.lake, {f"{seed}-{number}" for seed in (1, 2, 3) for number in range(0, 300, 17)})
        assert opened.snapshot().hot is not None
        yield opened


@pytest.fixture(scope="module")
def rows(house: Warehouse) -> list[dict[str, Any]]:
    """What Polars reads of both tiers."""
    found = house.executions().collect().to_dicts()
    assert 800 < len(found) < 900
    return found


def test_usage(house: Warehouse, rows: list[dict[str, Any]]) -> None:
    spans = [*pairwise(STEPS), (SINCE, UNTIL)]
    for found, (since, until) in zip(house.usage(QUERY, STEPS), spans, strict=True):
        mine = reference.within(rows, since, until)
        memory = [row["memory_mb"] for row in mine if row["memory_mb"] is not None]
        data = [row["data_bytes"] for row in mine if row["data_bytes"] is not None]
        assert (found.executions, found.measured, found.sized) == (len(mine), len(memory), len(data))
        assert found.data_bytes == sum(data)
        assert found.memory_max_mb == pytest.approx(max(memory), abs=1e-6)
        assert found.memory_p50_mb == pytest.approx(np.percentile(memory, 50), rel=0.01)
        assert found.memory_p95_mb == pytest.approx(np.percentile(memory, 95), rel=0.01)


def test_load(house: Warehouse, rows: list[dict[str, Any]]) -> None:
    mine = reference.within(rows, SINCE - DAY, UNTIL)
    waiting, running = reference.spans(mine, UNTIL)
    spans = [*pairwise(STEPS), (SINCE, UNTIL)]
    for found, (since, until) in zip(house.load(QUERY, STEPS), spans, strict=True):
        mean, peak = reference.mean_peak(waiting, since, until)
        assert found.waiting_mean == pytest.approx(mean, abs=1e-6)
        assert found.waiting_peak == peak
        mean, peak = reference.mean_peak(running, since, until)
        assert found.running_mean == pytest.approx(mean, abs=1e-6)
        assert found.running_peak == peak


def test_load_of_less_than_a_minute_has_no_mean(house: Warehouse) -> None:
    ends = [SINCE + timedelta(seconds=1), SINCE + timedelta(seconds=50)]
    query = StatisticsQuery(since=ends[0], until=ends[1])
    assert [(one.waiting_mean, one.running_peak) for one in house.load(query, ends)] == [(None, None)] * 2


def test_retries(house: Warehouse, rows: list[dict[str, Any]]) -> None:
    found = house.retries(QUERY)
    expected = reference.retries(rows, SINCE, UNTIL)
    got = {key: (one.failures, one.healed, one.retried) for key, one in found.by_fingerprint.items()}
    assert got == {key: counts for key, counts in expected.items() if key is not None}
    whole = tuple(sum(counts[place] for counts in expected.values()) for place in range(3))
    assert (found.total.failures, found.total.healed, found.total.retried) == whole
    assert min(whole) > 10  # of each kind there are enough to tell


def test_workflows_over_time(house: Warehouse, rows: list[dict[str, Any]]) -> None:
    for one in house.workflow_series(QUERY, ["b", "a", "no such"], STEPS):
        for step, (since, until) in enumerate(pairwise(STEPS)):
            mine = [row for row in reference.within(rows, since, until) if row["workflow_id"] == one.workflow_id]
            timed = [row["duration_s"] for row in mine if row["duration_s"] is not None]
            failed = [row for row in mine if row["status"] in reference.UNSUCCESSFUL]
            assert (one.executions[step], one.failures[step], one.timed[step]) == (len(mine), len(failed), len(timed))
            assert one.p50_s[step] == (pytest.approx(np.median(timed), rel=0.01) if timed else None)


def test_occurrences_of_an_error(house: Warehouse, rows: list[dict[str, Any]]) -> None:
    found = house.occurrences(StatisticsQuery(since=SINCE, until=UNTIL, workflow_id="a"), "v1:a", STEPS)
    for step, (since, until) in enumerate(pairwise(STEPS)):
        for node in ("n1", "n2"):
            mine = [
                row
                for row in reference.within(rows, since, until)
                if (row["workflow_id"], row["error_fingerprint"], row["error_node_id"]) == ("a", "v1:a", node)
            ]
            assert sum(one.executions for one in found if (one.step, one.node_id) == (step, node)) == len(mine)
