"""Whole days of nodes are built once, kept, and built again when their files change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.warehouse.hand_lake import HandLake, execution, node_run
from warehouse import duck
from warehouse.node_days import NodeDays, days_of
from warehouse.node_statistics import node_statistics
from warehouse.rollup_cache import RollupCache

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = FIRST + timedelta(days=3)


@pytest.fixture
def lake(tmp_path: Path) -> HandLake:
    lake = HandLake.create(tmp_path)
    starts = [FIRST + timedelta(days=day, hours=1) for day in range(3)]
    lake.add("executions", [execution(day, at) for day, at in enumerate(starts)])
    lake.add("node_runs", [node_run(day, 0, started_at=at, duration_s=1.0) for day, at in enumerate(starts)])
    return lake


def total_s(lake: HandLake, rollups: RollupCache) -> float:
    session = duck.connect()
    found = node_statistics(session, lake.snapshot, rollups, since=FIRST, until=UNTIL)
    session.close()
    return sum(node.total_s for node in found.nodes)


def test_days_are_kept_on_disk_and_survive_damage(lake: HandLake) -> None:
    days = days_of(lake.snapshot, FIRST, UNTIL)
    folder = lake.folder / "nodes"
    with ThreadPoolExecutor(2) as executor:
        built = NodeDays(folder, executor).get(days)
        stamps = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
        assert NodeDays(folder, executor).get(days) == built
        assert [path.stat().st_mtime_ns for path in sorted(folder.iterdir())] == stamps
        damaged = min(folder.iterdir())
        damaged.write_bytes(damaged.read_bytes()[:-50])
        assert NodeDays(folder, executor).get(days) == built
        assert damaged.stat().st_mtime_ns != stamps[0]


def test_a_day_whose_files_change_is_built_again(lake: HandLake) -> None:
    with ThreadPoolExecutor(2) as executor:
        rollups = RollupCache(lake.folder / "rollups", executor)
        assert total_s(lake, rollups) == 3.0
        at = FIRST + timedelta(hours=2)
        lake.add("executions", [execution(9, at)])
        lake.add("node_runs", [node_run(9, 0, started_at=at, duration_s=10.0)])
        assert total_s(lake, rollups) == 13.0
        assert total_s(lake, RollupCache(lake.folder / "rollups", executor)) == 13.0
        assert len(list((lake.folder / "rollups").glob("*.nodes.arrow"))) == 3  # one file a date
