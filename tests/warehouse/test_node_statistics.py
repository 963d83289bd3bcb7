"""Bottlenecks against a plain recount, exclusive time against an instant-by-instant simulation."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.hand_lake import HandLake, execution, node_run
from warehouse import duck
from warehouse.duck import Session
from warehouse.errors import BadInputError
from warehouse.node_statistics import node_statistics
from warehouse.results import NodeTotals
from warehouse.rollup_cache import RollupCache

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""

SINCE = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)
UNTIL = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    session = duck.connect()
    yield session
    session.close()


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def runs_at(execution_id: int, start: datetime, spans: list[tuple[float, float]]) -> list[dict[str, Any]]:
    """Runs of the nodes n0, n1, … as (seconds after the start, duration)."""
    return [
        node_run(
            execution_id, order, started_at=start + timedelta(seconds=begin), duration_s=duration_s, date=start.date()
        )
        for order, (begin, duration_s) in enumerate(spans)
    ]


def exclusive(
    session: Session, executor: ThreadPoolExecutor, folder: Path, spans: list[tuple[float, float]]
) -> dict[str, float]:
    lake = HandLake.create(folder)
    lake.add("executions", [execution(1, SINCE)])
    lake.add("node_runs", runs_at(1, SINCE, spans))
    found = node_statistics(session, lake.snapshot, RollupCache(folder / "r", executor), since=SINCE, until=UNTIL)
    assert sum(node.exclusive_share or 0 for node in found.nodes) == pytest.approx(1)
    return {node.node_id: node.exclusive_s for node in found.nodes}


CASES: dict[str, tuple[list[tuple[float, float]], dict[str, float]]] = {
    "one after the other": ([(0, 1), (1, 2), (3, 0.5)], {"n0": 1, "n1": 2, "n2": 0.5}),
    "a call inside a run": ([(0, 10), (2, 3)], {"n0": 7, "n1": 3}),
    "overlapping ends": ([(0, 5), (3, 5)], {"n0": 3, "n1": 5}),
    "the outer goes on after the inner": ([(0, 10), (1, 2), (5, 1)], {"n0": 7, "n1": 2, "n2": 1}),
    "nested twice": ([(0, 10), (1, 8), (2, 3)], {"n0": 2, "n1": 5, "n2": 3}),
    "equal starts: the later in order": ([(0, 4), (0, 6)], {"n0": 0, "n1": 6}),
    "a gap is nobody's": ([(0, 1), (5, 1)], {"n0": 1, "n1": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_instant_belongs_to_the_latest_started_run(
    session: Session, executor: ThreadPoolExecutor, tmp_path: Path, name: str
) -> None:
    spans, expected = CASES[name]
    assert exclusive(session, executor, tmp_path, spans) == expected


def test_runs_without_time_count_and_add_none(session: Session, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    lake.add("executions", [execution(1, SINCE), execution(2, SINCE, workflow_name="Newest")])
    day = SINCE.date()
    lake.add(
        "node_runs",
        [
            node_run(1, 0, date=day, started_at=SINCE, duration_s=2.0, items_out=3, node_name="old"),
            node_run(1, 0, date=day, run_index=1, duration_s=5.0, status="failed"),
            node_run(2, 0, date=day, started_at=SINCE, status="running"),
            node_run(3, 0, date=day, started_at=SINCE, duration_s=9.0),  # of no execution in the window
        ],
    )
    found = node_statistics(session, lake.snapshot, RollupCache(tmp_path / "r", executor), since=SINCE, until=UNTIL)
    assert found.nodes == (
        NodeTotals(
            workflow_id="w",
            workflow_name="Newest",
            node_id="n0",
            node_name="old",
            node_type=None,
            runs=3,
            executions=2,
            execution_share=1.0,
            failures=1,
            failure_rate=0.5,
            total_s=2.0,
            exclusive_s=2.0,
            exclusive_share=1.0,
            avg_s=2.0,
            p50_s=2.0,
            p95_s=2.0,
            max_s=2.0,
            items_out=3,
        ),
    )


def test_an_empty_window_and_a_bad_one(session: Session, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    rollups = RollupCache(tmp_path / "r", executor)
    found = node_statistics(session, lake.snapshot, rollups, since=SINCE, until=UNTIL)
    assert (found.nodes, found.nodes_total, found.as_of) == ((), 0, None)
    with pytest.raises(BadInputError, match="is not before until"):
        node_statistics(session, lake.snapshot, rollups, since=UNTIL, until=SINCE)


def reference(
    executions: list[dict[str, Any]],
    runs: list[dict[str, Any]],
    workflow_id: str | None,
    since: datetime,
    until: datetime,
) -> dict[Any, dict[str, Any]]:
    """Node totals by a simulation on a grid of milliseconds."""
    inside = {
        row["id"]: row
        for row in executions
        if since <= (row["started_at"] or row["created_at"]) < until and workflow_id in (None, row["workflow_id"])
    }
    nodes: dict[Any, dict[str, Any]] = defaultdict(
        lambda: {"runs": 0, "executions": set(), "failures": 0, "finished": 0, "times": [], "exclusive_ms": 0}
    )
    by_execution: dict[str, list[tuple[int, int, int, Any]]] = defaultdict(list)
    for run in runs:
        if run["execution_id"] not in inside:
            continue
        key = inside[run["execution_id"]]["workflow_id"], run["node_id"]
        node = nodes[key]
        node["runs"] += 1
        node["executions"].add(run["execution_id"])
        node["failures"] += run["status"] in ("failed", "cancelled", "timeout")
        node["finished"] += run["status"] in ("success", "failed", "cancelled", "timeout")
        if run.get("started_at") and run.get("duration_s") is not None:
            node["times"].append(run["duration_s"])
            start_ms = round((run["started_at"] - SINCE) / timedelta(milliseconds=1))
            by_execution[run["execution_id"]].append(
                (start_ms, run["order_index"], start_ms + round(run["duration_s"] * 1000), key)
            )
    for spans in by_execution.values():
        for at_ms in range(min(span[0] for span in spans), max(span[2] for span in spans)):
            active = [span for span in spans if span[0] <= at_ms < span[2]]
            if active:
                nodes[max(active)[3]]["exclusive_ms"] += 1
    return dict(nodes)


@settings(max_examples=15 * SCALE, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    workflow_id=st.sampled_from([None, None, "w1"]),
    since=st.sampled_from([SINCE, SINCE.replace(hour=0, minute=0)]),
    until=st.sampled_from([UNTIL, datetime(2026, 3, 11, tzinfo=UTC)]),
)
def test_equals_a_recount(
    session: Session, executor: ThreadPoolExecutor, seed: int, workflow_id: str | None, since: datetime, until: datetime
) -> None:
    rng = np.random.default_rng(seed)
    executions = [
        execution(
            number,
            SINCE + timedelta(minutes=float(rng.uniform(-30, 240))),
            workflow_id=[None, "w0", "w1"][rng.integers(0, 3)],
            queued=bool(rng.random() < 0.1),
        )
        for number in range(12)
    ]
    runs = [
        node_run(
            row["id"],
            order,
            node_id=f"n{rng.integers(0, 3)}",
            run_index=order,
            date=(row["started_at"] or row["created_at"]).date(),
            started_at=None if rng.random() < 0.1 else SINCE + timedelta(milliseconds=int(rng.integers(0, 60))),
            duration_s=None if rng.random() < 0.1 else int(rng.integers(0, 30)) / 1000,
            status=["success", "failed", "running", "timeout"][rng.integers(0, 4)],
        )
        for row in executions
        for order in range(int(rng.integers(0, 6)))
    ]
    with TemporaryDirectory() as folder:
        lake = HandLake.create(Path(folder))
        lake.add("executions", executions)
        lake.add("node_runs", runs)
        found = node_statistics(
            session,
            lake.snapshot,
            RollupCache(Path(folder) / "r", executor),
            since=since,
            until=until,
            workflow_id=workflow_id,
        )
    expected = reference(executions, runs, workflow_id, since, until)
    assert found.nodes_total == len(found.nodes) == len(expected)
    whole_ms = sum(node["exclusive_ms"] for node in expected.values())
    order = [
        (-node.exclusive_s, -node.runs, node.workflow_id is None, node.workflow_id or "", node.node_id)
        for node in found.nodes
    ]
    assert order == sorted(order)
    for node in found.nodes:
        mine = expected[node.workflow_id, node.node_id]
        times = mine["times"]
        assert (node.runs, node.executions) == (mine["runs"], len(mine["executions"]))
        assert (node.failures, node.failure_rate) == (
            mine["failures"],
            mine["failures"] / mine["finished"] if mine["finished"] else None,
        )
        assert node.exclusive_s == mine["exclusive_ms"] / 1000
        assert node.exclusive_share == (pytest.approx(mine["exclusive_ms"] / whole_ms) if whole_ms else None)
        assert node.total_s == pytest.approx(sum(times))
        assert node.p50_s == (pytest.approx(float(np.quantile(times, 0.5)), rel=0.01) if times else None)
        assert node.p95_s == (pytest.approx(float(np.quantile(times, 0.95)), rel=0.01) if times else None)
        assert node.max_s == (max(times) if times else None)
