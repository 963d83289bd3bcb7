"""Bringing a batch of records into the lake: insert the new, update the older, leave the same alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.duck import Session, read_sql
from warehouse.merge_details import DetailMerge, flat, live_on
from warehouse.rewrite import matching_files, rows_of, without_keys
from warehouse.schema import EXECUTIONS, TABLES, Batch, TableName
from warehouse.snapshot import Snapshot
from warehouse.tables import Change, LakeTables
from warehouse.write_rows import write_rows

_DETAILS: tuple[TableName, ...] = ("node_runs", "payloads", "logs")


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """What became of the records of a batch; the three add up to its number of records."""

    new: int
    """Ids that the lake did not have."""
    updated: int
    """Ids whose record, or what hangs on it, is now another."""
    unchanged: int
    """Records that changed nothing: already there, or older than another record of the same id."""


def write(lake: LakeTables, batch: Batch) -> WriteCounts:
    """Upsert one batch by id in one atomic change; loading the same batch again changes nothing.

    Memory: the batch, plus the stored rows of the ids that are in both. Raises LakeBusyError, CommitConflictError.
    """
    if not batch.executions.num_rows:
        return WriteCounts(0, 0, 0)
    session = lake.session.fork()
    try:
        return lake.change(lambda snapshot: _plan(lake, session, snapshot, batch))
    finally:
        session.close()


def _plan(lake: LakeTables, session: Session, snapshot: Snapshot, batch: Batch) -> Change[WriteCounts]:
    ids = batch.executions.column("id")
    twice = _repeated(ids)
    stored = _stored(session, snapshot, ids)
    if twice is None and not stored.num_rows:
        with ThreadPoolExecutor(len(TABLES)) as pool:  # encoding releases the interpreter: the tables share the cores
            written = list(pool.map(lambda table: write_rows(lake, table, batch.table(table)), TABLES))
        files = [file for files in written for file in files]
        return Change(WriteCounts(batch.executions.num_rows, 0, 0), files)
    contested = flat(pc.unique(pa.chunked_array([*stored["id"].chunks, *([] if twice is None else [twice])])))
    same = _same(session, batch, stored, twice)
    if len(same) == batch.executions.num_rows:
        return Change(WriteCounts(0, 0, len(same)))
    contested = contested.filter(pc.invert(pc.is_in(contested, value_set=same)))
    stored = stored.filter(pc.invert(pc.is_in(stored["id"], value_set=same)))
    change = _merge(lake, session, snapshot, _without(batch, same), stored, contested)
    counts = replace(change.outcome, unchanged=change.outcome.unchanged + len(same))
    return replace(change, outcome=counts)


def _same(session: Session, batch: Batch, stored: pa.Table, twice: pa.Array | None) -> pa.Array:
    """Ids of records that the lake holds exactly so: the bulk of a second load, told apart cheaply."""
    unclear = pc.unique(batch.logs["execution_id"])
    if twice is not None:
        unclear = pa.concat_arrays([unclear, twice])
    clear = pc.invert(pc.is_in(batch.executions["id"], value_set=unclear))
    with session.tables(incoming=batch.executions.filter(clear), stored=stored):
        return flat(session.table(read_sql("warehouse", "merge_same"))["id"])


def _without(batch: Batch, ids: pa.Array) -> Batch:
    """The batch without the records of these ids, each of which has one record."""
    if not len(ids):
        return batch
    gone = pc.is_in(batch.executions["id"], value_set=ids)
    kept = flat(batch.executions["record_no"].filter(pc.invert(gone)))
    tables = (batch.table(table) for table in TABLES)
    return Batch(*(rows.filter(pc.is_in(rows["record_no"], value_set=kept)) for rows in tables))


def _merge(
    lake: LakeTables, session: Session, snapshot: Snapshot, batch: Batch, stored: pa.Table, contested: pa.Array
) -> Change[WriteCounts]:
    is_contested = pc.is_in(batch.executions.column("id"), value_set=contested)
    fresh = batch.executions.filter(pc.invert(is_contested))
    with session.tables(incoming=batch.executions.filter(is_contested), stored=stored):
        merged = session.table(read_sql("warehouse", "merge_versions"))
    details = DetailMerge(session, snapshot, batch, fresh, merged)
    touched = merged.filter(pc.or_(merged.column("changed"), pc.is_in(merged.column("id"), value_set=details.log_ids)))
    is_new = pc.is_null(touched.column("stored_date"))
    new = fresh.num_rows + int(pc.sum(is_new).as_py() or 0)
    updated = touched.num_rows + fresh.num_rows - new
    counts = WriteCounts(new, updated, batch.executions.num_rows - new - updated)
    if not new + updated:
        return Change(counts)

    changed = merged.filter(merged.column("changed"))
    rewritten = changed.filter(pc.is_valid(changed.column("stored_date")))
    rows = [part.select(EXECUTIONS.names).cast(EXECUTIONS) for part in (fresh, changed)]
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
    return Change(counts, files, remove)


def _repeated(ids: pa.ChunkedArray) -> pa.Array | None:
    """The ids that occur more than once. None: there are none."""
    if pc.count_distinct(ids).as_py() == len(ids):
        return None
    counts = pc.value_counts(ids)
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))


def _stored(session: Session, snapshot: Snapshot, ids: pa.ChunkedArray) -> pa.Table:
    """The lake's rows of these ids; only files whose range of ids meets theirs are opened."""
    ends = pc.min_max(ids).as_py()
    files = [
        file
        for file in snapshot.files["executions"]
        if file.min_key is None or file.max_key is None or (file.min_key <= ends["max"] and ends["min"] <= file.max_key)
    ]
    files = matching_files(session, "executions", files, ids)
    return rows_of(session, "executions", files, ids)
