"""Statistics of a real lake equal a recount after any sequence of loads, updates, deletes and compactions."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import hypothesis.strategies as st
import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.warehouse.hand_lake import HandLake
from tests.warehouse.records import DAY_ZERO, Record, batch
from tests.warehouse.statistics_reference import assert_equals_recount
from warehouse.lake import Lake
from warehouse.node_statistics import node_statistics
from warehouse.rollup_cache import RollupCache
from warehouse.schema import STATUSES, TableName
from warehouse.statistics import StatisticsQuery, statistics

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""

RECORDS = st.builds(
    Record,
    id=st.sampled_from([f"e{number}" for number in range(12)]),
    updated=st.integers(0, 5),
    status=st.sampled_from(STATUSES),
    started=st.one_of(st.none(), st.integers(0, 4 * 1440)),
    workflow=st.sampled_from(["a", "b", "c"]),
    name=st.sampled_from([None, "One", "Two"]),
    nodes=st.sampled_from([None, 0, 1, 2]),
    duration_s=st.one_of(st.none(), st.floats(0, 1e5)),
)
UNTIL = DAY_ZERO + timedelta(days=3, minutes=754)
QUERIES = [
    StatisticsQuery("24h", until=UNTIL),
    StatisticsQuery("7d", until=UNTIL, timezone="Asia/Kolkata"),
    StatisticsQuery(
        since=DAY_ZERO + timedelta(days=1), until=UNTIL, granularity="hour", statuses=("success", "failed")
    ),
]


class StatisticsMachine(RuleBasedStateMachine):
    """One cache of rollups lives through everything that happens to the lake."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.lake = Lake.open(self.folder.name, create=True)
        self.executor = ThreadPoolExecutor(1)
        self.rollups = RollupCache(self.lake.folder("rollups"), self.executor)

    @rule(records=st.lists(RECORDS, min_size=1, max_size=12))
    def write(self, records: list[Record]) -> None:
        self.lake.write(batch(records))

    @rule(ids=st.sets(st.sampled_from([f"e{number}" for number in range(12)]), max_size=4))
    def delete(self, ids: set[str]) -> None:
        self.lake.delete(ids)

    @rule()
    def compact(self) -> None:
        self.lake.compact()

    @rule()
    def clean_up(self) -> None:
        self.lake.vacuum(0)

    @invariant()
    def statistics_equal_a_recount(self) -> None:
        snapshot = self.lake.snapshot()
        executions = self._frame("executions")
        for query in QUERIES:
            found = statistics(self.lake.session, snapshot, self.rollups, query, now=UNTIL)
            assert found.lake_version == snapshot.version
            assert_equals_recount(found, executions, query)

    @invariant()
    def node_runs_equal_a_recount(self) -> None:
        since, until = DAY_ZERO + timedelta(hours=5), UNTIL
        found = node_statistics(self.lake.session, self.lake.snapshot(), self.rollups, since=since, until=until)
        placed = pl.coalesce("started_at", "created_at")
        inside = self._frame("executions").filter((placed >= since) & (placed < until))
        runs = self._frame("node_runs").drop("workflow_id").join(inside, left_on="execution_id", right_on="id")
        counts = {
            (workflow, node): count for workflow, node, count in runs.group_by("workflow_id", "node_id").len().rows()
        }
        assert {(node.workflow_id, node.node_id): node.runs for node in found.nodes} == counts

    def _frame(self, table: TableName) -> pl.DataFrame:
        return HandLake(Path(self.folder.name), self.lake.snapshot()).frame(table)

    def teardown(self) -> None:
        self.lake.close()
        self.executor.shutdown()
        self.folder.cleanup()


TestStatisticsMachine = StatisticsMachine.TestCase
TestStatisticsMachine.settings = settings(
    max_examples=3 * SCALE, stateful_step_count=6, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
