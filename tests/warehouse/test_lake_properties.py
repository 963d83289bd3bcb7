"""Truth first: whatever is loaded, in whatever order and grouping, deleted, compacted or killed in between."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.warehouse.hot_helpers import Killed, dying_commit
from tests.warehouse.records import Model, Record, batch, contents
from warehouse.delta import DeltaLog
from warehouse.lake import Lake
from warehouse.scan import attach
from warehouse.schema import SCHEMAS, STATUSES, TABLES, TableName

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: every example makes lakes, and minutes of smaller ones say little more than the first."""

RECORDS = st.builds(
    Record,
    id=st.sampled_from(["a", "b", "c", "d"]),
    updated=st.integers(0, 3),
    status=st.sampled_from(STATUSES),
    started=st.sampled_from([None, 0, 5, 1439, 1440, 3000]),
    name=st.sampled_from([None, "One", "Two"]),
    nodes=st.sampled_from([None, 0, 1, 2]),
    payload=st.sampled_from([None, "x", "yy"]),
    logs=st.sampled_from([(), ("one",), ("two",), ("one", "two")]),
    source=st.sampled_from(["runlake", "n8n"]),
    retry_success=st.sampled_from([None, "r1", "r2"]),
)


@contextmanager
def lake_in_folder() -> Iterator[Lake]:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.open(folder, create=True)
        try:
            yield lake
        finally:
            lake.close()


def read(lake: Lake) -> dict[TableName, pa.Table]:
    attach(lake.session, lake.snapshot())
    return {table: lake.session.table(f"SELECT * FROM {table}").cast(SCHEMAS[table]) for table in TABLES}


@settings(max_examples=10 * SCALE, deadline=None, phases=PHASES)
@given(records=st.lists(RECORDS, min_size=1, max_size=7), seed=st.integers(0, 2**32), pieces=st.integers(1, 4))
def test_order_and_grouping_do_not_matter(records: list[Record], seed: int, pieces: int) -> None:
    shuffled = records.copy()
    random.Random(seed).shuffle(shuffled)
    with lake_in_folder() as one, lake_in_folder() as other:
        one.write(batch(records))
        for start in range(0, len(shuffled), pieces):
            other.write(batch(shuffled[start : start + pieces]))
        assert contents(read(one)) == contents(read(other))
        assert other.verify() == []


@settings(max_examples=5 * SCALE, deadline=None, phases=PHASES)
@given(records=st.lists(RECORDS, min_size=1, max_size=6))
def test_loading_twice_changes_nothing(records: list[Record]) -> None:
    with lake_in_folder() as lake:
        first = lake.write(batch(records))
        before = lake.snapshot()
        second = lake.write(batch(records))
        assert first.new == len({record.id for record in records})
        assert first.new + first.updated + first.unchanged == len(records)
        assert (second.new, second.updated, second.unchanged) == (0, 0, len(records))
        assert lake.snapshot() is before


class LakeMachine(RuleBasedStateMachine):
    """Any sequence of writes, deletes, compactions, vacuums and deaths, held against a fold over the records."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.lake = Lake.open(self.folder.name, create=True)
        self.model = Model()

    @rule(records=st.lists(RECORDS, min_size=1, max_size=4))
    def write(self, records: list[Record]) -> None:
        counts = self.lake.write(batch(records))
        known = self.model.ids()
        self.model.write(records)
        assert counts.new == len(self.model.ids() - known)
        assert counts.new + counts.updated + counts.unchanged == len(records)

    @rule(records=st.lists(RECORDS, min_size=1, max_size=3), commits=st.integers(0, 3))
    def die_while_writing(self, records: list[Record], commits: int) -> None:
        before = contents(read(self.lake))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DeltaLog, "commit", dying_commit(commits))
            try:
                self.lake.write(batch(records))
            except Killed:
                self.lake.close()
                self.lake = Lake.open(self.folder.name)
                assert contents(read(self.lake)) == before
            else:
                self.model.write(records)

    @rule(ids=st.sets(st.sampled_from(["a", "b", "c", "d", "no such"]), max_size=3))
    def delete(self, ids: set[str]) -> None:
        assert self.lake.delete(ids) == len(ids & self.model.ids())
        self.model.delete(ids)

    @rule()
    def compact(self) -> None:
        self.lake.compact()
        for table in TABLES:
            dates = [file.date for file in self.lake.snapshot().files[table]]
            assert len(dates) == len(set(dates))

    @rule()
    def vacuum(self) -> None:
        self.lake.vacuum(0)

    @rule()
    def reopen(self) -> None:
        self.lake.close()
        self.lake = Lake.open(self.folder.name)

    @invariant()
    def equals_the_fold(self) -> None:
        tables = read(self.lake)
        executions = {row["id"]: row for row in tables["executions"].to_pylist()}
        assert set(executions) == self.model.ids()
        for id_, row in executions.items():
            core = self.model.core(id_)
            assert row["updated_at"] == core.execution()["updated_at"]
            assert row["retry_success_id"] == max(
                (r.retry_success for r in self.model.counted(id_) if r.retry_success), default=None
            )
            nodes = sum(run["execution_id"] == id_ for run in tables["node_runs"].to_pylist())
            givers = self.model.node_givers(id_)
            assert nodes in {giver.nodes for giver in givers} or (not givers and nodes == 0)
            texts = {p["data"] for p in tables["payloads"].to_pylist() if p["execution_id"] == id_}
            payloads = self.model.payload_givers(id_)
            assert len(texts) == min(1, len(payloads))
            assert texts <= {f'"{giver.payload}"' for giver in payloads}
            lines = {line["message"] for line in tables["logs"].to_pylist() if line["execution_id"] == id_}
            assert lines == self.model.log_lines(id_)

    def teardown(self) -> None:
        assert self.lake.verify() == []
        self.lake.close()
        self.folder.cleanup()


TestLakeMachine = LakeMachine.TestCase
TestLakeMachine.settings = settings(
    max_examples=4 * SCALE,
    stateful_step_count=8,
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_a_second_process_sees_the_change(tmp_path: Path) -> None:
    writer = Lake.open(tmp_path, create=True)
    reader = Lake.open(tmp_path)
    assert reader.snapshot().rows("executions") == 0
    writer.write(batch([Record("a", nodes=2)]))
    assert reader.snapshot().rows("executions") == 1
    assert reader.snapshot().rows("node_runs") == 2
