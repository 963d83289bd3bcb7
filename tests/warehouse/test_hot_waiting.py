"""Writers side by side: waiting for records that are being sealed or claimed, claims of the dead, looks out of date."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tests.warehouse.hot_helpers import (
    FULL,
    OPEN,
    Tiers,
    ids_of,
    in_both,
    in_hot,
    in_lake,
)
from tests.warehouse.records import Record, at, batch
from warehouse import upsert
from warehouse.errors import HotStoreBusyError
from warehouse.hot import intents, look, sealing, write
from warehouse.hot.intents import add_intent, intent_holds, settle_dead_intents
from warehouse.hot.lease import Lease, holder_is_gone, holder_name
from warehouse.id_index import id_hashes
from warehouse.lake import Lake
from warehouse.merge import WriteCounts


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


def test_a_holder_is_gone_when_its_process_is() -> None:
    assert not holder_is_gone(holder_name())
    machine, pid, started, chance = holder_name().split("|")
    assert holder_is_gone("|".join((machine, pid, "1", chance))), "the number was given to another process"
    assert holder_is_gone("|".join((machine, "4194305", started, chance)))
    assert not holder_is_gone("|".join(("elsewhere", "4194305", started, chance)))
