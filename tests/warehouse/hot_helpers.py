"""What the tests of the hot store share: both tiers read as one, and a store made empty again."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa
import sqlalchemy as sa

from tests.warehouse.records import Record
from warehouse.delta import DeltaLog
from warehouse.hot.changes import HotChanges
from warehouse.hot.database import Database
from warehouse.hot.event_tables import hot_events
from warehouse.hot.store import HotStore
from warehouse.hot.tables import hot_batches, hot_clock, hot_executions, hot_intents, leases
from warehouse.lake import Lake
from warehouse.scan import attach
from warehouse.schema import SCHEMAS, TABLES, TableName
from warehouse.snapshot import Snapshot

Tables = dict[TableName, pa.Table]

FULL = Record("full", nodes=2, payload="p", logs=("one", "two"))
OPEN = Record("open", status="running", updated=1)


class Tiers(NamedTuple):
    """Both tiers, open."""

    store: HotStore
    lake: Lake


def wipe(url: str) -> None:
    """Make the store at a URL as good as new: a database for each example would take half a second."""
    database = Database.open(url)
    with database.write() as connection:
        for table in (hot_batches, hot_executions, hot_intents, hot_events, leases):
            connection.execute(sa.delete(table))
        zero = {column.name: 0 for column in hot_clock.columns if column.name.endswith("_no")}
        connection.execute(sa.update(hot_clock).values(store_id=secrets.token_hex(8), **zero))
    database.close()


def in_lake(lake: Lake, snapshot: Snapshot | None = None) -> Tables:
    """The lake's rows."""
    session = lake.session.fork()
    try:
        attach(session, snapshot or lake.snapshot())
        return {table: session.table(f"SELECT * FROM {table}").cast(SCHEMAS[table]) for table in TABLES}
    finally:
        session.close()


def in_hot(store: HotStore, above_seal: int = 0) -> Tables:
    """The hot store's current rows that no seal up to `above_seal` has taken."""
    return _rows(store.changes_since(0, tables=TABLES), above_seal)


def in_both(store: HotStore, lake: Lake) -> Tables:
    """Both tiers as a reader sees them: the lake first, then what it lacks."""
    lake.watch(store.seal_marker)
    for _ in range(1000):
        snapshot = lake.snapshot()
        changes = store.changes_since(0, tables=TABLES)
        seal_no = snapshot.marker(store.seal_marker)
        # The second: an id may be deleted from the lake and come again to the hot store.
        if changes.purged_seal_no > seal_no or lake.snapshot() is not snapshot:
            continue
        cold, hot = in_lake(lake, snapshot), _rows(changes, seal_no)
        return {table: pa.concat_tables([cold[table], hot[table]]) for table in TABLES}
    raise AssertionError("the lake never stood still")


def _rows(changes: HotChanges, above_seal: int) -> Tables:
    parts: dict[TableName, list[pa.Table]] = {table: [SCHEMAS[table].empty_table()] for table in TABLES}
    for pointer in changes.pointers.to_pylist():
        if pointer["deleted"] or (pointer["seal_no"] or above_seal + 1) <= above_seal:
            continue
        rows = changes.batches[pointer["batch_no"]].records([pointer["record_no"]])
        assert rows["executions"]["id"].to_pylist() == [pointer["id"]]
        assert rows["executions"]["status"].to_pylist() == [pointer["status"]]
        for table in TABLES:
            parts[table].append(rows[table].select(SCHEMAS[table].names).cast(SCHEMAS[table]))
    return {table: pa.concat_tables(parts[table]) for table in TABLES}


def all_of(lake: Lake) -> Tables:
    """Everything a lake and its hot store, where it has one, hold."""
    store = lake.hot()
    return in_lake(lake) if store is None else in_both(store, lake)


def ids_of(tables: Tables) -> list[str]:
    """The executions' ids, sorted; one that is there twice is named twice."""
    return sorted(tables["executions"]["id"].to_pylist())


def no_batch_is_left_over(store: HotStore) -> None:
    """Every batch has the pointers it says it has, and at least one."""
    with store.database.read() as connection:
        rows = connection.execute(sa.select(hot_batches.c.batch_no, hot_batches.c.live_rows)).all()
        live = sa.select(hot_executions.c.batch_no).where(hot_executions.c.deleted.is_(False))
        pointed = Counter(connection.execute(live).scalars())
    counts = {batch_no: live_rows for batch_no, live_rows in rows}  # noqa: C416 - rows are no pairs
    assert counts == pointed


def closed(*things: Lake | HotStore) -> None:
    """Close them all."""
    for thing in things:
        thing.close()


class Killed(BaseException):
    """The process died here, as far as the stores can tell."""


def killed(*_: object, **__: object) -> None:
    """Stands in for what a process did not come to."""
    raise Killed


def dying_commit(commits: int) -> Callable[..., int]:
    """DeltaLog.commit of a process that dies before the commit after these."""
    real = DeltaLog.commit
    left = iter(range(commits))

    def commit(self: DeltaLog, *args: Any, **kwargs: Any) -> int:
        if next(left, None) is None:
            raise Killed
        return real(self, *args, **kwargs)

    return commit
