"""Sealing: what is taken when, one sealer at a time, whose clock, and the sealer of a serving process."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.warehouse.hot_helpers import (
    FULL,
    OPEN,
    Tiers,
    ids_of,
    in_both,
    in_lake,
    no_batch_is_left_over,
)
from tests.warehouse.records import Record, batch
from warehouse import merge
from warehouse.errors import HotStoreBusyError
from warehouse.hot import lease, sealing
from warehouse.hot.database import Database
from warehouse.hot.lease import Lease
from warehouse.hot.sealer import Sealer
from warehouse.hot.sealing import SealReport
from warehouse.hot.tables import hot_batches
from warehouse.schema import Batch


def test_sealing_takes_what_is_finished_when_there_is_enough(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lake = tiers
    assert store.seal(lake).seals == 0
    store.write(lake, batch([Record(f"id{n}") for n in range(5)] + [OPEN]))
    assert store.seal(lake, min_rows=6).rows == 0
    assert store.seal(lake, min_rows=6, min_age_s=3600).rows == 0
    assert store.seal(lake, min_rows=6, min_age_s=0).rows == 5
    gauges = store.gauges()
    assert (gauges.rows, gauges.unfinished, gauges.oldest_unsealed_at) == (1, 1, None)
    assert lake.snapshot().marker(store.seal_marker) == gauges.seal_no == gauges.purged_seal_no == 1
    monkeypatch.setattr(sealing, "ROWS_MAX", 4)
    for start in range(0, 9, 3):
        store.write(lake, batch([Record(f"more{start + n}") for n in range(3)]))
    report = store.seal(lake)
    assert (report.seals, report.rows) == (3, 9)
    no_batch_is_left_over(store)


def test_an_unfinished_record_does_not_hold_its_batch(tiers: Tiers) -> None:
    store, lake = tiers
    store.write(lake, batch([Record(f"id{n}", payload="p" * 100) for n in range(50)] + [OPEN]))
    before = store.gauges().batch_bytes
    store.seal(lake)
    assert store.gauges().batches == 1
    assert store.gauges().batch_bytes < before
    found = store.find("open")
    assert found is not None
    assert found.record() == OPEN.execution()


def test_one_sealer_at_a_time(tiers: Tiers) -> None:
    store, lake = tiers
    store.write(lake, batch([FULL]))
    other = Lease(store.database, "sealer")
    assert other.acquire()
    assert store.seal(lake).rows == 0
    other.release()
    assert store.seal(lake).rows == 1


def test_a_store_of_a_backup_never_uses_a_number_twice(tiers: Tiers) -> None:
    store, lake = tiers
    for number in range(3):
        store.write(lake, batch([Record(f"id{number}")]))
        store.seal(lake)
    with store.database.write() as connection:  # as it was before the last two seals, the records forgotten
        connection.execute(sa.text("UPDATE hot_clock SET seal_no = 1, purged_seal_no = 1"))
    store.write(lake, batch([Record("after")]))
    assert store.seal(lake).rows == 1
    assert store.gauges().seal_no == 4
    assert ids_of(in_both(store, lake)) == ["after", "id0", "id1", "id2"]


def test_a_sealer_that_slept_does_not_bring_back_what_was_deleted(
    tiers: Tiers, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, lake = tiers
    store.write(lake, batch([FULL, Record("kept")]))
    real = merge.joined
    slept = False

    def sleep(parts: list[Batch]) -> Batch:
        nonlocal slept
        if not slept:
            slept = True
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(lease, "holder_is_gone", lambda holder: True)
                assert store.seal(lake).rows == 2
            assert store.delete(lake, ["full"]) == 1
        return real(parts)

    monkeypatch.setattr(sealing, "joined", sleep)
    store.seal(lake)
    assert slept
    assert ids_of(in_both(store, lake)) == ["kept"]
    assert lake.snapshot().marker(store.seal_marker) == 1


def test_a_sealer_seals_in_the_background(tiers: Tiers) -> None:
    store, lake = tiers
    reports: list[SealReport] = []
    sealer = Sealer(store, lake, rows=3, age_s=3600, on_seal=reports.append)
    sealer.start()
    _until(lambda: sealer.alive)
    store.write(lake, batch([Record(f"id{n}") for n in range(3)]))
    _until(lambda: bool(reports))
    assert [report.rows for report in reports] == [3]
    store.write(lake, batch([FULL]))
    sealer.stop(drain=True)
    _until(lambda: not sealer.alive)
    assert sealer.rows_sealed == 4
    assert store.gauges().rows == 0
    aged = Sealer(store, lake, rows=1000, age_s=0.05)
    aged.start()
    store.write(lake, batch([Record("aged")]))
    _until(lambda: store.gauges().rows == 0)
    aged.stop()


def test_a_sealer_that_cannot_seal_says_so_and_goes_on(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lake = tiers
    failing = True
    real = sealing._write

    def sometimes(*args: object) -> None:
        if failing:
            raise HotStoreBusyError("the lake cannot be written to")
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "_write", sometimes)
    sealer = Sealer(store, lake, rows=1, age_s=0.05)
    sealer.start()
    store.write(lake, batch([FULL]))
    _until(lambda: sealer.failures > 1)
    assert "cannot be written" in str(sealer.last_error)
    _until(lambda: not sealer.alive)
    failing = False
    _until(lambda: sealer.alive and not store.gauges().rows)
    sealer.stop()
    assert ids_of(in_lake(lake)) == ["full"]


def test_ages_are_by_the_databases_clock(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lake = tiers
    now = datetime(2026, 3, 1, tzinfo=UTC)
    monkeypatch.setattr(Database, "now", lambda self, connection: now)
    store.write(lake, batch([FULL]))
    assert store.gauges().oldest_unsealed_at == now
    now += timedelta(seconds=59)
    assert store.seal(lake, min_rows=9, min_age_s=60).rows == 0
    now += timedelta(seconds=1)
    assert store.seal(lake, min_rows=9, min_age_s=60).rows == 1
    with store.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(hot_batches)).scalar_one() == 0


def _until(true: object, timeout_s: float = 30.0) -> None:
    assert callable(true)
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, "it did not happen"
        time.sleep(0.01)
