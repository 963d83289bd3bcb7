"""Bringing a batch of records into the lake: insert the new, update the older, leave the same alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.data_file import NewFile, write_file
from warehouse.duck import Session, read_sql
from warehouse.rewrite import matching_files, rows_of, without_keys
from warehouse.schema import EXECUTIONS, SCHEMAS, TABLES, Batch, TableName
from warehouse.snapshot import DataFile, Snapshot
from warehouse.tables import Change, LakeTables

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
        files = [file for table in TABLES for file in write_rows(lake, table, batch.table(table))]
        return Change(WriteCounts(batch.executions.num_rows, 0, 0), files)
    contested = _flat(pc.unique(pa.chunked_array([*stored["id"].chunks, *([] if twice is None else [twice])])))
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
        return _flat(session.table(read_sql("warehouse", "merge_same"))["id"])


def _without(batch: Batch, ids: pa.Array) -> Batch:
    """The batch without the records of these ids, each of which has one record."""
    if not len(ids):
        return batch
    gone = pc.is_in(batch.executions["id"], value_set=ids)
    kept = _flat(batch.executions["record_no"].filter(pc.invert(gone)))
    tables = (batch.table(table) for table in TABLES)
    return Batch(*(rows.filter(pc.is_in(rows["record_no"], value_set=kept)) for rows in tables))


def _merge(
    lake: LakeTables, session: Session, snapshot: Snapshot, batch: Batch, stored: pa.Table, contested: pa.Array
) -> Change[WriteCounts]:
    is_contested = pc.is_in(batch.executions.column("id"), value_set=contested)
    fresh = batch.executions.filter(pc.invert(is_contested))
    with session.tables(incoming=batch.executions.filter(is_contested), stored=stored):
        merged = session.table(read_sql("warehouse", "merge_versions"))
    details = _DetailMerge(session, snapshot, batch, fresh, merged)
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
    removed = without_keys(lake, session, "executions", _live_on(snapshot, "executions", rewritten), rewritten["id"])
    files += removed.add
    remove = list(removed.remove)
    for table in _DETAILS:
        rows, replaced = details.rows(table)
        files += write_rows(lake, table, rows)
        gone = without_keys(lake, session, table, _live_on(snapshot, table, replaced), replaced["id"])
        files += gone.add
        remove += gone.remove
    return Change(counts, files, remove)


class _DetailMerge:
    """Which rows of node_runs, payloads and logs to write, and which stored ones they replace."""

    def __init__(self, session: Session, snapshot: Snapshot, batch: Batch, fresh: pa.Table, merged: pa.Table) -> None:
        self._session, self._snapshot, self._batch, self._fresh = session, snapshot, batch, fresh
        self._merged = merged
        moved = pc.and_(pc.is_valid(merged["stored_date"]), pc.not_equal(merged["stored_date"], merged["date"]))
        self._moved = pc.fill_null(moved, False)
        self._new_logs, self._old_logs = self._merge_logs()
        self.log_ids = _flat(pc.unique(self._new_logs.column("execution_id")))
        """Contested ids that get log lines which the lake does not have."""

    def rows(self, table: TableName) -> tuple[pa.Table, pa.Table]:
        """(rows to write, merged rows whose stored rows of this table go)."""
        fresh = self._of_records(table, self._fresh.select(["record_no", "date"]))
        if table == "logs":
            replaced = self._merged.filter(pc.or_(self._moved, pc.is_in(self._merged["id"], value_set=self.log_ids)))
            return pa.concat_tables([fresh, self._new_logs, self._old_logs]), replaced
        what = "nodes" if table == "node_runs" else "payloads"
        giver = self._merged[f"{what}_record"]
        from_batch = pc.fill_null(pc.greater_equal(giver, 0), False)
        chosen = self._merged.filter(from_batch)
        taken = self._of_records(table, pa.table({"record_no": giver.filter(from_batch), "date": chosen["date"]}))
        keep = pc.and_(self._moved, pc.invert(from_batch))
        carried = self._carried(table, self._merged.filter(keep))
        stored = pc.is_valid(self._merged["stored_date"])
        gone = pc.or_(keep, pc.or_(pc.and_(from_batch, stored), self._merged[f"drops_{what}"]))
        replaced = self._merged.filter(gone)
        return pa.concat_tables([fresh, taken, carried]), replaced

    def _of_records(self, table: TableName, records: pa.Table) -> pa.Table:
        """The batch's rows of these records, with the date that their execution now has."""
        rows = self._batch.table(table)
        at = pc.index_in(rows["record_no"], value_set=_flat(records["record_no"]))
        mine = pc.is_valid(at)
        days = records["date"].take(at.filter(mine))
        return _with_date(rows.filter(mine).select(SCHEMAS[table].names).cast(SCHEMAS[table]), days)

    def _carried(self, table: TableName, moved: pa.Table) -> pa.Table:
        """The stored rows of executions that changed their date."""
        files = _live_on(self._snapshot, table, moved)
        if not moved.num_rows or not files:
            return SCHEMAS[table].empty_table()
        rows = rows_of(self._session, table, files, moved["id"])
        at = pc.index_in(rows["execution_id"], value_set=_flat(moved["id"]))
        return _with_date(rows, moved["date"].take(at))

    def _merge_logs(self) -> tuple[pa.Table, pa.Table]:
        """(lines of contested executions that are new, stored lines that must be written beside them)."""
        names = SCHEMAS["logs"].names
        none = SCHEMAS["logs"].empty_table()
        contested = self._batch.executions.filter(
            pc.is_in(self._batch.executions["id"], value_set=_flat(self._merged["id"]))
        )
        lines = self._batch.logs.filter(
            pc.is_in(self._batch.logs["record_no"], value_set=_flat(contested["record_no"]))
        )
        files = _live_on(self._snapshot, "logs", self._merged)
        stored = rows_of(self._session, "logs", files, self._merged["id"]) if files else none
        if not lines.num_rows and not pc.any(self._moved).as_py():
            return none, none
        with self._session.tables(incoming=lines, stored=stored, merged=self._merged.select(["id", "date"])):
            union = self._session.table(read_sql("warehouse", "merge_logs"))
        is_new = union["is_new"]
        new = union.filter(is_new).select(names).cast(SCHEMAS["logs"])
        ids = pc.unique(new["execution_id"])
        beside = pc.or_(
            pc.is_in(union["execution_id"], value_set=_flat(ids)),
            pc.is_in(union["execution_id"], value_set=_flat(self._merged["id"].filter(self._moved))),
        )
        old = union.filter(pc.and_(pc.invert(is_new), beside)).select(names).cast(SCHEMAS["logs"])
        return new, old


def write_rows(lake: LakeTables, table: TableName, rows: pa.Table) -> list[NewFile]:
    """New files with these rows, one or more a date, sorted; the columns are SCHEMAS[table] (record_no ignored)."""
    if not rows.num_rows:
        return []
    rows = sort_rows(table, rows)
    settings = lake.settings
    return [
        write_file(lake.location, table, day, part, row_group_rows=settings.row_group_rows[table])
        for day, part in _by_date(rows, settings.file_rows[table])
    ]


def sort_rows(table: TableName, rows: pa.Table) -> pa.Table:
    """Rows in the order files have: date, then the table's instant, then the execution's id."""
    if table == "executions":
        instant = pc.coalesce(rows["started_at"], rows["created_at"])
    elif table == "node_runs":
        instant = rows["started_at"]
    elif table == "logs":
        instant = rows["logged_at"]
    else:
        instant = None
    keys = {"date": rows["date"]}
    if instant is not None:
        keys["instant"] = instant
    if _is_sorted(keys):
        return rows
    tie = "id" if table == "executions" else "execution_id"
    order = pc.sort_indices(
        pa.table(keys | {"tie": rows[tie]}),
        sort_keys=[(name, "ascending", "at_start") for name in (*keys, "tie")],
    )
    return rows.take(order)


def _is_sorted(keys: dict[str, pa.ChunkedArray]) -> bool:
    day = keys["date"].cast(pa.int32()).to_numpy()
    step = np.diff(day)
    if (step < 0).any():
        return False
    if "instant" in keys:
        instant = pc.fill_null(keys["instant"].cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
        return not ((step == 0) & (np.diff(instant) < 0)).any()
    return True


def _by_date(rows: pa.Table, file_rows: int) -> Iterator[tuple[date, pa.Table]]:
    days = rows["date"].cast(pa.int32()).to_numpy()
    borders = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), rows.num_rows]
    for start, end in pairwise(borders):
        day = rows["date"][start].as_py()
        for offset in range(start, end, file_rows):
            yield day, rows.slice(offset, min(file_rows, end - offset))


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


def _live_on(snapshot: Snapshot, table: TableName, merged: pa.Table) -> list[DataFile]:
    """Live files of the dates on which the lake has these executions now."""
    days = set(pc.unique(merged["stored_date"]).to_pylist())
    return [file for file in snapshot.files[table] if file.date in days]


def _with_date(rows: pa.Table, days: pa.ChunkedArray) -> pa.Table:
    at = rows.schema.get_field_index("date")
    return rows.set_column(at, rows.schema.field(at), days)


def _flat(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
