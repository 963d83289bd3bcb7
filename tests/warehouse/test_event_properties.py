"""Whatever is written, deleted, decided, sealed or dies, in up to three stores: exactly the events of the model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.warehouse.event_records import EventModel, Run, Seen, by_execution, seen
from tests.warehouse.hot_helpers import Killed, closed, dying_commit, killed, wipe
from tests.warehouse.records import batch
from tests.warehouse.test_lake_properties import PHASES, SCALE
from warehouse.delta import DeltaLog
from warehouse.errors import ExecutionEndedError
from warehouse.hot import claimed_change, intents, lease, remove, write
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.schema import FINISHED, STATUSES

IDS: Final = ("a", "b", "c", "d")
RUNS = st.builds(
    Run,
    id=st.sampled_from(IDS),
    status=st.sampled_from(STATUSES),
    started=st.sampled_from([None, 0, 5, 1440]),
    name=st.sampled_from([None, "One"]),
    runs=st.one_of(st.none(), st.lists(st.sampled_from(["running", "success", "failed"]), max_size=3).map(tuple)),
    retry_of=st.sampled_from([None, None, "a", "e"]),
    message=st.sampled_from([None, 'a "b"\n']),
    trigger=st.sampled_from([None, "github"]),
)
BATCHES = st.lists(RUNS, min_size=1, max_size=4)
SOME = st.sets(st.sampled_from([*IDS, "no such"]), max_size=3)
DEATHS: Final = (
    "insert",
    "put",
    "plan",
    "promise",
    "commit 0",
    "commit 1",
    "commit 2",
    "commit 3",
    "committed",
    "settle",
)
STEPS = st.one_of(
    st.tuples(st.just("write"), BATCHES),
    st.tuples(st.just("write"), BATCHES),
    st.tuples(st.just("write"), BATCHES),
    st.tuples(st.just("again"), st.none()),
    st.tuples(st.just("old"), BATCHES),
    st.tuples(st.just("load"), BATCHES),
    st.tuples(st.just("delete"), SOME),
    st.tuples(st.just("cancel"), SOME),
    st.tuples(st.just("seal"), st.none()),
    st.tuples(st.just("die writing"), st.tuples(BATCHES, st.sampled_from(DEATHS))),
    st.tuples(st.just("die deleting"), st.tuples(SOME, st.sampled_from(DEATHS))),
)


class House:
    """Stores of several processes on one database and one lake, and the model of their log."""

    def __init__(self, url: str, folder: str, stores: int) -> None:
        Lake.open(folder, create=True).close()
        self.url, self.folder = url, folder
        self.doors = [self._door() for _ in range(stores)]
        self.model = EventModel()
        self.last: list[Run] = []
        self.known = self.updated = 0

    def _door(self) -> tuple[HotStore, Lake]:
        return HotStore.open(self.url), Lake.open(self.folder)

    def do(self, number: int, step: str, value: Any) -> None:
        at = number % len(self.doors)
        store, lake = self.doors[at]
        match step:
            case "write":
                self.write(store, lake, self.newer(value))
            case "again":  # a client repeats its request, perhaps at another process
                self.write(store, lake, self.last)
            case "old":  # late news: older than what is known
                self.updated += 1
                self.write(store, lake, [replace(one, updated=-self.updated - n) for n, one in enumerate(value)])
            case "load":
                self.load(store, lake, self.newer(value))
            case "delete":
                store.delete(lake, value)
                self.expect(self.model.delete(value))
            case "cancel":
                self.cancel(store, lake, value)
            case "seal":
                store.seal(lake)
                self.expect({})
            case "die writing":
                records, where = self.newer(value[0]), value[1]
                self.die(at, where, lambda: store.write(lake, batch(records)))
                store, lake = self.doors[number // 2 % len(self.doors)]  # the client asks again, of whoever is there
                store.write(lake, batch(records))
                self.expect(self.model.write(records))
            case "die deleting":
                ids, where = value
                self.die(at, where, lambda: store.delete(lake, ids))
                store, lake = self.doors[number // 2 % len(self.doors)]
                store.delete(lake, ids)
                self.expect(self.model.delete(ids))

    def newer(self, records: list[Run]) -> list[Run]:
        """The records, newer than all before, so that there are no ties."""
        self.last = [replace(one, updated=self.updated + number + 1) for number, one in enumerate(records)]
        self.updated += len(records)
        return self.last

    def write(self, store: HotStore, lake: Lake, records: list[Run]) -> None:
        if records:
            store.write(lake, batch(records))
        # What is known already changes nothing, in the model neither.
        known = {one for records in self.model.records.values() for one in records}
        self.expect(self.model.write([one for one in records if one not in known]))

    def load(self, store: HotStore, lake: Lake, records: list[Run]) -> None:
        live = set(store.find_all(list(IDS)))
        news = live | {one.id for one in records if one.status not in FINISHED}
        store.bulk_write(lake, batch(records))
        self.expect(self.model.write(records, silent=set(IDS) - news))

    def cancel(self, store: HotStore, lake: Lake, ids: set[str]) -> None:
        for id_ in sorted(ids & self.model.records.keys()):
            known = max(self.model.records[id_], key=lambda one: one.updated)
            records = self.newer([replace(known, status="cancelled", runs=None, message=None)])
            if known.status not in FINISHED:
                store.write(lake, batch(records), unfinished=[id_])
                self.expect(self.model.write(records))
                continue
            with pytest.raises(ExecutionEndedError):
                store.write(lake, batch(records), unfinished=[id_])
            self.last = []
            self.expect({})

    def die(self, at: int, where: str, act: Callable[[], object]) -> None:
        """This process dies at a moment of the act; another takes its place."""
        with dying(where), suppress(Killed):
            act()
        closed(*self.doors[at])
        self.doors[at] = self._door()

    def expect(self, wanted: dict[str, list[Seen]]) -> None:
        """What was written since the last look, in whichever process it is read."""
        store, _ = self.doors[self.known % len(self.doors)]
        found = seen(store.events, self.known, limit=1 + self.known % 7)
        self.known += len(found)
        assert by_execution(found) == wanted

    def close(self) -> None:
        assert len({store.events.newest() for store, _ in self.doors}) == 1
        self.expect({})
        for door in self.doors:
            closed(*door)


@contextmanager
def dying(where: str) -> Iterator[None]:
    """The process dies at this place, as far as database and lake can tell: nothing is tidied up afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease.Lease, "release", lambda self: None)
        patch.setattr(claimed_change, "_give_up", killed)
        if where.startswith("commit "):
            patch.setattr(DeltaLog, "commit", dying_commit(int(where[-1])))
        elif where == "settle":
            patch.setattr(intents, "add_events", killed)
        else:
            places = {
                "insert": [(write, "insert_batch"), (remove, "release_rows")],
                "put": [(write, "put_events"), (remove, "add_events")],
                "plan": [(write, "plan_write"), (remove, "plan_delete")],
                "promise": [(claimed_change, "promise_events")],
                "committed": [(claimed_change, "remove_intent")],
            }[where]
            for module, name in places:
                patch.setattr(module, name, killed)
        yield


@settings(
    max_examples=8 * SCALE,
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(
    stores=st.integers(1, 3),
    steps=st.lists(st.tuples(st.integers(0, 5), STEPS), min_size=4, max_size=12),
)
def test_any_history_gives_exactly_the_events_of_the_model(
    hot_url: str, stores: int, steps: list[tuple[int, tuple[str, Any]]]
) -> None:
    wipe(hot_url)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # Whatever is left behind here belongs to a process that died.
        patch.setattr(lease, "holder_is_gone", lambda holder: True)
        patch.setattr(intents, "holder_is_gone", lambda holder: True)
        house = House(hot_url, folder, stores)
        for number, (step, value) in steps:
            house.do(number, step, value)
        house.close()
