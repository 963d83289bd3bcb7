"""Real processes, killed and racing: no event of what was acknowledged is lost, none is there twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warehouse.event_records import EventModel, Run, Seen, by_execution, seen
from tests.warehouse.hot_helpers import closed, in_both
from tests.warehouse.records import batch
from warehouse.hot import intents
from warehouse.hot.database import Database
from warehouse.hot.event_packing import PackedEvents
from warehouse.hot.intents import settle_dead_intents
from warehouse.hot.sealer import Sealer
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.schema import FINISHED
from warehouse.tables import LakeTables

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
COLD = [Run(f"cold{number}", status="failed", runs=("failed",)) for number in range(3)]
LATER = [Run(f"cold{number}", updated=20, runs=("success", "success")) for number in range(3)]

VICTIM = textwrap.dedent(
    """
    import os, signal, sys
    from tests.warehouse import test_event_crash as crash
    from tests.warehouse.records import batch
    from warehouse.delta import DeltaLog
    from warehouse.hot import claimed_change
    from warehouse.hot.store import HotStore
    from warehouse.lake import Lake

    url, folder, where, act = sys.argv[1:]
    store, lake = HotStore.open(url), Lake.open(folder)
    place = DeltaLog if where == "commit" else claimed_change
    setattr(place, where, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    if act == "write":
        store.write(lake, batch(crash.LATER))
    else:
        store.delete(lake, [one.id for one in crash.COLD])
    """
)


def sleep_until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def act_again(store: HotStore, lake: Lake, act: str) -> dict[str, list[Seen]]:
    """The request once more, as its client would send it; the events that both together must have made."""
    model = EventModel()
    model.write(COLD)
    if act == "write":
        store.write(lake, batch(LATER))
        return model.write(LATER)
    store.delete(lake, [one.id for one in COLD])
    return model.delete([one.id for one in COLD])


@pytest.mark.parametrize("act", ["write", "delete"])
@pytest.mark.parametrize("where", ["promise_events", "commit", "remove_intent"])
def test_kill_9_before_and_after_the_lakes_commit(hot_url: str, tmp_path: Path, where: str, act: str) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    lake.write(batch(COLD))
    command = [sys.executable, "-c", VICTIM, hot_url, str(tmp_path / "lake"), where, act]
    died = subprocess.run(command, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert store.events.newest() == 0
    wanted = act_again(store, lake, act)
    found = seen(store.events)
    assert by_execution(found) == wanted
    assert len(found) == (9 if act == "write" else 3)
    act_again(store, lake, act)
    assert seen(store.events) == found
    closed(store, lake)


def test_events_of_a_dead_process_come_without_anybody_asking(hot_url: str, tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    lake.write(batch(COLD))
    command = [sys.executable, "-c", VICTIM, hot_url, str(tmp_path / "lake"), "remove_intent", "write"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    told = threading.Event()
    store.events.on_written(told.set)
    sealer = Sealer(store, lake, age_s=0.1)
    sealer.start()
    assert told.wait(60)
    sealer.stop()
    model = EventModel()
    model.write(COLD)
    assert by_execution(seen(store.events)) == model.write(LATER)
    closed(store, lake)


def test_two_who_settle_what_a_dead_process_left_make_its_events_once(
    hot_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    lake.write(batch(COLD))
    command = [sys.executable, "-c", VICTIM, hot_url, str(tmp_path / "lake"), "remove_intent", "delete"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    both, real = threading.Barrier(2), intents._events_of

    def meet(database: Database, lake: LakeTables, intent_id: str) -> PackedEvents:
        found = real(database, lake, intent_id)
        both.wait(60)
        return found

    monkeypatch.setattr(intents, "_events_of", meet)
    lakes = [lake, Lake.open(tmp_path / "lake")]
    settlers = [threading.Thread(target=settle_dead_intents, args=(store.database, one)) for one in lakes]
    for settler in settlers:
        settler.start()
    for settler in settlers:
        settler.join()
    assert not both.broken
    assert [one["execution_id"] for one in seen(store.events)] == [one.id for one in COLD]
    closed(store, *lakes)


def test_a_failure_after_the_commit_is_settled_by_whoever_comes_next(
    hot_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    lake.write(batch(COLD))

    def fail(*_: object, **__: object) -> None:
        raise OSError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr("warehouse.hot.claimed_change.remove_intent", fail)
        with pytest.raises(OSError, match="no answer"):
            store.write(lake, batch(LATER))
    assert store.events.newest() == 0
    wanted = act_again(store, lake, "write")
    assert by_execution(seen(store.events)) == wanted
    closed(store, lake)


def test_the_sealer_forgets_what_is_old_enough(hot_url: str, tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    store.write(lake, batch([Run("a", status="running")]))
    kept, forgetting = Sealer(store, lake, age_s=0.05), Sealer(store, lake, age_s=0.05, event_hours=1e-9)
    kept.start()
    sleep_until(lambda: kept._forget_at_s > 0)
    kept.stop()
    assert (store.events.oldest(), store.events.newest()) == (1, 1)
    forgetting.start()
    sleep_until(lambda: store.events.oldest() == 2)
    forgetting.stop()
    assert kept.last_error is forgetting.last_error is None
    assert store.events.newest() == 1
    assert store.rows(lake, ["a"]).num_rows == 1
    closed(store, lake)


def test_the_same_request_at_many_places_at_once_makes_its_events_once(hot_url: str, tmp_path: Path) -> None:
    doors = [(HotStore.open(hot_url), Lake.open(tmp_path / "lake", create=True)) for _ in range(3)]
    doors[0][1].write(batch(COLD))
    records = [*LATER, Run("new", status="running", runs=("success", "running")), Run("retry", retry_of="cold0")]
    model = EventModel()
    model.write(COLD)
    failures: list[BaseException] = []

    def act(number: int, delete: bool) -> None:
        store, lake = doors[number % 3]
        try:
            if delete:
                store.delete(lake, [one.id for one in records])
            else:
                store.write(lake, batch(records))
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    known = 0
    for delete in (False, True):
        threads = [threading.Thread(target=act, args=(number, delete)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        found = seen(doors[1][0].events, known)
        wanted = model.delete([one.id for one in records]) if delete else model.write(records)
        assert by_execution(found) == wanted
        known += len(found)
    for door in doors:
        closed(*door)


WORKER = textwrap.dedent(
    """
    import random, sys
    from tests.warehouse.event_records import Run
    from tests.warehouse.records import batch
    from warehouse.hot.store import HotStore
    from warehouse.lake import Lake

    url, folder, name = sys.argv[1:]
    store, lake = HotStore.open(url), Lake.open(folder)
    dice = random.Random(name)
    for number in range(10_000):
        mine = [Run(f"{name}-{number}", updated=1, status="running", runs=("success", "running"))]
        mine.append(Run(f"{name}-{max(number - 2, 0)}", updated=2, runs=("success", "success")))
        mine.append(Run(f"{name}-{max(number - 4, 0)}", updated=3, status="failed", runs=("success", "success")))
        mine.append(Run(f"shared{dice.randrange(4)}", updated=100 + number, status=dice.choice(["running", "failed"])))
        store.write(lake, batch(mine))
        if number % 3 == 0:
            store.seal(lake)
        if number % 5 == 4:
            store.delete(lake, [f"{name}-{number - 4}"])
        print(number, flush=True)
    """
)


def test_after_any_kill_9_the_log_tells_how_everything_came_to_be(hot_url: str, tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    dice = random.Random(3)
    for round_ in range(2 * SCALE):
        command = [sys.executable, "-c", WORKER, hot_url, str(tmp_path / "lake")]
        workers = [subprocess.Popen([*command, f"r{round_}w{n}"], stdout=subprocess.PIPE) for n in range(2)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline()
        time.sleep(dice.uniform(0.5, 1.5))
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.communicate()
        sleep_until(lambda: store.seal(lake).rows == 0)
        consistent(store, lake)
    closed(store, lake)


def consistent(store: HotStore, lake: Lake) -> None:
    """The events, one after the other, lead to what is stored, and no transition is told twice."""
    became: dict[str, str] = {}
    ended: dict[str, set[str]] = {}
    for event in seen(store.events):
        id_ = event["execution_id"]
        if event["type"] == "execution.deleted":
            assert became.pop(id_) == event["status"]
            ended.pop(id_, None)
        elif event["type"] == "node.completed":
            assert event["data"]["nodeId"] not in ended.setdefault(id_, set())
            ended[id_].add(event["data"]["nodeId"])
        else:
            assert became.get(id_) != event["status"], f"{id_} became {event['status']} twice"
            became[id_] = event["status"]
    tables = in_both(store, lake)
    rows = zip(*(tables["executions"][name].to_pylist() for name in ("id", "status")), strict=True)
    assert became == dict(rows)
    runs = tables["node_runs"].to_pylist()
    finished = {(run["execution_id"], run["node_id"]) for run in runs if run["status"] in FINISHED}
    assert {(id_, node) for id_, nodes in ended.items() for node in nodes} == finished
