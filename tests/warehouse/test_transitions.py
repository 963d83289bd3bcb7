"""Every transition gives its one event, wherever the record lives; what is no transition gives none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.event_records import EventModel, Run, Seen, by_execution, seen
from tests.warehouse.hot_helpers import closed
from tests.warehouse.records import at, batch
from warehouse.errors import ExecutionEndedError
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.schema import FINISHED, STATUSES


class Home:
    """A store, its lake, and the model; `known`: up to which event was looked at."""

    def __init__(self, url: str, folder: Path) -> None:
        self.lake = Lake.open(folder / "lake", create=True)
        self.store = HotStore.open(url)
        self.model = EventModel()
        self.known = 0

    def new(self) -> list[Seen]:
        found = seen(self.store.events, self.known)
        self.known += len(found)
        return found

    def write(self, *records: Run) -> list[Seen]:
        """Write, compare with the model, give the events."""
        self.store.write(self.lake, batch(records))
        found = self.new()
        assert by_execution(found) == self.model.write(records)
        return found

    def into_lake(self, *records: Run) -> None:
        """Records the lake has had for long, as another release wrote them."""
        self.lake.write(batch(records))
        self.model.write(records)


@pytest.fixture
def home(hot_url: str, tmp_path: Path) -> Iterator[Home]:
    made = Home(hot_url, tmp_path)
    yield made
    closed(made.lake, made.store)


def types(events: list[Seen]) -> list[str]:
    return [one["type"].removeprefix("execution.") for one in events]


EVENT_OF = {
    "queued": "queued",
    "running": "started",
    "success": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "timeout": "timeout",
}


@pytest.mark.parametrize("where", ["hot", "lake"])
def test_from_every_status_to_every_other(home: Home, where: str) -> None:
    pairs = [(before, after) for before in STATUSES for after in STATUSES]
    first = [Run(f"{before}-{after}", updated=1, status=before) for before, after in pairs]
    if where == "hot":
        assert types(home.write(*first)) == [EVENT_OF[before] for before, _ in pairs]
    else:
        home.into_lake(*first)
    events = home.write(*(Run(f"{before}-{after}", updated=2, status=after) for before, after in pairs))
    assert sorted(one["execution_id"] for one in events) == sorted(f"{a}-{b}" for a, b in pairs if a != b)


def test_the_data_of_each_kind(home: Home) -> None:
    queued = Run("e", updated=1, status="queued", started=None, trigger="github")
    running = replace(queued, updated=2, status="running", started=0)
    failed = Run("e", updated=3, status="failed", runs=("success", "failed"), message="Failed to connect")
    events = (
        home.write(queued) + home.write(running) + home.write(failed) + home.write(replace(failed, id="n", runs=()))
    )
    assert types(events) == ["queued", "started", "node.completed", "node.completed", "failed", "failed"]
    assert [one["data"] for one in events[:3]] == [
        {"mode": "webhook", "trigger": "github"},
        {"mode": "webhook", "trigger": "github"},
        {"nodeId": "n0", "status": "success", "duration": 0.5},
    ]
    error = {"type": "Error", "message": "Failed to connect", "nodeId": "n0"}
    assert events[4]["data"] == {"status": "failed", "duration": 1.5, "nodeCount": 2, "error": error}
    assert (events[1]["at"], events[3]["at"]) == (at(0), at(3))


def test_nodes_are_told_once_as_they_end(home: Home) -> None:
    home.write(Run("e", updated=1, status="running", runs=("success", "running")))
    assert types(home.write(Run("e", updated=2, status="running", runs=("success", "running", "queued")))) == []
    assert types(home.write(Run("e", updated=3, status="running", runs=("success", "failed", "running")))) == [
        "node.completed"
    ]
    ended = Run("e", updated=4, runs=("success", "success", "success"))
    assert types(home.write(ended)) == ["node.completed", "node.completed", "completed"]
    assert types(home.write(ended)) == []
    assert types(home.write(Run("e", updated=5))) == []  # without node data: nothing is said about nodes
    assert types(home.write(Run("e", updated=6, runs=("success",)))) == []


def test_a_retry_is_told_of_the_execution_that_it_repeats(home: Home) -> None:
    home.write(Run("first", status="failed", updated=1))
    queued = Run("second", updated=2, status="queued", retry_of="first")
    events = home.write(queued)
    assert types(events) == ["retried", "queued"]
    assert [one["execution_id"] for one in events] == ["first", "second"]
    assert [one["data"] for one in events] == [
        {"retryExecutionId": "second", "retryCount": 1},
        {"mode": "webhook", "retryOf": "first"},
    ]
    assert types(home.write(replace(queued, updated=3, status="running"))) == ["started"]
    assert types(home.write(replace(queued, updated=4, status="failed"))) == ["failed"]
    assert types(home.write(Run("third", updated=5, retry_of="first"))) == ["retried", "completed"]


def test_deletions_are_told_once_in_either_tier(home: Home) -> None:
    home.into_lake(Run("cold", status="failed"))
    home.write(Run("hot", status="running", runs=("success",)), Run("other", updated=2))
    ids = ["cold", "hot", "no such"]
    assert home.store.delete(home.lake, ids) == 2
    events = home.new()
    assert by_execution(events) == home.model.delete(ids)
    assert {one["execution_id"]: one["status"] for one in events} == {"hot": "running", "cold": "failed"}
    assert home.store.delete(home.lake, ids) == 0
    assert home.new() == []
    # An id that comes again begins anew.
    assert types(home.write(Run("cold", status="running"), Run("hot", runs=("success",)))) == [
        "started",
        "node.completed",
        "completed",
    ]


def test_what_changes_no_status_is_no_event(home: Home) -> None:
    record = Run("e", updated=5, status="running")
    home.write(record)
    assert home.write(record) == home.write(replace(record, updated=1, status="queued")) == []
    assert home.write(replace(record, updated=6, name="Another", payload="p", logs=("line",))) == []


def test_a_decision_that_comes_too_late_makes_no_event(home: Home) -> None:
    home.into_lake(Run("cold"))
    home.write(Run("hot"))
    for id_ in ("cold", "hot"):
        cancelled = batch([Run(id_, updated=99, status="cancelled")])
        with pytest.raises(ExecutionEndedError):
            home.store.write(home.lake, cancelled, unfinished=[id_])
    assert home.new() == []
    home.write(Run("open", status="running"))
    home.store.write(home.lake, batch([Run("open", updated=99, status="cancelled")]), unfinished=["open"])
    assert types(home.new()) == ["cancelled"]


def test_sealing_makes_no_events_and_the_lake_goes_on_from_there(home: Home) -> None:
    home.write(Run("e", status="failed", runs=("success", "failed")), Run("open", status="running"))
    assert home.store.seal(home.lake).rows == 1
    assert home.new() == []
    assert types(home.write(Run("e", updated=20, runs=("success", "success")))) == ["node.completed", "completed"]


def test_a_load_of_history_is_no_news(home: Home) -> None:
    home.write(Run("open", status="running"))
    loaded = [Run("old"), Run("open", updated=20), Run("new", status="running")]
    home.store.bulk_write(home.lake, batch(loaded))
    assert by_execution(home.new()) == home.model.write(loaded, silent=["old"])
    assert types(home.write(Run("old", updated=20, status="failed"))) == ["failed"]


def test_any_text_is_valid_json(home: Home) -> None:
    text = "".join(map(chr, range(128))) + 'é😀\u2028\\\\"\\n'
    failed = Run(text, status="failed", message=text, name=text, workflow=text, trigger=text, runs=("failed",))
    events = home.write(replace(failed, updated=1, status="running"), Run("e", retry_of=text))
    events += home.write(failed)
    assert {one["data"]["trigger"] for one in events if one["type"] == "execution.started"} == {text}
    long = Run("long", status="timeout", message="ä" * 2000, started=None)
    assert home.write(long)[0]["data"]["error"]["message"] == "ä" * 1000


def test_numbers_that_json_cannot_say_are_left_out(home: Home) -> None:
    odd = [
        Run(f"e{number}", duration_s=value) for number, value in enumerate([float("nan"), float("inf"), 1e300, 1e-9])
    ]
    home.store.write(home.lake, batch(odd))
    events = home.new()
    assert [one["data"].get("duration") for one in events] == [None, None, 1e300, 1e-9]


def test_events_are_those_of_the_batch_in_its_order(home: Home) -> None:
    records = [
        Run(f"e{number:03}", status=STATUSES[number % 6], runs=("success",) * (number % 3)) for number in range(60)
    ]
    events = home.write(*reversed(records))
    assert list(dict.fromkeys(one["execution_id"] for one in events)) == [one.id for one in reversed(records)]
    for number, record in enumerate(records):
        mine = [one["type"] for one in events if one["execution_id"] == record.id]
        nodes = ["node.completed"] * (number % 3)
        own = f"execution.{EVENT_OF[record.status]}"
        assert mine == ([*nodes, own] if record.status in FINISHED else [own, *nodes])


def test_the_log_is_read_as_json_text(home: Home) -> None:
    home.write(Run("e", runs=("success",)))
    data: list[Any] = home.store.events.read(0)["data"].to_pylist()
    assert data == [
        '{"nodeId":"n0","status":"success","duration":0.5}',
        '{"status":"success","duration":1.5,"nodeCount":1}',
    ]
    assert all(json.loads(one) for one in data)
