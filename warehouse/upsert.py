"""Bringing a batch of records into the lake: insert the new, update the older, leave the same alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.duck import Session
from warehouse.merge import Merged, WriteCounts, WriteOutcomes, merge
from warehouse.merge_details import live_on
from warehouse.rewrite import rows_of, without_keys
from warehouse.schema import EXECUTIONS, TABLES, Batch, TableName
from warehouse.snapshot import Snapshot
from warehouse.tables import Change, LakeTables
from warehouse.write_rows import write_rows

__all__ = ["WriteCounts", "WriteOutcomes", "plan_write", "stored_ids", "write"]

_DETAILS: tuple[TableName, ...] = ("node_runs", "payloads", "logs")


def write(lake: LakeTables, batch: Batch) -> WriteOutcomes:
    """Upsert one batch by id in one atomic change; loading the same batch again changes nothing.

    Memory: the batch, plus the stored rows of the ids that are in both. Raises LakeBusyError, CommitConflictError.
    """
    if not batch.executions.num_rows:
        return WriteOutcomes.all_of(batch.executions, 0)
    session = lake.session.fork()
    try:
        return lake.change(lambda snapshot: plan_write(lake, session, snapshot, batch))
    finally:
        session.close()


def plan_write(lake: LakeTables, session: Session, snapshot: Snapshot, batch: Batch) -> Change[WriteOutcomes]:
    """The change that brings the batch into this snapshot of the lake; its new files are written."""

    def stored_of(ids: pa.ChunkedArray) -> pa.Table:
        files = lake.id_index.candidates(session, snapshot.files["executions"], ids)
        return rows_of(session, "executions", list(files), ids)

    def details_of(table: TableName, merged: pa.Table) -> pa.Table:
        return rows_of(session, table, live_on(snapshot, table, merged), merged["id"])

    merged = merge(session, batch, stored_of, details_of)
    if not merged.changes:
        return Change(merged.outcomes)
    if merged.merged is None:
        with ThreadPoolExecutor(len(TABLES)) as pool:  # encoding releases the interpreter: the tables share the cores
            written = list(pool.map(lambda table: write_rows(lake, table, batch.table(table)), TABLES))
        return Change(merged.outcomes, [file for files in written for file in files])
    return _rewrite(lake, session, snapshot, merged)


def _rewrite(lake: LakeTables, session: Session, snapshot: Snapshot, found: Merged) -> Change[WriteOutcomes]:
    """New files for what is new or other, and for the rows that stay in files that lose some."""
    merged, details = found.merged, found.details
    assert merged is not None
    assert details is not None
    changed = merged.filter(merged.column("changed"))
    rewritten = changed.filter(pc.is_valid(changed.column("stored_date")))
    rows = [part.select(EXECUTIONS.names).cast(EXECUTIONS) for part in (found.fresh, changed)]
    files = write_rows(lake, "executions", pa.concat_tables(rows))
    removed = without_keys(lake, session, "executions", live_on(snapshot, "executions", rewritten), rewritten["id"])
    files += removed.add
    remove = list(removed.remove)
    for table in _DETAILS:
        rows, replaced = details.rows(table)
        files += write_rows(lake, table, rows)
        gone = without_keys(lake, session, table, live_on(snapshot, table, replaced), replaced["id"])
        files += gone.add
        remove += gone.remove
    return Change(found.outcomes, files, remove)


def stored_ids(lake: LakeTables, snapshot: Snapshot, ids: pa.Array) -> pa.Array:
    """Those of the ids that the lake holds in this snapshot.

    Some milliseconds for 1,000 ids that it does not hold; a file that holds some is read.
    """
    session = lake.session.fork()
    try:
        candidates = lake.id_index.candidates(session, snapshot.files["executions"], ids)
        return rows_of(session, "executions", list(candidates), ids)["id"].combine_chunks()
    finally:
        session.close()
