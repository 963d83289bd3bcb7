"""What a reader is told: the pointers that changed since it last asked, and the batches they name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from warehouse.hot import tick
from warehouse.hot.batches import HotBatch, read_batches
from warehouse.hot.metadata import from_stored, from_us
from warehouse.hot.state import HotState
from warehouse.hot.tables import hot_batches, hot_executions
from warehouse.schema import INSTANT, TableName

NARROW: Final[tuple[TableName, ...]] = ("executions",)

POINTERS: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("change_no", pa.int64(), nullable=False),
        pa.field("batch_no", pa.int64(), nullable=False),
        pa.field("record_no", pa.int64(), nullable=False),
        pa.field("workflow_id", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("finished", pa.bool_(), nullable=False),
        pa.field("placed_at", INSTANT, nullable=False),
        pa.field("updated_at", INSTANT, nullable=False),
        pa.field("seal_no", pa.int64()),
        pa.field("deleted", pa.bool_(), nullable=False),
    ]
)
"""One row is one id: where its current version lies. deleted: it is gone (batch_no and record_no are 0)."""


@dataclass(frozen=True, slots=True)
class HotChanges:
    """What one transaction saw. Records whose seal_no is at most purged_seal_no are in the lake and gone from here."""

    change_no: int
    """The newest change that is contained: ask for those since this one next time."""
    purged_seal_no: int
    complete: bool
    """These are all pointers there are: forget what you had."""
    pointers: pa.Table
    """POINTERS, by change_no."""
    batches: dict[int, HotBatch]
    """The batches that the pointers name, those you have left out."""


@dataclass(frozen=True, slots=True)
class HotGauges:
    """How full the hot store is."""

    rows: int
    """Executions in it."""
    unfinished: int
    """Queued and running ones: they stay."""
    oldest_unsealed_at: datetime | None
    """When the oldest finished one that no seal has taken yet was written. None: there is none."""
    batches: int
    batch_bytes: int
    change_no: int
    seal_no: int
    purged_seal_no: int


def changes_since(
    state: HotState, change_no: int, *, have: Collection[int] = (), tables: Collection[TableName] = NARROW
) -> HotChanges:
    """See HotStore.changes_since."""
    with state.database.read() as connection:
        now = tick.look(connection)
        complete = change_no <= 0 or change_no < now.forgotten_change_no or change_no > now.change_no
        if change_no == now.change_no and not complete:
            return HotChanges(now.change_no, now.purged_seal_no, False, POINTERS.empty_table(), {})
        pointers = _pointers(connection, 0 if complete else change_no, deleted_too=not complete)
        named = set(pointers["batch_no"].to_pylist()) - set(have) - {0}
        batches = read_batches(connection, sorted(named), tables)
    return HotChanges(now.change_no, now.purged_seal_no, complete, pointers, batches)


def gauges(state: HotState) -> HotGauges:
    """See HotStore.gauges."""
    live = hot_executions.c.deleted.is_(False)
    count = sa.func.count()
    waiting = sa.case(
        (
            sa.and_(hot_executions.c.finished.is_(True), hot_executions.c.seal_no.is_(None)),
            sa.type_coerce(hot_executions.c.written_at, sa.BigInteger),
        )
    )
    with state.database.read() as connection:
        now = tick.look(connection)
        unfinished = sa.case((hot_executions.c.finished.is_(False), 1))
        asked = sa.select(count, sa.func.count(unfinished), sa.func.min(waiting)).where(live)
        rows, open_rows, oldest_us = connection.execute(asked).one()
        sizes = sa.select(count, sa.func.coalesce(sa.func.sum(hot_batches.c.size_bytes), 0))
        batches, batch_bytes = connection.execute(sizes).one()
    return HotGauges(
        rows,
        open_rows,
        None if oldest_us is None else from_us(oldest_us),
        batches,
        int(batch_bytes),
        now.change_no,
        now.seal_no,
        now.purged_seal_no,
    )


def _pointers(connection: sa.Connection, after: int, *, deleted_too: bool) -> pa.Table:
    living = "" if deleted_too else " AND NOT deleted"
    # Past SQLAlchemy's rows, which cost more than the query: a seal changes 50,000 pointers at once.
    result = connection.exec_driver_sql(
        f"SELECT {', '.join(POINTERS.names)} FROM hot_executions WHERE change_no > {after:d}{living} ORDER BY change_no"
    )
    rows = result.cursor.fetchall()
    result.close()
    if not rows:
        return POINTERS.empty_table()
    columns = [_column(field, values) for field, values in zip(POINTERS, zip(*rows, strict=True), strict=True)]
    return pa.table(columns, schema=POINTERS)


def _column(field: pa.Field, values: tuple[Any, ...]) -> pa.Array:
    if pa.types.is_boolean(field.type):
        return pa.array([bool(value) for value in values], field.type)
    if field.name in ("id", "workflow_id"):
        values = tuple(None if value is None else from_stored(value) for value in values)
    return pa.array(values, field.type)
