"""Several processes that look at alerts, killed at any moment: each change is told exactly once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.alerts.evaluate import evaluate
from api.alerts.numbers import Numbers
from tests.api.alerts.rules import Scene, at, rule, scene_in
from tests.warehouse.event_records import Run
from tests.warehouse.records import batch
from warehouse.clock import now
from warehouse.hot.alert_record import LEASE_NAME, Outcome, record_outcome
from warehouse.hot.alert_state import Alert
from warehouse.hot.alerts import add_alert, change_alert, find_alert, history, list_alerts, remove_alert
from warehouse.hot.lease import Lease, holder_name
from warehouse.hot.store import HotStore
from warehouse.lake import Lake

HOLDER = holder_name()
"""The same for all examples."""
SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))


@pytest.fixture
def scene(hot_url: str, tmp_path: Path) -> Iterator[Scene]:
    with scene_in(tmp_path, hot_url) as scene:
        yield scene


def changes(scene: Scene) -> list[str]:
    return [event.type.removeprefix("alert.") for event in scene.alert_events()]


def agree(scene: Scene, alert_id: str) -> list[str]:
    """The events alternate, and say the same as the history; they."""
    told = changes(scene)
    assert told == (["firing", "resolved"] * len(told))[: len(told)]
    firings, total = history(scene.database, alert_id, 1000)
    assert total == told.count("firing")
    assert sum(one.resolved_at is not None for one in firings) == told.count("resolved")
    alert = find_alert(scene.database, alert_id)
    assert alert is not None
    assert alert.state.firing == (len(told) % 2 == 1)
    return told


def act(scene: Scene, lease: Lease, alert: Alert, value: float, second: float) -> bool:
    """What a process does that has read this alert: whether it changed it."""
    done = evaluate(alert.rule, Numbers(None, at(second), value, 0, 9, ()), alert.state, at(second))
    outcome = Outcome(done.state, done.change, at(second), {"numbers": {"value": value}, "url": "/"})
    return record_outcome(lease, scene.log, alert, outcome) and done.change is not None


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 200), st.sampled_from([0.0, 5.0])), max_size=25
    ),
    st.sampled_from([0, 300]),
)
@settings(max_examples=25 * SCALE, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_processes_read_and_write_nothing_is_told_twice(
    scene: Scene, steps: list[tuple[int, bool, int, float]], cooldown_s: int
) -> None:
    for old in list_alerts(scene.database):
        remove_alert(scene.database, old.alert_id)
    before = len(changes(scene))
    made = add_alert(scene.database, rule(resolve_threshold=0.0, cooldown_s=cooldown_s))
    lease = Lease(scene.database, LEASE_NAME, holder=HOLDER)
    assert lease.acquire()
    read: dict[int, Alert] = {}
    second, fired = 0, list[int]()
    for process, reads, step, value in steps:
        second += step
        if reads or process not in read:  # else it acts upon what it read before others wrote
            found = find_alert(scene.database, made.alert_id)
            assert found is not None
            read[process] = found
        if act(scene, lease, read[process], value, second) and value:
            fired.append(second)
    told = changes(scene)[before:]
    assert told == (["firing", "resolved"] * len(told))[: len(told)]
    assert told.count("firing") == len(fired)
    assert all(after - one >= cooldown_s for one, after in pairwise(fired))


def test_one_process_looks_and_the_next_goes_on_where_it_ended(scene: Scene) -> None:
    made = add_alert(scene.database, rule("silence"))
    with scene.evaluator() as first, scene.evaluator() as second:
        assert first.look_at_all(at(0)) == 1
        assert second.look_at_all(at(30)) is None
        first._lease.release()
        assert second.look_at_all(at(60)) == 0
        assert first.look_at_all(at(90)) is None
    assert agree(scene, made.alert_id) == ["firing"]


def test_nothing_is_recorded_without_the_lease_or_over_a_change_of_the_rule(scene: Scene) -> None:
    made = add_alert(scene.database, rule())
    lease, other = Lease(scene.database, LEASE_NAME), Lease(scene.database, LEASE_NAME)
    assert other.acquire()
    assert not act(scene, lease, made, 5.0, 0)
    other.release()
    assert lease.acquire()
    assert change_alert(scene.database, made, rule(threshold=9.0)) is not None
    assert change_alert(scene.database, made, rule(threshold=8.0)) is None
    assert not act(scene, lease, made, 5.0, 0)
    assert changes(scene) == []


def test_a_look_that_fails_is_remembered_and_the_others_go_on(scene: Scene) -> None:
    add_alert(scene.database, rule("silence", name="b"))
    broken = add_alert(scene.database, rule("memory", name="a"))
    with scene.evaluator() as evaluator:
        original = evaluator._look_at

        def look_at(house: Any, alert: Alert, instant: Any) -> bool:
            return original(None if alert.alert_id == broken.alert_id else house, alert, instant)  # type: ignore[arg-type]

        evaluator._look_at = look_at  # type: ignore[assignment,method-assign]
        assert evaluator.look_at_all(at(0)) == 1
        found = find_alert(scene.database, broken.alert_id)
        assert found is not None
        assert found.failure == "it could not be looked at (AttributeError); the log says why"
        evaluator._look_at = original  # type: ignore[method-assign]
        assert evaluator.look_at_all(at(30)) == 0
    found = find_alert(scene.database, broken.alert_id)
    assert found is not None
    assert found.failure is None


def test_processes_that_are_killed_tell_each_change_once(scene: Scene) -> None:
    made = add_alert(scene.database, rule("queueLength", threshold=1.0, window_s=60, emails=("ops@example.org",)))
    store, lake = HotStore.open(scene.hot_url), Lake.open(scene.folder / "lake")
    chance = random.Random(7)
    began = now().isoformat()
    program = [sys.executable, "-W", "error", "-m", "tests.api.alerts.worker"]
    command = [*program, str(scene.folder / "lake"), scene.hot_url, began]
    with ExitStack() as stack:
        stack.callback(lake.close)
        stack.callback(store.close)
        workers: list[subprocess.Popen[str]] = []

        def start() -> None:
            worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            stack.callback(end, worker)
            workers.append(worker)

        for _ in range(3):
            start()
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for round_no in range(4 * SCALE):
            queued = round_no % 2 == 0
            store.write(lake, batch([Run("q", status="queued" if queued else "success", updated=round_no + 1)]))
            time.sleep(chance.random())
            victim = workers.pop(0)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            start()
            wait_until(scene, made.alert_id, firing=queued)
    told = agree(scene, made.alert_id)
    assert len(told) == 4 * SCALE
    for firing in history(scene.database, made.alert_id, 1000)[0]:
        assert [mail.change for mail in firing.mails] == ["firing", "resolved"]
    for event in scene.alert_events():
        data = json.loads(event.json or b"")["data"]
        assert (data["alertId"], data["numbers"]["threshold"]) == (made.alert_id, 1)


def end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


def wait_until(scene: Scene, alert_id: str, *, firing: bool) -> None:
    deadline_s = time.monotonic() + 60
    while True:
        alert = find_alert(scene.database, alert_id)
        assert alert is not None
        if alert.state.firing == firing:
            return
        assert time.monotonic() < deadline_s, f"not {'firing' if firing else 'resolved'} in time"
        time.sleep(0.05)
