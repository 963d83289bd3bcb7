"""Both tiers together hold exactly what one lake would: whatever is written, sealed, deleted or dies in between."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.warehouse.hot_helpers import (
    Killed,
    closed,
    dying_commit,
    in_both,
    in_hot,
    in_lake,
    killed,
    no_batch_is_left_over,
    wipe,
)
from tests.warehouse.records import Record, batch, contents
from tests.warehouse.test_lake_properties import PHASES, RECORDS, SCALE
from warehouse.delta import DeltaLog
from warehouse.hot import claimed_change, intents, lease, sealing, write
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.schema import FINISHED

IDS = st.sets(st.sampled_from(["a", "b", "c", "d", "no such"]), max_size=3)
BATCHES = st.lists(RECORDS, min_size=1, max_size=4)
SEAL_STEPS = ("begin", "write", "commit 0", "commit 1", "commit 2", "commit 3", "purge", "forget", "trim", "done")
WRITE_STEPS = ("insert", "release", "lake", "promise", "remove intent")
STEPS = st.one_of(
    st.tuples(st.just("write"), BATCHES),
    st.tuples(st.just("write"), BATCHES),
    st.tuples(st.just("load"), BATCHES),
    st.tuples(st.just("delete"), IDS),
    st.tuples(st.just("seal"), st.none()),
    st.tuples(st.just("vacuum"), st.none()),
    st.tuples(st.just("die sealing"), st.sampled_from(SEAL_STEPS)),
    st.tuples(st.just("die writing"), st.tuples(BATCHES, st.sampled_from(WRITE_STEPS))),
)


class House:
    """A lake with a hot store, and beside them a lake alone that is told the same."""

    def __init__(self, url: str, folder: str) -> None:
        self.url, self.folder = url, folder
        self.oracle = Lake.open(f"{folder}/oracle", create=True)
        Lake.open(f"{folder}/lake", create=True).close()
        self.open()

    def open(self) -> None:
        self.lake = Lake.open(f"{self.folder}/lake")
        self.store = HotStore.open(self.url)

    def reopen(self) -> None:
        closed(self.lake, self.store)
        self.open()

    def do(self, step: str, value: Any) -> None:
        if step == "write":
            counts = self.store.write(self.lake, batch(value)).counts
            assert counts == self.oracle.write(batch(value))
        elif step == "load":
            counts = self.store.bulk_write(self.lake, batch(value)).counts
            assert counts == self.oracle.write(batch(value))
        elif step == "delete":
            assert self.store.delete(self.lake, value) == self.oracle.delete(value)
        elif step == "seal":
            self.store.seal(self.lake)
            assert not set(in_hot(self.store)["executions"]["status"].to_pylist()) & set(FINISHED)
        elif step == "vacuum":
            self.store.vacuum()
        elif step == "die sealing":
            with dying(value):
                self.survive(lambda: self.store.seal(self.lake))
        else:
            records, where = value
            with dying(where):
                self.survive(lambda: self.store.bulk_write(self.lake, batch(records)))
            # Not acknowledged, so it is sent again, as any client does; then it is as if it had been sent once.
            self.store.bulk_write(self.lake, batch(records))
            self.oracle.write(batch(records))

    def survive(self, act: Callable[[], object]) -> None:
        with suppress(Killed):
            act()
        self.reopen()

    def check(self) -> None:
        # The same rows as often: an id that lived in both tiers would be there twice.
        assert contents(in_both(self.store, self.lake)) == contents(in_lake(self.oracle))
        no_batch_is_left_over(self.store)

    def close(self) -> None:
        assert self.lake.verify() == []
        closed(self.lake, self.store, self.oracle)


@contextmanager
def dying(where: str) -> Iterator[None]:
    """The process dies at this place, as far as database and lake can tell: nothing is tidied up afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        # Everything that was left behind belongs to a dead process here.
        patch.setattr(lease.Lease, "release", lambda self: None)
        if where.startswith("commit"):
            patch.setattr(DeltaLog, "commit", dying_commit(int(where[-1])))
        elif where != "done":
            module, name = {
                "begin": (sealing, "_begin"),
                "write": (sealing, "_write"),
                "purge": (sealing, "_purge"),
                "forget": (sealing, "_forget_deletions"),
                "trim": (sealing, "trim"),
                "insert": (write, "insert_batch"),
                "release": (write, "release_rows"),
                "lake": (write, "plan_write"),
                "promise": (claimed_change, "promise_events"),
                "remove intent": (claimed_change, "remove_intent"),
            }[where]
            patch.setattr(module, name, killed)
            # A dead process settles nothing.
            patch.setattr(claimed_change, "_give_up", killed)
        yield


@settings(
    max_examples=8 * SCALE,
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(steps=st.lists(STEPS, min_size=3, max_size=9))
def test_two_tiers_hold_what_one_lake_would(hot_url: str, steps: list[tuple[str, Any]]) -> None:
    wipe(hot_url)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "holder_is_gone", lambda holder: True)
        patch.setattr(intents, "holder_is_gone", lambda holder: True)
        house = House(hot_url, folder)
        for step, value in steps:
            house.do(step, value)
            if step.startswith("die"):
                house.check()
        house.check()
        house.close()


@pytest.mark.parametrize("where", SEAL_STEPS)
def test_a_seal_that_dies_anywhere_is_finished_by_the_next(hot_url: str, where: str, tmp_path: Any) -> None:
    records = [Record(f"id{n}", nodes=n % 3, payload="p", logs=("l",)) for n in range(7)] + [
        Record("open", status="running", updated=1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "holder_is_gone", lambda holder: True)
        house = House(hot_url, str(tmp_path))
        house.do("write", records[:5])
        house.do("write", records[5:])
        house.do("die sealing", where)
        house.check()
        house.do("write", [Record(f"id{n}", updated=20, nodes=1) for n in range(3)])  # waits for no dead sealer
        house.do("seal", None)
        assert in_hot(house.store)["executions"]["id"].to_pylist() == ["open"]
        house.close()


@pytest.mark.parametrize("seed", range(SCALE))
def test_every_kind_of_update_is_what_the_lake_makes_of_it(tmp_path: Path, seed: int) -> None:
    """400 executions, each with two or three random records: those told apart without SQL, and all others."""
    dice = random.Random(seed)

    def one_of(id_: str) -> Record:
        if dice.random() < 0.7:  # such as engines report: most of them are told apart without SQL
            status = dice.choice(["running", "success"])
            nodes, name = dice.choice([None, 1, 2]), dice.choice(["One", "Two", None])
            return Record(id_, updated=dice.choice([1, 2, 2, 3]), status=status, nodes=nodes, name=name)
        return Record(
            id_,
            updated=dice.choice([1, 1, 2, 3]),
            status=dice.choice(["running", "success", "failed"]),
            started=dice.choice([None, 0, 1440]),
            name=dice.choice([None, "One", "Two"]),
            nodes=dice.choice([None, None, 0, 1, 2]),
            payload=dice.choice([None, None, "x", "yy"]),
            logs=dice.choice([(), (), ("one",), ("two", "one")]),
            source=dice.choice(["runlake", "runlake", "runlake", "n8n"]),
            retry_success=dice.choice([None, None, None, "r1", "r2"]),
        )

    store = HotStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    lake, oracle = (Lake.open(tmp_path / name, create=True) for name in ("lake", "oracle"))
    ids = [f"id{number}" for number in range(400)]
    for share in (1.0, 1.0, 0.5):
        records = [one_of(id_) for id_ in ids if dice.random() < share] + [one_of(f"new{share}{n}") for n in range(20)]
        assert store.write(lake, batch(records)).counts == oracle.write(batch(records))
    both, alone = contents(in_both(store, lake)), contents(in_lake(oracle))
    for table, rows in alone.items():
        assert both[table] == rows, table
    closed(store, lake, oracle)
