"""Rows without a pointer out of batches that stay for the sake of others: superseded, sealed and deleted records."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from warehouse.hot import tick
from warehouse.hot.any_of import in_any
from warehouse.hot.batches import encode, read_batches
from warehouse.hot.state import HotState
from warehouse.hot.tables import hot_batches, hot_executions
from warehouse.schema import TABLES

_AT_A_TIME: Final = 32
"""Batches rewritten in one transaction, since writers wait for it."""


def trim(state: HotState, *, live_share: float = 0.5) -> int:
    """Rewrite the batches of which less than this share is live; how many. 1.0: every batch with a dead row."""
    with state.database.read() as connection:
        rows = sa.cast(hot_batches.c.rows, sa.Float)
        wanted = sa.select(hot_batches.c.batch_no).where(hot_batches.c.live_rows < rows * live_share)
        batch_nos = list(connection.execute(wanted).scalars())
    for start in range(0, len(batch_nos), _AT_A_TIME):
        with state.database.write() as connection:
            tick.tick(connection)
            trim_batches(connection, batch_nos[start : start + _AT_A_TIME])
    return len(batch_nos)


def trim_batches(connection: sa.Connection, batch_nos: Collection[int]) -> None:
    """Take the dead rows out of these batches; after `tick`. Pointers and numbers stay what they are."""
    columns = (hot_executions.c.batch_no, hot_executions.c.record_no)
    live: dict[int, list[int]] = {}
    for batch_no, record_no in connection.execute(sa.select(*columns).where(in_any(columns[0], batch_nos))):
        live.setdefault(batch_no, []).append(record_no)
    for batch_no, batch in read_batches(connection, list(live)).items():
        kept = batch.records(live[batch_no])
        data = {table: encode(table, kept[table]) for table in TABLES}
        size_bytes = sum(len(one) for one in data.values() if one is not None)
        count = len(live[batch_no])
        connection.execute(
            sa.update(hot_batches)
            .where(hot_batches.c.batch_no == batch_no)
            .values(rows=count, live_rows=count, size_bytes=size_bytes, **data)
        )
