"""The hot store's verbs one by one: outcomes, waiting, deleting, loading in bulk, what readers are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from tests.warehouse.hot_helpers import all_of, closed, ids_of, in_both, in_hot, in_lake, no_batch_is_left_over
from tests.warehouse.records import Record, at, batch, contents
from warehouse import clock, merge, upsert
from warehouse.errors import BadInputError, HotStoreBusyError, HotStoreFullError
from warehouse.hot import intents, lease, look, sealing, write
from warehouse.hot.database import Database
from warehouse.hot.intents import add_intent, intent_holds, settle_dead_intents
from warehouse.hot.lease import Lease, holder_is_gone, holder_name
from warehouse.hot.sealer import Sealer
from warehouse.hot.sealing import SealReport
from warehouse.hot.store import HotStore
from warehouse.hot.tables import hot_batches, hot_executions, server_secrets
from warehouse.id_index import id_hashes
from warehouse.lake import Lake
from warehouse.merge import WriteCounts
from warehouse.schema import TABLES, Batch
from warehouse.settings import LakeSettings

FULL = Record("full", nodes=2, payload="p", logs=("one", "two"))
OPEN = Record("open", status="running", updated=1)


class Tiers(NamedTuple):
    store: HotStore
    lake: Lake


@pytest.fixture
def tiers(hot_url: str, tmp_path: Path) -> Iterator[Tiers]:
    found = Tiers(HotStore.open(hot_url), Lake.open(tmp_path / "lake", create=True))
    yield found
    closed(*found)


def test_outcomes_stand_beside_the_records(tiers: Tiers) -> None:
    store, lake = tiers
    assert store.write(lake, batch([OPEN, FULL])).words() == {0: "new", 1: "new"}
    again = [FULL, Record("open", updated=2), Record("open", updated=3), Record("a"), Record("full", updated=1)]
    assert store.write(lake, batch(again)).words() == {
        0: "unchanged",
        1: "unchanged",
        2: "updated",
        3: "new",
        4: "unchanged",
    }
    assert store.write(lake, batch(again)).counts == WriteCounts(0, 0, 5)
    assert store.gauges().change_no == 2, "what changes nothing writes nothing"


def test_outcomes_follow_the_numbers_of_the_records(tiers: Tiers) -> None:
    store, lake = tiers
    shuffled = batch([Record(f"id{n}") for n in range(5)] + [Record("id0", updated=99)])
    order = [3, 5, 0, 1, 4, 2]
    turned = type(shuffled)(shuffled.executions.take(order), *(shuffled.table(table) for table in TABLES[1:]))
    outcomes = store.write(lake, turned)
    assert outcomes.record_no.tolist() == order
    assert outcomes.words() == {0: "unchanged"} | dict.fromkeys(range(1, 6), "new")


def test_a_found_execution_is_what_was_written(tiers: Tiers) -> None:
    store, lake = tiers
    store.write(lake, batch([Record("before", nodes=1), FULL, Record("after", nodes=1)]))
    found = store.find("full")
    assert found is not None
    assert found.record() == FULL.execution()
    assert found.node_runs.to_pylist() == FULL.details("node_runs")
    assert found.payloads.to_pylist() == FULL.details("payloads")
    assert found.logs.to_pylist() == FULL.details("logs")
    narrow = store.find("full", ["executions"])
    assert narrow is not None
    assert (narrow.execution.num_rows, narrow.node_runs.num_rows) == (1, 0)
    assert store.find("no such") is None


def test_an_id_of_the_lake_is_updated_there(tiers: Tiers) -> None:
    store, lake = tiers
    store.write(lake, batch([FULL, OPEN]))
    assert store.seal(lake).rows == 1
    outcomes = store.write(lake, batch([Record("full", updated=50, name="Later"), Record("new"), FULL]))
    assert outcomes.words() == {0: "updated", 1: "new", 2: "unchanged"}
    assert in_lake(lake)["executions"]["workflow_name"].to_pylist() == ["Later"]
    assert ids_of(in_hot(store)) == ["new", "open"]


def test_what_else_must_be_true_is_true_with_the_records(tiers: Tiers) -> None:
    store, lake = tiers

    def note(name: str) -> write.Also:
        def also(connection: sa.Connection) -> None:
            row = {"name": name, "value": b"", "created_at": clock.now()}
            connection.execute(sa.insert(server_secrets), [row])

        return also

    def fail(connection: sa.Connection) -> None:
        raise ZeroDivisionError

    store.write(lake, batch([FULL]), note("hot"))
    store.seal(lake)
    store.write(lake, batch([Record("full", updated=99)]), note("lake"))
    store.write(lake, batch([]), note("nothing"))
    store.write(lake, batch([FULL]), note("unchanged"))
    with pytest.raises(ZeroDivisionError):
        store.write(lake, batch([OPEN]), fail)
    assert store.find("open") is None
    with store.database.read() as connection:
        names = set(connection.execute(sa.select(server_secrets.c.name)).scalars())
    assert names == {"hot", "lake", "nothing", "unchanged"}


def test_deleting_reaches_both_tiers_and_leaves_no_bytes(tiers: Tiers) -> None:
    store, lake = tiers
    store.write(lake, batch([Record("cold", nodes=1), Record("cold 2")]))
    store.seal(lake)
    secret = Record("hot", nodes=1, payload="the secret", logs=("the secret",))
    store.write(lake, batch([secret, Record("hot 2", payload="stays")]))
    assert store.delete(lake, ["cold", "hot", "no such"]) == 2
    assert store.delete(lake, ["cold", "hot"]) == 0
    assert ids_of(in_both(store, lake)) == ["cold 2", "hot 2"]
    (held,) = store.changes_since(0, tables=TABLES).batches.values()
    assert held.table("payloads")["data"].to_pylist() == ['"stays"']
    assert held.table("logs").num_rows == 0
    assert store.write(lake, batch([secret])).counts == WriteCounts(1, 0, 0)
    assert ids_of(in_both(store, lake)) == ["cold 2", "hot", "hot 2"]


def test_what_is_superseded_goes_with_the_vacuum(tiers: Tiers) -> None:
    store, lake = tiers
    store.write(lake, batch([Record("a", updated=1, payload="old"), Record("b", payload="kept")]))
    store.write(lake, batch([Record("a", updated=2, payload="new")]))
    assert store.vacuum() == 1
    texts = [
        one.table("payloads")["data"].to_pylist() for one in store.changes_since(0, tables=TABLES).batches.values()
    ]
    assert sorted(texts) == [['"kept"'], ['"new"']]
    assert store.vacuum() == 0
    no_batch_is_left_over(store)


def test_readers_are_told_what_changed_and_no_more(tiers: Tiers) -> None:
    store, lake = tiers
    assert store.changes_since(0).complete
    store.write(lake, batch([FULL, OPEN]))
    first = store.changes_since(0)
    assert (first.change_no, first.pointers["id"].to_pylist(), list(first.batches)) == (1, ["full", "open"], [1])
    assert store.changes_since(1).pointers.num_rows == 0
    assert store.changes_since(0, have=[1]).batches == {}
    store.write(lake, batch([Record("open", updated=9, status="running")]))
    second = store.changes_since(1)
    assert (second.complete, second.pointers["id"].to_pylist(), list(second.batches)) == (False, ["open"], [2])
    with pytest.raises(KeyError):
        second.batches[2].table("logs")
    assert sorted(store.batches([1, 2, 3])) == [1, 2]
    store.delete(lake, ["open"])
    third = store.changes_since(2)
    assert (third.pointers["deleted"].to_pylist(), third.batches) == ([True], {})
    store.seal(lake)
    fourth = store.changes_since(third.change_no)
    assert (fourth.purged_seal_no, fourth.pointers.num_rows) == (1, 0)
    assert store.changes_since(10_000).complete, "a store brought back from a backup is read anew"


def test_traces_of_deletions_are_kept_for_a_while(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lake = tiers
    store.write(lake, batch([FULL, OPEN]))
    store.delete(lake, ["open"])
    seen = store.changes_since(0).change_no
    store.seal(lake)
    assert not store.changes_since(seen - 1).complete
    monkeypatch.setattr(sealing, "TRACE_KEPT_S", -1.0)
    store.write(lake, batch([Record("next")]))
    store.seal(lake)
    assert not store.changes_since(seen).complete
    assert store.changes_since(seen - 1).complete
    with store.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(hot_executions)).scalar_one() == 0


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


def test_writers_wait_for_a_record_that_is_being_sealed(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lake = tiers
    store.write(lake, batch([FULL]))
    reached, go_on = threading.Event(), threading.Event()
    real = sealing._write

    def slowly(*args: object) -> None:
        reached.set()
        assert go_on.wait(30)
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "_write", slowly)
    sealer = threading.Thread(target=store.seal, args=(lake,))
    sealer.start()
    assert reached.wait(30)
    done: list[object] = []
    writer = threading.Thread(
        target=lambda: done.append(store.write(lake, batch([Record("full", updated=99)])).words())
    )
    writer.start()
    assert store.write(lake, batch([Record("other")])).counts.new == 1, "other records do not wait"
    time.sleep(0.2)
    assert not done
    go_on.set()
    writer.join(30)
    sealer.join(30)
    assert done == [{0: "updated"}]
    assert ids_of(in_lake(lake)) == ["full"]
    assert ids_of(in_hot(store)) == ["other"]


def test_waiting_ends(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lake = tiers
    store.write(lake, batch([FULL]))
    other = Lease(store.database, "sealer")
    assert other.acquire()  # a sealer that lives and never gets on
    sealing._begin(store._state, lake)
    store.database.busy_timeout_s = 0.2
    for act in (lambda: store.write(lake, batch([Record("full", updated=99)])), lambda: store.delete(lake, ["full"])):
        with pytest.raises(HotStoreBusyError, match="on its way into the lake"):
            act()


def test_writers_wait_for_a_claim_and_take_away_that_of_a_dead_process(
    tiers: Tiers, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, lake = tiers
    store.write(lake, batch([OPEN]))
    with store.database.write() as connection:
        claim = add_intent(store.database, connection, id_hashes(["a", "b"]))
    store.database.busy_timeout_s = 0.2
    with pytest.raises(HotStoreBusyError):
        store.write(lake, batch([Record("b")]))
    assert store.write(lake, batch([Record("c")])).counts.new == 1
    assert settle_dead_intents(store.database, lake) == 0
    monkeypatch.setattr(intents, "holder_is_gone", lambda holder: True)
    assert store.write(lake, batch([Record("b")])).counts.new == 1
    assert not intent_holds(store.database, claim)


def test_who_lost_its_claim_begins_again(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for dead while it slept; a hot writer has one of its ids meanwhile."""
    store, lake = tiers
    store.write(lake, batch([OPEN]))
    real = upsert.plan_write
    tries = 0

    def overtaken(*args: object) -> object:
        nonlocal tries
        tries += 1
        change = real(*args)  # type: ignore[arg-type]
        if tries == 1:  # its files are written, its commit is not: now it is revoked
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(intents, "holder_is_gone", lambda holder: True)
                patch.setattr(type(lake.location), "writer_lock", _unlocked)  # as on a bucket
                other = Lake.open(lake.uri)
                assert store.write(other, batch([Record("b", updated=1)])).counts.new == 1
                other.close()
        return change

    monkeypatch.setattr(write, "plan_write", overtaken)
    counts = store.bulk_write(lake, batch([Record("a"), Record("b")])).counts
    assert counts == WriteCounts(1, 1, 0)
    assert ids_of(in_both(store, lake)) == ["a", "b", "open"]


def _unlocked(self: object, timeout_s: float) -> object:
    from contextlib import nullcontext

    return nullcontext()


def test_a_look_into_the_lake_that_is_out_of_date_is_seen(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a writer's look and its transaction the id goes into the lake past it."""
    store, lake = tiers
    store.write(lake, batch([OPEN]))
    real = look.look_at
    looks = 0

    def and_then(*args: object) -> look.Look:
        nonlocal looks
        looks += 1
        found = real(*args)  # type: ignore[arg-type]
        if looks == 1:
            store.bulk_write(lake, batch([Record("x", updated=5)]))
        return found

    monkeypatch.setattr(write, "look_at", and_then)
    assert store.write(lake, batch([Record("x", updated=9)])).counts == WriteCounts(0, 1, 0)
    assert looks == 2
    assert ids_of(in_both(store, lake)) == ["open", "x"]


def test_what_another_writer_did_since_the_look_counts(tiers: Tiers, monkeypatch: pytest.MonkeyPatch) -> None:
    store, lake = tiers
    store.write(lake, batch([OPEN]))
    real = look.look_at
    between: list[Callable[[], object]] = [
        lambda: store.write(lake, batch([Record("open", updated=50)])),
        lambda: store.write(lake, batch([Record("fresh", updated=50)])),
        lambda: store.seal(lake),
        lambda: store.delete(lake, ["open", "fresh"]),
    ]

    def and_then(*args: object) -> look.Look:
        found = real(*args)  # type: ignore[arg-type]
        if between:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(write, "look_at", real)
                between.pop(0)()
        return found

    monkeypatch.setattr(write, "look_at", and_then)
    records = [Record("open", updated=9, nodes=1), Record("fresh", updated=9, nodes=1)]
    # Looked at five times: before each of the others' acts, and then in peace.
    assert store.write(lake, batch(records)).counts == WriteCounts(2, 0, 0)
    assert not between
    updated = in_both(store, lake)["executions"]["updated_at"].to_pylist()
    assert updated == [at(9), at(9)]
    monkeypatch.undo()
    assert ids_of(in_both(store, lake)) == ["fresh", "open"]


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


def test_a_holder_is_gone_when_its_process_is() -> None:
    assert not holder_is_gone(holder_name())
    machine, pid, started, chance = holder_name().split("|")
    assert holder_is_gone("|".join((machine, pid, "1", chance))), "the number was given to another process"
    assert holder_is_gone("|".join((machine, "4194305", started, chance)))
    assert not holder_is_gone("|".join(("elsewhere", "4194305", started, chance)))


def test_a_batch_is_kept_whole(tiers: Tiers) -> None:
    store, lake = tiers
    odd = [Record("quote \" ' \\ \n", name="ü✓"), Record("naïve—é✓𝕏", logs=("a", "a", "b"), nodes=0)]
    store.write(lake, batch(odd))
    assert {one.id for one in odd} == set(ids_of(in_hot(store)))
    oracle = Lake.open(Path(lake.uri).parent / "oracle", create=True)
    oracle.write(batch([replace(one, status="running", updated=1) for one in odd]))
    oracle.write(batch(odd))
    store.seal(lake)
    assert contents(in_lake(lake)) == contents(in_lake(oracle))
    oracle.close()


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
