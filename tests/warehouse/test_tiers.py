"""Truth first: whatever is written, updated, sealed, deleted or left half done, both tiers together equal a recount."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

import warehouse
from tests.fixtures.postgres import postgres_database
from tests.warehouse.records import DAY_ZERO, Model, Record, batch
from tests.warehouse.statistics_reference import assert_equals_recount
from warehouse import Warehouse
from warehouse.export import ExportQuery
from warehouse.filters import ExecutionFilter
from warehouse.hot import sealing, tick
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.listing import ListQuery
from warehouse.schema import EXECUTIONS, STATUSES, UNSUCCESSFUL
from warehouse.statistics import StatisticsQuery

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""

IDS = [f"e{number}" for number in range(10)]
RECORDS = st.builds(
    Record,
    id=st.sampled_from(IDS),
    status=st.sampled_from(STATUSES),
    started=st.sampled_from([None, 0, 5, 61, 1439, 1440, 3000, 4000]),
    workflow=st.sampled_from(["a", "b", "c"]),
    nodes=st.sampled_from([None, 0, 1, 3]),
    payload=st.sampled_from([None, "x", "yy"]),
    logs=st.sampled_from([(), ("one",), ("one", "two")]),
    duration_s=st.sampled_from([None, 0.0, 1.5, 100.0]),
)
UNTIL = DAY_ZERO + timedelta(days=3, minutes=1)
SINCE = DAY_ZERO - timedelta(minutes=1)
QUERIES = [
    StatisticsQuery(since=SINCE, until=UNTIL, granularity="hour"),
    StatisticsQuery("24h", until=UNTIL, statuses=("success", "failed")),
    StatisticsQuery(since=DAY_ZERO + timedelta(minutes=3), until=UNTIL, granularity="day", workflow_id="b"),
]


@contextmanager
def opened(url_of: Callable[[], AbstractContextManager[str | None]]) -> Iterator[Warehouse]:
    """An empty lake with a hot store; `url_of` None: the one in its folder."""
    with tempfile.TemporaryDirectory() as folder, url_of() as url:
        Lake.open(folder, create=True).close()
        with warehouse.open(folder, hot_url=url) as house:
            house.lake.hot(create=True)
            yield house


class TiersMachine(RuleBasedStateMachine):
    """One process reads through everything that happens to both tiers."""

    def __init__(self, url_of: Callable[[], AbstractContextManager[str | None]]) -> None:
        super().__init__()
        self.context = opened(url_of)
        self.house = self.context.__enter__()
        store = self.house.lake.hot()
        assert store is not None
        self.store: HotStore = store
        self.model = Model()
        self.now = 0
        self.pinned: list[tuple[AbstractContextManager[Warehouse], Warehouse, int]] = []

    def stamped(self, records: list[Record]) -> list[Record]:
        """Each newer than what came before it: which of two equals wins is the merge's own business."""
        first, self.now = self.now + 1, self.now + len(records)
        return [replace(record, updated=first + number) for number, record in enumerate(records)]

    @rule(records=st.lists(RECORDS, min_size=1, max_size=6))
    def write(self, records: list[Record]) -> None:
        records = self.stamped(records)
        self.store.write(self.house.lake, batch(records))
        self.model.write(records)

    @rule(records=st.lists(RECORDS, min_size=1, max_size=6))
    def load(self, records: list[Record]) -> None:
        records = self.stamped(records)
        self.house.lake.load(batch(records))
        self.model.write(records)

    @rule(ids=st.sets(st.sampled_from(IDS), max_size=3))
    def delete(self, ids: set[str]) -> None:
        assert self.store.delete(self.house.lake, ids) == len(ids & self.model.ids())
        self.model.delete(ids)

    @rule()
    def seal(self) -> None:
        self.store.seal(self.house.lake)

    @rule(steps=st.integers(1, 2))
    def die_while_sealing(self, steps: int) -> None:
        """The numbers given, or the lake written too, and nothing after it: the next sealer finds it so."""
        sealing.recover(self.store._state, self.house.lake)
        rows, _ = sealing._begin(self.store._state, self.house.lake)
        if rows and steps == 2:
            with self.store.database.read() as connection:
                seal_no = tick.look(connection).seal_no
            sealing._write(self.store._state, self.house.lake, seal_no)

    @rule()
    def compact(self) -> None:
        self.house.lake.compact()

    @rule()
    def pin(self) -> None:
        if len(self.pinned) < 2:
            context = self.house.fork(pinned=True, details=True)
            self.pinned.append((context, context.__enter__(), len(self.model.ids())))

    @invariant()
    def statistics_equal_a_recount(self) -> None:
        for query in QUERIES:
            assert_equals_recount(self.house.statistics(query), self.frame(), query)

    @invariant()
    def lists_equal_the_records(self) -> None:
        frame = self.frame().with_columns(at=pl.coalesce("started_at", "created_at"))
        for chosen in (
            ExecutionFilter(),
            ExecutionFilter(statuses=("success", "running"), since=DAY_ZERO + timedelta(minutes=5)),
            ExecutionFilter(workflow_ids=("a", "c"), until=UNTIL),
            ExecutionFilter(min_duration_s=1.0),
        ):
            wanted = (
                frame.filter(
                    pl.col("status").is_in(chosen.statuses) if chosen.statuses else pl.lit(True),
                    pl.col("workflow_id").is_in(chosen.workflow_ids) if chosen.workflow_ids else pl.lit(True),
                    pl.col("at") >= chosen.since if chosen.since else pl.lit(True),
                    pl.col("at") < chosen.until if chosen.until else pl.lit(True),
                    pl.col("duration_s") >= chosen.min_duration_s
                    if chosen.min_duration_s is not None
                    else pl.lit(True),
                )
                .sort("at", "id", descending=True)["id"]
                .to_list()
            )
            found: list[str] = []
            page = self.house.list(ListQuery(chosen, limit=3))
            while True:
                assert page.total == len(wanted)
                found += page.rows["id"].to_pylist()
                if page.next_key is None:
                    break
                page = self.house.list(ListQuery(chosen, limit=3, after=page.next_key))
            assert found == wanted

    @invariant()
    def each_is_found_whole(self) -> None:
        for id_ in IDS:
            detail = self.house.find(id_)
            if id_ not in self.model.ids():
                assert detail is None
                continue
            assert detail is not None
            assert detail.record()["updated_at"] == self.model.core(id_).execution()["updated_at"]
            givers = self.model.node_givers(id_)
            assert detail.node_runs.num_rows == (givers[0].nodes if givers else 0)
            assert set(detail.logs["message"].to_pylist()) == self.model.log_lines(id_)
            payloads = self.model.payload_givers(id_)
            assert detail.payloads["data"].to_pylist() == [f'"{giver.payload}"' for giver in payloads]

    @invariant()
    def nodes_errors_exports_and_sql_agree(self) -> None:
        ids = self.model.ids()
        inside = [record for record in map(self.model.core, ids) if SINCE <= record.placed < UNTIL]
        nodes = self.house.nodes(since=SINCE, until=UNTIL)
        runs = sum(givers[0].nodes or 0 for record in inside if (givers := self.model.node_givers(record.id)))
        assert sum(node.runs for node in nodes.nodes) == runs
        errors = self.house.errors(since=SINCE, until=UNTIL)
        assert errors.executions == sum(record.status in UNSUCCESSFUL for record in inside)
        sink = io.BytesIO()
        assert self.house.export(ExportQuery(), "ndjson", sink).rows == len(ids)
        counted = self.house.sql(
            "SELECT (SELECT count(*) FROM executions), (SELECT count(*) FROM logs), (SELECT count(*) FROM payloads)"
        ).table
        records = self.model.records
        lines = sum(len({(one.placed, line) for one in records[id_] for line in one.logs}) for id_ in ids)
        payloads = sum(bool(self.model.payload_givers(id_)) for id_ in ids)
        assert [column[0].as_py() for column in counted.columns] == [len(ids), lines, payloads]
        assert self.house.logs().collect().height == lines

    @invariant()
    def who_stands_still_sees_what_was(self) -> None:
        for _, still, count in self.pinned:
            assert still.list(ListQuery(limit=50)).total == count
            assert still.sql("SELECT count(*) FROM executions").table.column(0)[0].as_py() == count
            assert still.sql("SELECT count(*) FROM logs, node_runs, payloads").table.num_rows == 1

    def frame(self) -> pl.DataFrame:
        rows = [self.model.core(id_).execution() for id_ in self.model.ids()]
        found = pl.from_arrow(pa.Table.from_pylist(rows, EXECUTIONS))
        assert isinstance(found, pl.DataFrame)
        return found

    def teardown(self) -> None:
        for context, _, _ in self.pinned:
            context.__exit__(None, None, None)
        assert self.house.lake.verify() == []
        folder = self.house.lake.folder(".hot")
        self.context.__exit__(None, None, None)
        assert not folder.exists()


@pytest.fixture(params=["sqlite", "postgresql"])
def url_of(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[str | None]]:
    """Makes the URL of an empty database."""
    if request.param == "sqlite":
        return lambda: nullcontext(None)
    cluster = request.getfixturevalue("postgres_cluster_url")
    return lambda: postgres_database(cluster)


def test_both_tiers_always_equal_a_recount(url_of: Callable[[], AbstractContextManager[str | None]]) -> None:
    run_state_machine_as_test(
        lambda: TiersMachine(url_of),  # type: ignore[arg-type]
        settings=settings(
            max_examples=3 * SCALE,
            stateful_step_count=6,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_readers_are_right_while_others_write_and_seal(
    url_of: Callable[[], AbstractContextManager[str | None]],
) -> None:
    """Each answer lies between what was acknowledged before it was asked and what had been begun when it came."""
    with opened(url_of) as house:
        store = house.lake.hot()
        assert store is not None
        work = _Work(store, house.lake)
        threads = [threading.Thread(target=work.write), threading.Thread(target=work.seal)]
        for thread in threads:
            thread.start()
        try:
            while work.acknowledged < 30 * len(_FLEET) and not work.failed:
                _look(house, work)
        finally:
            work.over.set()
            for thread in threads:
                thread.join()
        assert not work.failed
        assert work.seals > 1
        _look(house, work)
        assert house.lake.verify() == []


_FLEET = range(40)


class _Work:
    """A writer whose round n brings 40 new running executions and finishes those of round n - 1; a sealer beside it."""

    def __init__(self, store: HotStore, lake: Lake) -> None:
        self.store, self.lake = store, lake
        self.begun = self.acknowledged = self.finished = self.finishing = self.seals = 0
        self.failed: list[BaseException] = []
        self.over = threading.Event()

    def write(self) -> None:
        rounds = 0
        while not self.over.is_set():
            running = [Record(f"r{rounds:03}-{n:02}", 2 * rounds, "running", rounds % 500 * 7 + n) for n in _FLEET]
            ended = [
                Record(f"r{rounds - 1:03}-{n:02}", 2 * rounds, "success", (rounds - 1) % 500 * 7 + n)
                for n in _FLEET
                if rounds
            ]
            self.begun += len(running)
            self.finishing += len(ended)
            self._guarded(lambda both=[*running, *ended]: self.store.write(self.lake, batch(both)))  # type: ignore[misc]
            self.acknowledged += len(running)
            self.finished += len(ended)
            rounds += 1

    def seal(self) -> None:
        while not self.over.wait(0.05):
            self._guarded(self._seal)

    def _seal(self) -> None:
        self.seals += self.store.seal(self.lake, min_rows=50).seals

    def _guarded(self, do: Callable[[], object]) -> None:
        try:
            do()
        except BaseException as error:
            self.failed.append(error)
            self.over.set()
            raise


def _look(house: Warehouse, work: _Work) -> None:
    acknowledged, finished = work.acknowledged, work.finished
    with house.fork(pinned=True) as still:
        page = still.list(ListQuery(limit=10_000))
        ids = page.rows["id"].to_pylist()
        done = still.list(ListQuery(ExecutionFilter(statuses=("success",)), limit=1)).total
        totals = still.statistics(since=SINCE, until=UNTIL).totals
    begun, finishing = work.begun, work.finishing
    assert len(ids) == len(set(ids)) == page.total == totals.executions
    assert acknowledged <= len(ids) <= begun
    assert done is not None
    assert done == totals.successes
    assert finished <= done <= finishing
    if ids:
        newest = house.find(max(ids))
        assert newest is not None
