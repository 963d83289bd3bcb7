"""Executions taken out of both tiers."""

from __future__ import annotations

import sqlalchemy as sa

from warehouse import delete as lake_delete
from warehouse.hot import tick
from warehouse.hot.any_of import in_any
from warehouse.hot.batches import release_rows
from warehouse.hot.look import Waiting
from warehouse.hot.pointers import by_batch, counted, read_pointers
from warehouse.hot.state import HotState
from warehouse.hot.tables import hot_executions
from warehouse.hot.trim import trim_batches
from warehouse.hot.wait import Patience
from warehouse.hot.write import Also
from warehouse.tables import LakeTables


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
    return sum(map(len, gone.values())) + lake_delete.delete(lake, ids)


def _delete_hot(state: HotState, connection: sa.Connection, ids: list[str]) -> dict[int, list[int]]:
    """The records that are gone: record_nos by batch_no."""
    now = tick.tick(connection)
    live = {id_: one for id_, one in read_pointers(connection, ids).items() if not one.deleted}
    if any(one.seal_no is not None for one in live.values()):
        raise Waiting
    if not live:
        return {}
    connection.execute(
        sa.update(hot_executions)
        .where(in_any(hot_executions.c.id, list(live)))
        .values(
            change_no=now.change_no,
            batch_no=0,
            record_no=0,
            workflow_id=None,
            written_at=state.database.now(connection),
            deleted=True,
        )
    )
    gone = by_batch(list(live.values()))
    release_rows(connection, counted(list(live.values())))
    trim_batches(connection, list(gone))
    return gone
