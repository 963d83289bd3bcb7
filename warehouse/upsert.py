"""Bringing a batch of records into the lake: insert the new, update the older, leave the same alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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

__all__ = ["WriteCounts", "WriteOutcomes", "Written", "plan_write", "stored_ids", "write"]

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


@dataclass(frozen=True, slots=True)
class Written:
    """What a write makes of the executions that it adds or changes."""

    executions: pa.Table
    """As they will be: the columns of EXECUTIONS (and perhaps record_no), an id once."""
    node_runs: pa.Table
    """The node runs that are written with them, all of an execution or none."""
    before: pa.Table
    """As executions of the batch are now: EXECUTIONS; the new ones are not there."""
    nodes_before: Callable[[pa.Array], pa.Table]
    """ids -> the node runs that these of them have now."""


def plan_write(
    lake: LakeTables,
    session: Session,
    snapshot: Snapshot,
    batch: Batch,
    note: Callable[[Written], None] | None = None,
) -> Change[WriteOutcomes]:
    """The change that brings the batch into this snapshot of the lake; its new files are written.

    note: told of what changes, before the answer; not at all when nothing does.
    """
    before = EXECUTIONS.empty_table()

    def stored_of(ids: pa.ChunkedArray) -> pa.Table:
        nonlocal before
        files = lake.id_index.candidates(session, snapshot.files["executions"], ids)
        before = rows_of(session, "executions", list(files), ids)
        return before

    def details_of(table: TableName, merged: pa.Table) -> pa.Table:
        return rows_of(session, table, live_on(snapshot, table, merged), merged["id"])

    def nodes_before(ids: pa.Array) -> pa.Table:
        days = set(before["date"].filter(pc.is_in(before["id"], value_set=ids)).to_pylist())
        files = [file for file in snapshot.files["node_runs"] if file.date in days]
        return rows_of(session, "node_runs", files, ids)

    def noted(executions: pa.Table, node_runs: pa.Table) -> None:
        if note is not None:
            note(Written(executions, node_runs, before, nodes_before))

    merged = merge(session, batch, stored_of, details_of)
    if not merged.changes:
        return Change(merged.outcomes)
    if merged.merged is None:
        noted(batch.executions, batch.node_runs)
        with ThreadPoolExecutor(len(TABLES)) as pool:  # encoding releases the interpreter: the tables share the cores
            written = list(pool.map(lambda table: write_rows(lake, table, batch.table(table)), TABLES))
        return Change(merged.outcomes, [file for files in written for file in files])
    return _rewrite(lake, session, snapshot, merged, noted)


def _rewrite(
    lake: LakeTables,
    session: Session,
    snapshot: Snapshot,
    found: Merged,
    noted: Callable[[pa.Table, pa.Table], None],
) -> Change[WriteOutcomes]:
    """New files for what is new or other, and for the rows that stay in files that lose some."""
    merged, details = found.merged, found.details
    assert merged is not None
    assert details is not None
    changed = merged.filter(merged.column("changed"))
    rewritten = changed.filter(pc.is_valid(changed.column("stored_date")))
    executions = pa.concat_tables([part.select(EXECUTIONS.names).cast(EXECUTIONS) for part in (found.fresh, changed)])
    files = write_rows(lake, "executions", executions)
    removed = without_keys(lake, session, "executions", live_on(snapshot, "executions", rewritten), rewritten["id"])
    files += removed.add
    remove = list(removed.remove)
    for table in _DETAILS:
        rows, replaced = details.rows(table)
        if table == "node_runs":
            noted(executions, rows)
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
