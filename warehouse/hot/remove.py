"""Executions taken out of both tiers."""

from __future__ import annotations

import pyarrow as pa
import sqlalchemy as sa

from warehouse import clock
from warehouse.delete import plan_delete
from warehouse.hot import tick
from warehouse.hot.any_of import in_any
from warehouse.hot.batches import read_batches, release_rows
from warehouse.hot.claimed_change import change_in_lake
from warehouse.hot.event_log import add_events
from warehouse.hot.event_packing import PackedEvents, pack
from warehouse.hot.intents import claimed
from warehouse.hot.look import Moved, Waiting, ids_in_lake
from warehouse.hot.pointers import by_batch, counted, read_pointers
from warehouse.hot.state import HotState
from warehouse.hot.tables import hot_executions
from warehouse.hot.transitions import deletions
from warehouse.hot.trim import trim_batches
from warehouse.hot.wait import Patience
from warehouse.hot.write import Also
from warehouse.id_index import id_hashes
from warehouse.snapshot import Snapshot
from warehouse.tables import Change, LakeTables


def delete(state: HotState, lake: LakeTables, ids: list[str], also: Also | None = None) -> int:
    """Remove these executions from both tiers; how many there were. See HotStore.delete."""
    patience = Patience(state, lake)
    while True:
        try:
            with state.database.write() as connection:
                gone = _delete_hot(state, connection, ids)
                if also is not None:
                    also(connection)
            break
        except Waiting:
            patience.wait()
    state.cache.drop(lambda batch_no: batch_no in gone)
    return sum(map(len, gone.values())) + _delete_in_lake(state, lake, ids)


def _delete_hot(state: HotState, connection: sa.Connection, ids: list[str]) -> dict[int, list[int]]:
    """The records that are gone: record_nos by batch_no."""
    now = tick.tick(connection)
    if claimed(id_hashes(ids), state.intents(connection)):
        raise Waiting
    live = {id_: one for id_, one in read_pointers(connection, ids).items() if not one.deleted}
    if any(one.seal_no is not None for one in live.values()):
        raise Waiting
    if not live:
        return {}
    gone = by_batch(list(live.values()))
    at = state.database.now(connection)
    batches = read_batches(connection, list(gone), ["executions"])
    rows = [batches[number].records(numbers, ["executions"])["executions"] for number, numbers in gone.items()]
    add_events(state.database, connection, pack(deletions(pa.concat_tables(rows), at)))
    connection.execute(
        sa.update(hot_executions)
        .where(in_any(hot_executions.c.id, list(live)))
        .values(change_no=now.change_no, batch_no=0, record_no=0, workflow_id=None, written_at=at, deleted=True)
    )
    release_rows(connection, counted(list(live.values())))
    trim_batches(connection, list(gone))
    return gone


def _delete_in_lake(state: HotState, lake: LakeTables, ids: list[str]) -> int:
    """Remove those of the ids that the lake holds; how many."""
    session = lake.session.fork()
    patience = Patience(state, lake)

    def plan(snapshot: Snapshot) -> tuple[Change[int], PackedEvents]:
        change, rows = plan_delete(lake, session, snapshot, pa.array(sorted(held), pa.string()))
        return change, pack(deletions(rows, clock.now()))

    try:
        while held := ids_in_lake(lake, ids):
            try:
                return change_in_lake(state, lake, pa.array(sorted(held), pa.string()), plan)
            except (Waiting, Moved):
                patience.wait()
        return 0
    finally:
        session.close()
