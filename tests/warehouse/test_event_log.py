"""The log itself: numbers, reading in pieces, instants, forgetting, listeners; on both databases."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from warehouse import clock
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.event_schema import EVENTS, NewEvent
from warehouse.hot.event_tables import hot_events
from warehouse.hot.metadata import to_us

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def database(hot_url: str) -> Iterator[Database]:
    opened = Database.open(hot_url)
    yield opened
    opened.close()


def append(database: Database, count: int, **data: object) -> int:
    with database.write() as connection:
        return EventLog(database).append(connection, [NewEvent("alert.firing", AT, dict(data))] * count)


def numbers(log: EventLog, after_no: int, limit: int = 10_000) -> list[int]:
    found: list[int] = log.read(after_no, limit=limit)["event_no"].to_pylist()
    return found


def test_an_empty_log(database: Database) -> None:
    log = EventLog(database)
    assert (log.newest(), log.oldest(), log.after_time(clock.now())) == (0, 1, 0)
    assert log.read(0).schema.equals(EVENTS, check_metadata=True)
    assert log.read(0).num_rows == log.forget(clock.now()) == 0
    gauges = log.gauges()
    assert (gauges.newest_no, gauges.oldest_no, gauges.oldest_at) == (0, 1, None)


def test_events_of_other_parts_come_back_as_they_were(database: Database) -> None:
    log = EventLog(database)
    text = 'a "quote", a \\, a\nline, a \x00 and é😀'
    events = [
        NewEvent("alert.firing", AT, {"rule": text, "value": 0.1, "none": None}, workflow_id=text, workflow_name="W"),
        NewEvent("webhook.disabled", AT + timedelta(microseconds=1), {}),
        NewEvent("execution.failed", AT, {"n": [1]}, "e", "wf", "Name", "failed", "webhook"),
    ]
    with database.write() as connection:
        assert log.append(connection, events) == 3
        assert log.append(connection, []) == 3
    read = log.read(0)
    assert read.schema.equals(EVENTS, check_metadata=True)
    rows = read.to_pylist()
    assert [json.loads(row.pop("data")) for row in rows] == [{"rule": text, "value": 0.1}, {}, {"n": [1]}]
    none = {"execution_id": None, "workflow_id": None, "workflow_name": None, "status": None, "mode": None}
    assert rows == [
        {"event_no": 1, "type": "alert.firing", "at": AT, **none, "workflow_id": text, "workflow_name": "W"},
        {"event_no": 2, "type": "webhook.disabled", "at": AT + timedelta(microseconds=1), **none},
        {
            "event_no": 3, "type": "execution.failed", "at": AT, "execution_id": "e", "workflow_id": "wf",
            "workflow_name": "Name", "status": "failed", "mode": "webhook",
        },
    ]  # fmt: skip


def test_what_json_cannot_say_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="JSON"):
        append(database, 1, value=float("nan"))
    assert EventLog(database).newest() == 0


def test_reading_in_pieces_of_whole_transactions(database: Database) -> None:
    for count in (1, 2, 3, 4):
        append(database, count)
    log = EventLog(database)
    assert numbers(log, 0, 1) == [1]
    assert numbers(log, 0, 2) == [1, 2, 3]
    assert numbers(log, 1, 1) == [2, 3]
    assert numbers(log, 2, 1) == [3]
    assert numbers(log, 0, 4) == [1, 2, 3, 4, 5, 6]
    assert numbers(log, 4, 100) == [5, 6, 7, 8, 9, 10]
    assert numbers(log, 10) == numbers(log, 11) == numbers(log, 10**15) == []
    for limit in range(1, 12):
        after_no, found = 0, []
        while part := numbers(log, after_no, limit):
            found += part
            after_no = part[-1]
        assert found == list(range(1, 11))
    with pytest.raises(ValueError, match="limit is 0"):
        log.read(0, limit=0)


def test_what_is_undone_leaves_no_number(database: Database) -> None:
    append(database, 2)
    log = EventLog(database)
    told: list[int] = []
    log.on_written(lambda: told.append(log.newest()))

    def append_and_fail() -> None:
        with database.write() as connection:
            assert log.append(connection, [NewEvent("alert.firing", AT)]) == 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        append_and_fail()
    assert log.newest() == 2
    assert append(database, 1) == 3
    assert numbers(log, 0) == [1, 2, 3]
    assert told == [3]


def test_an_instant_and_the_number_before_it(database: Database) -> None:
    log = EventLog(database)
    written = []
    for count in (3, 1, 5, 2, 1, 1, 7):
        before = clock.now()
        append(database, count)
        written.append((before, log.newest() - count, log.newest()))
    for before, first, last in written:
        assert log.after_time(before) == first
        with database.read() as connection:
            at = connection.execute(sa.select(hot_events.c.written_at).where(hot_events.c.last_no == last)).scalar_one()
        assert log.after_time(at) == first
        assert log.after_time(at + timedelta(microseconds=1)) == last
    assert log.after_time(clock.now() + timedelta(days=1)) == 20


def test_a_clock_that_goes_back_does_not_confuse_the_order(database: Database) -> None:
    log = EventLog(database)
    append(database, 1)
    ahead = clock.now() + timedelta(hours=1)
    with database.write() as connection:
        connection.execute(sa.update(hot_events).values(written_at=ahead))
    append(database, 1)
    with database.read() as connection:
        assert connection.execute(sa.select(hot_events.c.written_at)).scalars().all() == [ahead, ahead]
    assert log.after_time(ahead) == 0
    assert log.after_time(ahead + timedelta(microseconds=1)) == 2


def test_forgetting_takes_the_oldest_and_keeps_the_numbers(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.hot.event_log._FORGET_AT_A_TIME", 2)
    log = EventLog(database)
    for count in (1, 2, 3, 4, 5):
        append(database, count)
    middle = clock.now()
    append(database, 6)
    assert log.forget(middle) == 15
    assert (log.oldest(), log.newest()) == (16, 21)
    assert numbers(log, 0) == numbers(log, 15) == list(range(16, 22))
    assert log.read(3, limit=1)["event_no"][0].as_py() == 16
    assert log.after_time(middle - timedelta(days=1)) == 15
    assert log.forget(middle) == 0
    assert log.gauges().oldest_at is not None
    assert log.forget(clock.now() + timedelta(seconds=1)) == 6
    assert (log.oldest(), log.newest(), log.after_time(middle)) == (22, 21, 21)
    assert append(database, 1) == 22
    assert numbers(log, 0) == [22]


def test_listeners_are_told_after_the_commit_and_harm_nobody(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    log, told = EventLog(database), []

    def fail() -> None:
        raise ZeroDivisionError

    end_failing = EventLog(database).on_written(fail)
    end = log.on_written(lambda: told.append(log.newest()))
    with caplog.at_level(logging.ERROR, "runlake.events"):
        append(database, 2)
    assert told == [2]
    assert "a listener for events failed" in caplog.text
    end_failing()
    with database.write():
        pass  # no events
    assert told == [2]
    end()
    end()
    append(database, 1)
    assert told == [2]


def test_many_writers_give_dense_numbers_in_the_order_of_commits(database: Database) -> None:
    log = EventLog(database)
    seen: list[int] = []
    stop = threading.Event()

    def follow() -> None:
        last = False
        while True:
            seen.extend(numbers(log, seen[-1] if seen else 0, 3))
            if last:
                return
            last = stop.is_set() and log.newest() == (seen[-1] if seen else 0)

    def write(name: int) -> None:
        for number in range(15):
            append(database, 1 + number % 3, writer=name, number=number)

    reader = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert seen == list(range(1, 4 * 30 + 1))
    by_writer: dict[int, list[int]] = {}
    for text in log.read(0)["data"].to_pylist():
        data = json.loads(text)
        by_writer.setdefault(data["writer"], []).append(data["number"])
    assert all(found == sorted(found) for found in by_writer.values())


def test_an_instant_is_stored_exactly(database: Database) -> None:
    append(database, 1)
    with database.read() as connection:
        written_at = connection.execute(sa.select(hot_events.c.written_at)).scalar_one()
    assert abs(to_us(written_at) - to_us(clock.now())) < 60_000_000
