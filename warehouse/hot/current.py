"""The current row of executions by their ids, whichever tier they live in; for those who are about to change them."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from warehouse.hot.batches import read_batches
from warehouse.hot.database import Database
from warehouse.hot.pointers import by_batch, read_pointers
from warehouse.rewrite import rows_of
from warehouse.schema import SCHEMAS
from warehouse.tables import LakeTables


def current_rows(database: Database, lake: LakeTables, ids: Collection[str]) -> pa.Table:
    """Rows with SCHEMAS["executions"], in no order; ids that are nowhere are left out.

    The hot store first: what leaves it meanwhile is in the lake by then. Some milliseconds for 1,000 ids.
    """
    names = SCHEMAS["executions"].names
    with database.read() as connection:
        pointers = [one for one in read_pointers(connection, ids).values() if not one.deleted]
        wanted = by_batch(pointers)
        batches = read_batches(connection, list(wanted), ["executions"])
    parts = [batches[number].records(records, ["executions"])["executions"] for number, records in wanted.items()]
    hot = [part.select(names).cast(SCHEMAS["executions"]) for part in parts]
    known = {one.id for one in pointers}
    elsewhere = pa.array([one for one in ids if one not in known], pa.string())
    return pa.concat_tables([*hot, rows_in_lake(lake, elsewhere)])


def rows_in_lake(lake: LakeTables, ids: pa.Array) -> pa.Table:
    """The same, of those that the lake holds now."""
    files = lake.snapshot().files["executions"]
    if not len(ids) or not files:
        return SCHEMAS["executions"].empty_table()
    session = lake.session.fork()
    try:
        return rows_of(session, "executions", list(lake.id_index.candidates(session, files, ids)), ids)
    finally:
        session.close()
