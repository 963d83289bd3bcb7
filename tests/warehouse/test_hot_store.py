"""The hot store's verbs one by one: outcomes, what else is written with records, deleting, what readers are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.warehouse.hot_helpers import (
    FULL,
    OPEN,
    Tiers,
    ids_of,
    in_both,
    in_hot,
    in_lake,
    no_batch_is_left_over,
)
from tests.warehouse.records import Record, batch, contents
from warehouse import clock
from warehouse.hot import sealing, write
from warehouse.hot.tables import hot_executions, server_secrets
from warehouse.lake import Lake
from warehouse.merge import WriteCounts
from warehouse.schema import TABLES


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
