"""The thread that the parts of a server share: calls, failures, ends."""

from __future__ import annotations

import logging
import threading

import pytest

from api.background import Background
from tests.api.webhooks.receivers import wait_for
from warehouse.errors import LakeBusyError


def test_it_calls_until_it_is_stopped() -> None:
    calls: list[str] = []
    worker = Background("ticking", lambda: calls.append(threading.current_thread().name), 0.01, failing="no")
    worker.start()
    wait_for(lambda: len(calls) >= 3)
    worker.stop()
    assert worker.stopping
    assert set(calls) == {"ticking"}
    assert not any(thread.name == "ticking" for thread in threading.enumerate())
    worker.stop()  # twice is once


def test_it_waits_first_unless_it_is_told_not_to_and_can_be_poked() -> None:
    calls: list[int] = []
    patient = Background("patient", lambda: calls.append(1), 3600, failing="no")
    patient.start()
    assert calls == []
    patient.poke()
    wait_for(lambda: calls == [1])
    patient.stop()
    eager = Background("eager", lambda: calls.append(2), 3600, failing="no", at_once=True)
    eager.start()
    wait_for(lambda: calls == [1, 2])
    eager.stop()


def test_a_row_of_failures_is_logged_once_and_is_not_the_end(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([LakeBusyError("busy"), LakeBusyError("busy"), None, ValueError("a fault")])
    done: list[object] = []

    def look() -> None:
        outcome = next(outcomes, None)
        done.append(outcome)
        if outcome is not None:
            raise outcome

    worker = Background("failing", look, 0.005, failing="nothing is done", log=logging.getLogger("runlake.test"))
    worker.start()
    wait_for(lambda: len(done) >= 6)
    worker.stop()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["nothing is done: busy", "nothing is done: a fault"]
    assert [record.exc_info is not None for record in caplog.records] == [False, True]  # ours are told in a line


def test_the_end_comes_after_the_call_that_is_under_way() -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        began.set()
        go_on.wait(30)
        ended.set()

    worker = Background("long", look, 3600, failing="no", at_once=True)
    worker.start()
    assert began.wait(30)
    threading.Timer(0.05, go_on.set).start()
    worker.stop()
    assert ended.is_set()
