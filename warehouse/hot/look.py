"""What a writer sees before it decides: where each id lives, in one state of the hot store and the lake after it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from warehouse.hot import tick
from warehouse.hot.batches import HotBatch
from warehouse.hot.intents import claimed
from warehouse.hot.pointers import Pointer, by_batch, read_pointers
from warehouse.hot.state import HotState
from warehouse.id_index import id_hashes
from warehouse.schema import SCHEMAS, TableName
from warehouse.tables import LakeTables


class Waiting(Exception):  # noqa: N818 - a turn of events, not an error
    """An id is on its way into the lake: look again in a moment."""


class Moved(Exception):  # noqa: N818 - a turn of events, not an error
    """What was looked at is not so any more: look again."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where ids live. `rows` gives what is stored of them in the hot store."""

    lake_no: int
    pointers: dict[str, Pointer]
    """Of the ids that have one, the deleted ones too."""
    live: dict[str, Pointer]
    """Those of ids that are in the hot store."""
    batches: dict[int, HotBatch]
    """Those that the live pointers name."""
    in_lake: frozenset[str]
    """Ids without a live pointer that the lake holds."""

    def rows(self, table: TableName, ids: Collection[str]) -> pa.Table:
        """Rows of these ids in the hot store, with SCHEMAS[table]."""
        wanted = by_batch([pointer for id_ in ids if (pointer := self.live.get(id_)) is not None])
        parts = [self.batches[number].records(records, [table])[table] for number, records in wanted.items()]
        if not parts:
            return SCHEMAS[table].empty_table()
        return pa.concat_tables(parts).select(SCHEMAS[table].names).cast(SCHEMAS[table])


def look_at(state: HotState, lake: LakeTables, ids: list[str]) -> Look:
    """Where each of these ids lives. Raises Waiting when one is being sealed or brought into the lake past us."""
    hashes = id_hashes(ids)
    with state.database.read() as connection:
        now = tick.look(connection)
        if claimed(hashes, state.intents(connection)):
            raise Waiting
        pointers = read_pointers(connection, ids)
        live = {id_: one for id_, one in pointers.items() if not one.deleted}
        if any(one.seal_no is not None for one in live.values()):
            raise Waiting
        batches = state.batches(connection, list(by_batch(live.values())))
    elsewhere = [id_ for id_ in ids if id_ not in live]
    # The lake is looked at after lake_no: while that number stands, no id of ours went there unseen.
    return Look(now.lake_no, pointers, live, batches, ids_in_lake(lake, elsewhere))


def ids_in_lake(lake: LakeTables, ids: list[str]) -> frozenset[str]:
    """Those of the ids that the lake holds now."""
    files = lake.snapshot().files["executions"]
    if not ids or not files:
        return frozenset()
    session = lake.session.fork()
    try:
        found = lake.id_index.lookup(session, files, ids)
    finally:
        session.close()
    return frozenset(id_ for held in found.values() for id_ in held)
