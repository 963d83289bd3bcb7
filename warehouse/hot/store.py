"""The hot store: executions that are acknowledged and not in the lake yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.hot import bulk as _bulk
from warehouse.hot import changes as _changes
from warehouse.hot import current as _current
from warehouse.hot import remove as _remove
from warehouse.hot import sealing as _sealing
from warehouse.hot import trim as _trim
from warehouse.hot import write as _write
from warehouse.hot.batches import HotBatch, read_batches
from warehouse.hot.changes import NARROW, HotChanges, HotGauges
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.pointers import by_batch, read_pointers
from warehouse.hot.sealing import SealReport
from warehouse.hot.state import HotState, read_store_id
from warehouse.hot.write import Also
from warehouse.listing import Detail
from warehouse.merge import WriteOutcomes
from warehouse.schema import SCHEMAS, TABLES, Batch, TableName
from warehouse.tables import LakeTables


class HotStore:
    """An open hot store. Safe to share between threads; each process opens its own.

    `lake` is the one lake this store belongs to. An id is live in one of the two, never in both.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.events = EventLog(database)
        """What became true of executions with each write, and what other parts append."""
        self._state = HotState(database, read_store_id(database))

    @classmethod
    def open(cls, url: str, *, migrate: bool = True) -> Self:
        """The store at a database's URL: see Database.open."""
        database = Database.open(url, migrate=migrate)
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    @property
    def seal_marker(self) -> str:
        """Name of the marker that this store's seals leave in the lake: for LakeTables.watch and Snapshot.marker."""
        return self._state.seal_marker

    def write(
        self, lake: LakeTables, batch: Batch, also: Also | None = None, *, unfinished: Collection[str] = ()
    ) -> WriteOutcomes:
        """Upsert a batch by id, by the same rules as the lake; what is returned survives kill -9 and a loss of power.

        Ids that the lake holds are written there in the same call. Ids on their way there are waited for. One
        transaction for all that stays here. also: statements for that transaction, run after the records are written
        (when all went to the lake: in one of its own, right after); run again when it has to be tried again.
        unfinished: ids of the batch that must be there and not have ended, as the transaction sees it.
        1,000 new records cost some 10 ms, 1,000 updates some 60 ms.
        Raises ExecutionEndedError (nothing was written), HotStoreBusyError, HotStoreFullError,
        HotStoreUnavailableError, LakeBusyError, CommitConflictError.
        """
        return _write.write(self._state, lake, batch, also, frozenset(unfinished))

    def bulk_write(self, lake: LakeTables, batch: Batch) -> WriteOutcomes:
        """Upsert many records: finished ones straight into the lake, the others and those that live here, here.

        Not one transaction; the same batch again brings what is missing. Raises what `write` raises.
        """
        return _bulk.bulk_write(self._state, lake, batch)

    def rows(self, lake: LakeTables, ids: Collection[str]) -> pa.Table:
        """The current rows of these executions in either tier: see current.current_rows."""
        return _current.current_rows(self.database, lake, ids)

    def delete(self, lake: LakeTables, ids: Iterable[str], also: Also | None = None) -> int:
        """Remove executions from both tiers, with all that hangs on them; how many of the ids there were.

        First here, in one transaction (with `also`), then in the lake in another. Ids being sealed are waited for.
        """
        return _remove.delete(self._state, lake, sorted(set(ids)), also)

    def find(self, id: str, tables: Collection[TableName] = TABLES) -> Detail | None:
        """One execution with its rows in these tables (the others are empty). None: it does not live here."""
        return self.find_all([id], tables).get(id)

    def find_all(self, ids: Collection[str], tables: Collection[TableName] = TABLES) -> dict[str, Detail]:
        """Those of the executions that live here, as `find` gives them, seen in one transaction."""
        names: set[TableName] = {"executions", *tables}
        with self.database.read() as connection:
            pointers = read_pointers(connection, ids)
            live = [one for one in pointers.values() if not one.deleted]
            wanted = by_batch(live)
            batches = read_batches(connection, list(wanted), names) if wanted else {}
        records = {number: batches[number].records(numbers, names) for number, numbers in wanted.items()}
        return {one.id: _detail(records[one.batch_no], one.record_no) for one in live}

    def changes_since(
        self, change_no: int, *, have: Collection[int] = (), tables: Collection[TableName] = NARROW
    ) -> HotChanges:
        """What has changed since this change (0: everything), seen in one transaction.

        have: batches (by batch_no) that the caller holds already; they are immutable but for dead rows.
        tables: which of a batch's tables are fetched. Some 2 ms when 1,000 ids have changed, 0.3 ms when none has.
        """
        return _changes.changes_since(self._state, change_no, have=have, tables=tables)

    def batches(self, batch_nos: Collection[int], tables: Collection[TableName] = TABLES) -> dict[int, HotBatch]:
        """Those of the batches that are still there, with these tables."""
        with self.database.read() as connection:
            return read_batches(connection, batch_nos, tables)

    def seal(self, lake: LakeTables, *, min_rows: int = 1, min_age_s: float | None = None) -> SealReport:
        """Move finished executions into the lake when there are `min_rows` of them or one waits for `min_age_s`.

        Exactly once through crashes of any process at any moment. One sealer at a time: the others return at once.
        Raises LakeBusyError and what the database raises; what was begun is finished by the next call of anybody.
        """
        return _sealing.seal(self._state, lake, min_rows=min_rows, min_age_s=min_age_s)

    def vacuum(self) -> int:
        """Take what was superseded, sealed or deleted out of the batches that others live in; how many."""
        return _trim.trim(self._state, live_share=1.0)

    def gauges(self) -> HotGauges:
        """How many executions are here and how long they wait; a scan of the pointers (some 10 ms for 100,000)."""
        return _changes.gauges(self._state)

    def close(self) -> None:
        """Close the database."""
        self.database.close()


_ORDER: dict[TableName, tuple[str, ...]] = {
    "executions": ("id",),
    "node_runs": ("order_index", "node_id", "run_index"),
    "payloads": ("node_id", "run_index", "kind"),
    "logs": ("logged_at", "seq"),
}
"""As `Warehouse.find` gives them."""


def _detail(records: dict[TableName, pa.Table], record_no: int) -> Detail:
    """One record of those of a batch."""
    found = {}
    for table in TABLES:
        rows = records.get(table)
        if rows is None:
            found[table] = SCHEMAS[table].empty_table()
        else:
            found[table] = _sorted(table, rows.filter(pc.equal(rows["record_no"], record_no)))
    return Detail(found["executions"], found["node_runs"], found["payloads"], found["logs"])


def _sorted(table: TableName, rows: pa.Table) -> pa.Table:
    order = pc.sort_indices(rows, sort_keys=[(name, "ascending", "at_start") for name in _ORDER[table]])
    return rows.take(order).select(SCHEMAS[table].names)
