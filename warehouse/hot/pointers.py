"""The rows of hot_executions: which record is the current one of each id. Read and written many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from warehouse.hot.any_of import in_any
from warehouse.hot.database import Database
from warehouse.hot.metadata import to_stored, to_us
from warehouse.hot.tables import hot_executions
from warehouse.schema import FINISHED

_ASK_EACH: Final = 10_000
"""For more ids than this the hot ones, which are few, are read instead."""
_FINISHED: Final = pa.array(FINISHED, pa.string())
_SEEN: Final = (
    hot_executions.c.id,
    hot_executions.c.change_no,
    hot_executions.c.batch_no,
    hot_executions.c.record_no,
    hot_executions.c.seal_no,
    hot_executions.c.deleted,
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the current version of an id lies."""

    id: str
    change_no: int
    batch_no: int
    record_no: int
    seal_no: int | None
    deleted: bool


def read_pointers(connection: sa.Connection, ids: Collection[str]) -> dict[str, Pointer]:
    """The pointers of those of the ids that have one, the deleted ones too."""
    found = connection.execute(sa.select(*_SEEN).where(in_any(hot_executions.c.id, ids)))
    return {row[0]: Pointer(*row) for row in found}


def live_among(connection: sa.Connection, ids: pa.Array) -> pa.Array:
    """Those of the ids (not NULL) that are in the hot store."""
    alive = hot_executions.c.deleted.is_(False)
    wanted = sa.select(hot_executions.c.id).where(alive)
    if len(ids) <= _ASK_EACH:
        found = connection.execute(wanted.where(in_any(hot_executions.c.id, ids.to_pylist()))).scalars()
        return pa.array(found, pa.string())
    live = pa.array(connection.execute(wanted).scalars(), pa.string())
    return live.filter(pc.is_in(live, value_set=ids))


def statuses_of(connection: sa.Connection, ids: Collection[str]) -> dict[str, str]:
    """Status by id, of those that live here."""
    if not ids:
        return {}
    live = sa.and_(in_any(hot_executions.c.id, ids), hot_executions.c.deleted.is_(sa.false()))
    found = connection.execute(sa.select(hot_executions.c.id, hot_executions.c.status).where(live))
    return {id_: status for id_, status in found}  # noqa: C416 - rows are no pairs for dict


def by_batch(pointers: Collection[Pointer]) -> dict[int, list[int]]:
    """record_nos by batch_no."""
    found: dict[int, list[int]] = {}
    for one in pointers:
        found.setdefault(one.batch_no, []).append(one.record_no)
    return found


def counted(pointers: Collection[Pointer]) -> dict[int, int]:
    """How many of them point to each batch."""
    return dict(Counter(one.batch_no for one in pointers if not one.deleted))


def write_pointers(
    database: Database,
    connection: sa.Connection,
    executions: pa.Table,
    seen: Mapping[str, Pointer],
    *,
    change_no: int,
) -> bool:
    """Point these ids to batch `change_no`; `executions`: record_no and the columns of `executions`, no id twice.

    seen: the pointers that these ids had when the caller looked. False: some have others now, so undo all of it.
    """
    rows = _rows(executions)
    written_us = to_us(database.now(connection))
    fresh = [_stored(row) for row in rows if row[0] not in seen]
    known = [(*_stored(row), seen[row[0]].change_no) for row in rows if row[0] in seen]
    write = _sqlite if database.is_sqlite else _postgresql
    try:
        return write(connection, fresh, known, change_no, written_us)
    except sa.exc.IntegrityError:  # another writer brought one of the fresh ids meanwhile
        return False


def _rows(executions: pa.Table) -> list[tuple[Any, ...]]:
    """(id, record_no, workflow_id, status, finished, placed_us, updated_us)."""
    status = executions["status"]
    columns = [
        executions["id"],
        executions["record_no"],
        executions["workflow_id"],
        status,
        pc.is_in(status, value_set=_FINISHED),
        pc.coalesce(executions["started_at"], executions["created_at"]).cast(pa.int64()),
        executions["updated_at"].cast(pa.int64()),
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _stored(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row as bulk statements take it, which know nothing of the columns' types."""
    id_, record_no, workflow_id, *others = row
    return (to_stored(id_), record_no, None if workflow_id is None else to_stored(workflow_id), *others)


_INSERT: Final = (
    "INSERT INTO hot_executions (id, record_no, workflow_id, status, finished, placed_at, updated_at, "
    "change_no, batch_no, written_at, seal_no, deleted) "
)
_UPDATE: Final = "UPDATE hot_executions SET change_no = {0}, batch_no = {0}, written_at = {1}, seal_no = NULL, "


def _sqlite(
    connection: sa.Connection,
    fresh: Sequence[tuple[Any, ...]],
    known: Sequence[tuple[Any, ...]],
    change_no: int,
    written_us: int,
) -> bool:
    if fresh:
        connection.exec_driver_sql(
            f"{_INSERT} VALUES (?, ?, ?, ?, ?, ?, ?, {change_no}, {change_no}, {written_us}, NULL, 0)", list(fresh)
        )
    if not known:
        return True
    changed = connection.exec_driver_sql(
        _UPDATE.format(change_no, written_us)
        + "record_no = ?2, workflow_id = ?3, status = ?4, finished = ?5, placed_at = ?6, updated_at = ?7, deleted = 0 "
        "WHERE id = ?1 AND change_no = ?8",
        list(known),
    )
    return changed.rowcount == len(known)


_KINDS: Final = ("text", "integer", "text", "text", "boolean", "bigint", "bigint", "bigint")
_NAMES: Final = ("id", "record_no", "workflow_id", "status", "finished", "placed_at", "updated_at", "seen")


def _postgresql(
    connection: sa.Connection,
    fresh: Sequence[tuple[Any, ...]],
    known: Sequence[tuple[Any, ...]],
    change_no: int,
    written_us: int,
) -> bool:
    if fresh:
        arrays = ", ".join(f"%s::{kind}[]" for kind in _KINDS[:7])
        connection.exec_driver_sql(
            f"{_INSERT} SELECT *, {change_no}, {change_no}, {written_us}, NULL::bigint, false FROM unnest({arrays})",
            tuple(list(column) for column in zip(*fresh, strict=True)),
        )
    if not known:
        return True
    arrays = ", ".join(f"%s::{kind}[]" for kind in _KINDS)
    changed = connection.exec_driver_sql(
        _UPDATE.format(change_no, written_us)
        + "record_no = new.record_no, workflow_id = new.workflow_id, status = new.status, finished = new.finished, "
        "placed_at = new.placed_at, updated_at = new.updated_at, deleted = false "
        f"FROM unnest({arrays}) AS new ({', '.join(_NAMES)}) "
        "WHERE hot_executions.id = new.id AND hot_executions.change_no = new.seen",
        tuple(list(column) for column in zip(*known, strict=True)),
    )
    return changed.rowcount == len(known)
