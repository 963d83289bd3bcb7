"""Several processes that work schedules off, killed at bad moments: every target gets every report, as good as once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.api.alerts.test_mail import Box, mail_server
from tests.api.schedules.scenes import Scene, later, rule, scene_in
from tests.api.webhooks.receivers import receiving, wait_for
from warehouse.hot.schedules import pause_schedule

WITHIN_S = 120
SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))


@pytest.fixture
def scene(hot_url: str, tmp_path: Path) -> Iterator[Scene]:
    with scene_in(tmp_path, hot_url) as scene:
        yield scene


def worker(scene: Scene, mail_port: int, at: datetime, *end: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-W", "error", "-m", "tests.api.schedules.worker"]
    given = [scene.lake, scene.hot_url, str(scene.folder / "archive"), str(mail_port), at.isoformat(), *end]
    process = subprocess.Popen([*program, *given], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def until_it_dies(process: subprocess.Popen[str]) -> None:
    assert process.wait(WITHIN_S) == -9
    assert process.stdout is not None
    process.stdout.close()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    until_it_dies(process)


@pytest.mark.parametrize("end", ["made", "archive", "mail", "webhook"])
def test_a_run_that_dies_is_taken_up_again_and_who_has_it_does_not_get_it_twice(scene: Scene, end: str) -> None:
    box = Box()
    with receiving() as hook, mail_server(box) as port:
        schedule = scene.add(rule("daily", "archive", "mailto:a@example.org,b@example.org", f"webhook:{hook.url}"))
        until_it_dies(worker(scene, port, later(minutes=1), end))
        (run,) = scene.runs(schedule)
        assert run.state == "delivering"
        with scene.runner(port) as runner:
            done = runner.pass_over(later(minutes=1, seconds=2))
        assert done is not None
        assert (done.begun, done.made, done.failed) == (0, 0, 0)
        bodies = {request.id: request.body for request in hook.requests}
    (after,) = scene.runs(schedule)
    assert (after.run_id, after.report, after.state) == (run.run_id, run.report, "delivered")
    assert [one.name for one in scene.archive.list(9)] == [run.report]
    assert len(bodies) == 1
    # Only the target that had it when nobody could write that down any more got it again, and can tell.
    mails = Counter(str(letter["Message-ID"]) for letter in box.taken)
    assert len(mails) == 2
    assert sorted(mails.values()) == ([1, 2] if end == "mail" else [1, 1])
    assert len(hook.requests) == (2 if end == "webhook" else 1)
    assert scene.told() == ["delivered"] * 4


def test_processes_that_are_killed_at_any_moment_leave_nothing_undone(scene: Scene) -> None:
    chance = random.Random(5)
    box = Box()
    with receiving() as hook, mail_server(box) as port:
        schedules = [
            scene.add(rule(name, "archive", "mailto:a@example.org", f"webhook:{hook.url}")) for name in ("a", "b", "c")
        ]
        at = later(minutes=1)
        for _ in range(2 * SCALE):
            workers = [worker(scene, port, at) for _ in range(2)]
            time.sleep(chance.uniform(0, 1.5))
            for one in workers:
                kill(one)
        for schedule in schedules:
            pause_schedule(scene.database, schedule, paused=True, next_at=None)
        last = worker(scene, port, at)
        try:
            wait_for(
                lambda: all(run.settled_at for one in schedules for run in scene.runs(one)) and bool(scene.events()),
                WITHIN_S,
            )
        finally:
            kill(last)
        ids = Counter(request.id for request in hook.requests)
    runs = [run for schedule in schedules for run in scene.runs(schedule)]
    assert {run.state for run in runs} == {"delivered"}
    assert len(runs) >= 3
    assert len({(run.schedule_id, run.at) for run in runs}) == len(runs)
    assert {one.name for one in scene.archive.list(1000)} == {run.report for run in runs}
    assert set(ids) == {one.delivery_id for run in runs for one in run.deliveries if one.target.kind == "webhook"}
    assert scene.told() == ["delivered"] * 3 * len(runs)
