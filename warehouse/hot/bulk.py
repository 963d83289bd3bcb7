"""Bulk loads beside a hot store: what is finished goes straight to the lake, the rest where it belongs."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.hot.look import Moved
from warehouse.hot.pointers import live_among
from warehouse.hot.state import HotState
from warehouse.hot.wait import Patience
from warehouse.hot.write import note_part, write, write_to_lake
from warehouse.merge import UNCHANGED, WriteOutcomes, records_of
from warehouse.merge_details import flat
from warehouse.schema import FINISHED, Batch
from warehouse.tables import LakeTables

HOT_RECORDS: Final = 10_000
"""Records of one transaction of the hot store."""
_FINISHED: Final = pa.array(FINISHED, pa.string())


def bulk_write(state: HotState, lake: LakeTables, batch: Batch) -> WriteOutcomes:
    """Upsert a batch of any size; see HotStore.bulk_write."""
    state.meet(lake)
    total = WriteOutcomes.all_of(batch.executions, UNCHANGED)
    rest = batch
    patience = Patience(state, lake)
    while rest.executions.num_rows:
        hot_ids = _hot_ids(state, rest)
        if len(hot_ids):  # else the batch goes on as it is, without a copy
            is_hot = pc.is_in(rest.executions["id"], value_set=hot_ids)
            for part in _pieces(rest.executions.filter(is_hot)):
                note_part(total, write(state, lake, records_of(rest, part)))
            rest = records_of(rest, rest.executions.filter(pc.invert(is_hot)))
        if not rest.executions.num_rows:
            break
        try:
            # A load is history: what it says has ended is no news, and makes no events.
            note_part(total, write_to_lake(state, lake, rest, news=False))
            break
        except Moved:  # one of them has come to live in the hot store meanwhile, or the claim was lost
            patience.again()
    return total


def _hot_ids(state: HotState, batch: Batch) -> pa.Array:
    """Ids that belong to the hot store: those that live there, and those of unfinished records."""
    executions = batch.executions
    unfinished = executions["id"].filter(pc.invert(pc.is_in(executions["status"], value_set=_FINISHED)))
    with state.database.read() as connection:
        live = live_among(connection, flat(pc.unique(executions["id"])))
    return pa.concat_arrays([flat(unfinished), live])


def _pieces(executions: pa.Table) -> list[pa.Table]:
    """Rows in pieces of HOT_RECORDS, the rows of one id together (together they are merged once)."""
    if executions.num_rows <= HOT_RECORDS:
        return [executions] if executions.num_rows else []
    ids = flat(pc.unique(executions["id"]))
    return [
        executions.filter(pc.is_in(executions["id"], value_set=ids.slice(start, HOT_RECORDS)))
        for start in range(0, len(ids), HOT_RECORDS)
    ]
