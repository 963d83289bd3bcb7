"""Error groups against a plain recount."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
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

from tests.warehouse.hand_lake import HandLake, execution
from warehouse import duck
from warehouse.duck import Session
from warehouse.error_statistics import error_statistics
from warehouse.rollup_cache import RollupCache

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""

SINCE = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)
UNTIL = datetime(2026, 3, 10, 22, 15, tzinfo=UTC)
UNSUCCESSFUL = ("failed", "cancelled", "timeout")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    session = duck.connect()
    yield session
    session.close()


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def failure(number: int, at: datetime, fingerprint: str | None, **columns: Any) -> dict[str, Any]:
    return execution(number, at, **{"status": "failed", "error_fingerprint": fingerprint, "error_type": "E", **columns})


def test_a_group_tells_first_last_new_and_samples(
    session: Session, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    hour = timedelta(hours=1)
    lake = HandLake.create(tmp_path)
    lake.add("executions", [failure(90, SINCE - 400 * hour, "v1:old", error_message="first ever")])
    lake.add("executions", [failure(91, SINCE - 2 * hour, "v1:old"), failure(92, UNTIL, "v1:old")])
    lake.add(
        "executions",
        [failure(n, SINCE + n * hour, "v1:old", error_message=f"m{n}", error_node_id=f"n{n % 2}") for n in range(7)],
    )
    lake.add(
        "executions", [failure(20, SINCE, "v1:new", workflow_id=None, workflow_name="?"), failure(21, SINCE, None)]
    )
    lake.add("executions", [execution(30, SINCE, error_fingerprint="v1:new")])  # successful: no member
    rollups = RollupCache(tmp_path / "r", executor)
    found = error_statistics(session, lake.snapshot, rollups, since=SINCE, until=UNTIL)
    assert (found.executions, found.groups_total, found.lake_version) == (9, 2, 5)
    old, new = found.groups
    assert (old.fingerprint, old.executions, old.previous, old.is_new) == ("v1:old", 7, 1, False)
    assert (old.first_seen, old.last_seen) == (SINCE - 400 * hour, UNTIL)
    assert (old.message, old.sample_ids) == ("m6", ("6", "5", "4", "3", "2"))
    assert (old.nodes, old.workflows, old.workflows_total) == (("n0", "n1"), (("w", None, 7),), 1)
    assert (new.fingerprint, new.executions, new.previous, new.is_new) == ("v1:new", 1, 0, True)
    assert (new.workflows, new.nodes) == (((None, "?", 1),), ())
    capped = error_statistics(session, lake.snapshot, rollups, since=SINCE, until=UNTIL, limit=1)
    assert (capped.groups, capped.groups_total, capped.executions) == ((old,), 2, 9)


def test_an_empty_lake(session: Session, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    found = error_statistics(session, lake.snapshot, RollupCache(tmp_path / "r", executor), since=SINCE, until=UNTIL)
    assert (found.groups, found.groups_total, found.executions, found.as_of) == ((), 0, 0, None)


@settings(max_examples=10 * SCALE, deadline=None)
@given(seed=st.integers(0, 100_000), workflow_id=st.sampled_from([None, None, "w1"]), limit=st.integers(0, 6))
def test_equals_a_recount(
    session: Session, executor: ThreadPoolExecutor, seed: int, workflow_id: str | None, limit: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        failure(
            number,
            SINCE + timedelta(minutes=int(rng.integers(-3 * 1440, 2 * 1440))),
            None if rng.random() < 0.1 else f"v1:{rng.integers(0, 5)}",
            status=["success", "failed", "cancelled", "timeout"][rng.integers(0, 4)],
            workflow_id=[None, "w0", "w1", "w2"][rng.integers(0, 4)],
            error_node_id=[None, "a", "b"][rng.integers(0, 3)],
        )
        for number in range(60)
    ]
    with TemporaryDirectory() as folder:
        lake = HandLake.create(Path(folder))
        lake.add("executions", rows[:35])
        lake.add("executions", rows[35:])
        rollups = RollupCache(Path(folder) / "r", executor)
        found = error_statistics(
            session, lake.snapshot, rollups, since=SINCE, until=UNTIL, workflow_id=workflow_id, limit=limit
        )
    bad = [row for row in rows if row["status"] in UNSUCCESSFUL]
    mine = [row for row in bad if workflow_id in (None, row["workflow_id"])]
    inside = [row for row in mine if SINCE <= row["started_at"] < UNTIL]
    before = Counter(row["error_fingerprint"] for row in mine if SINCE - (UNTIL - SINCE) <= row["started_at"] < SINCE)
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(inside, key=lambda row: (row["started_at"], row["id"]), reverse=True):
        if row["error_fingerprint"] is not None:
            groups[row["error_fingerprint"]].append(row)
    assert found.executions == len(inside)
    assert found.groups_total == (len(groups) if groups else 0)
    expected = sorted(groups, key=lambda name: name)
    expected.sort(key=lambda name: (len(groups[name]), groups[name][0]["started_at"]), reverse=True)
    counts = [(len(groups[name]), groups[name][0]["started_at"]) for name in expected]
    if len(set(counts)) == len(counts):
        assert [group.fingerprint for group in found.groups] == expected[:limit]
    for group in found.groups:
        members = groups[group.fingerprint]
        seen = [row["started_at"] for row in bad if row["error_fingerprint"] == group.fingerprint]
        assert (group.executions, group.previous) == (len(members), before[group.fingerprint])
        assert (group.first_seen, group.last_seen) == (min(seen), max(seen))
        assert group.is_new == (SINCE <= min(seen) < UNTIL)
        assert group.sample_ids == tuple(row["id"] for row in members[:5])
        workflows = Counter(row["workflow_id"] for row in members)
        assert {one: count for one, _, count in group.workflows} == dict(workflows)
        nodes = Counter(row["error_node_id"] for row in members if row["error_node_id"])
        assert group.nodes == tuple(sorted(nodes, key=lambda node: (-nodes[node], node)))
