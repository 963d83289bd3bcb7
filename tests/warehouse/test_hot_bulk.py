"""Bulk loads into both tiers, a lake that gets its store, and a disk that is full."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warehouse.hot_helpers import (
    FULL,
    OPEN,
    Tiers,
    all_of,
    closed,
    ids_of,
    in_both,
    in_hot,
    in_lake,
)
from tests.warehouse.records import Record, batch
from warehouse.errors import BadInputError, HotStoreFullError
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.merge import WriteCounts
from warehouse.settings import LakeSettings


def test_bulk_loads_go_where_they_belong(tiers: Tiers) -> None:
    store, lake = tiers
    store.write(lake, batch([OPEN, Record("hot")]))
    loaded = [Record("open", updated=5), Record("cold"), Record("later", status="queued"), Record("later", updated=99)]
    assert store.bulk_write(lake, batch(loaded)).counts == WriteCounts(2, 1, 1)
    assert ids_of(in_lake(lake)) == ["cold"]
    assert ids_of(in_hot(store)) == ["hot", "later", "open"]
    assert store.bulk_write(lake, batch(loaded)).counts == WriteCounts(0, 0, 4)


def test_a_large_bulk_load_is_cut_into_transactions(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse.hot import bulk, pointers

    monkeypatch.setattr(bulk, "HOT_RECORDS", 3)
    monkeypatch.setattr(pointers, "_ASK_EACH", 2)
    store, lake = tiers
    records = [Record(f"id{n % 8}", status="running", updated=n) for n in range(16)]
    assert store.bulk_write(lake, batch(records)).counts == WriteCounts(8, 0, 8)
    assert store.gauges().change_no == 3
    finished = [Record(f"id{n}", updated=50) for n in range(12)]
    assert store.bulk_write(lake, batch(finished)).counts == WriteCounts(4, 8, 0)
    assert len(ids_of(in_lake(lake))) == 4


def test_a_lake_gets_its_store_with_the_first_unfinished_record(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path, create=True)
    assert lake.load(batch([FULL])).new == 1
    assert lake.hot() is None
    assert lake.load(batch([OPEN, FULL])) == WriteCounts(1, 0, 1)
    store = lake.hot()
    assert store is not None
    assert ids_of(in_hot(store)) == ["open"]
    assert ids_of(all_of(lake)) == ["full", "open"]
    lake.close()
    again = Lake.open(tmp_path)
    assert ids_of(all_of(again)) == ["full", "open"]
    again.close()


def test_a_load_that_does_not_know_of_the_new_store_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake.open(tmp_path, create=True)
    other = Lake.open(tmp_path)
    real = Lake._write_unless_hot

    def late(self: Lake, records: object) -> WriteCounts:
        other.load(batch([OPEN]))
        return real(self, records)  # type: ignore[arg-type]

    monkeypatch.setattr(Lake, "_write_unless_hot", late)
    assert lake.load(batch([Record("open", updated=9), FULL])) == WriteCounts(1, 1, 0)
    assert ids_of(all_of(lake)) == ["full", "open"]
    closed(lake, other)


def test_a_bucket_must_name_its_store() -> None:
    class Bucket:
        local = None
        uri = "s3://bucket/lake"

    lake = object.__new__(Lake)
    lake.location = Bucket()  # type: ignore[assignment]
    lake.settings = LakeSettings()
    with pytest.raises(BadInputError, match="is a bucket, so hot_url"):
        lake.hot_url  # noqa: B018


def test_a_full_disk_is_said_and_got_over(tmp_path: Path) -> None:
    store = HotStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    lake = Lake.open(tmp_path / "lake", create=True)
    store.write(lake, batch([FULL]))
    size = next(iter(store.changes_since(0).batches.values())).nbytes
    with store.database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
    many = batch([Record(f"id{n}", payload=f"{n:x}" * 50) for n in range(500)])
    with pytest.raises(HotStoreFullError):
        store.write(lake, many)
    assert ids_of(in_both(store, lake)) == ["full"]
    with store.database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert store.write(lake, many).counts.new == 500
    assert size
    closed(store, lake)
