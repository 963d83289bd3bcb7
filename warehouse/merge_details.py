"""What hangs on executions that came more than once: whose node runs, payloads and log lines count from now on."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.duck import Session, read_sql
from warehouse.schema import SCHEMAS, Batch, TableName
from warehouse.snapshot import DataFile, Snapshot

StoredDetails = Callable[[TableName, pa.Table], pa.Table]
"""(table, rows of merge_versions.sql) -> the stored rows of these executions in that table, SCHEMAS[table]."""


class DetailMerge:
    """Which rows of node_runs, payloads and logs to write, and which stored ones they replace."""

    def __init__(
        self,
        session: Session,
        stored: StoredDetails,
        batch: Batch,
        fresh: pa.Table,
        merged: pa.Table,
        *,
        whole: bool = False,
    ) -> None:
        self._session, self._stored, self._batch, self._fresh = session, stored, batch, fresh
        self._merged = merged
        moved = pc.and_(pc.is_valid(merged["stored_date"]), pc.not_equal(merged["stored_date"], merged["date"]))
        self._moved = pc.fill_null(moved, False)
        self._carry = pc.is_valid(merged["stored_date"]) if whole else self._moved
        """Executions whose stored rows are written anew, if they stay."""
        self._new_logs, self._old_logs = self._merge_logs()
        self.log_ids = flat(pc.unique(self._new_logs.column("execution_id")))
        """Contested ids that get log lines which the lake does not have."""

    def rows(self, table: TableName) -> tuple[pa.Table, pa.Table]:
        """(rows to write, merged rows whose stored rows of this table go)."""
        fresh = self._of_records(table, self._fresh.select(["record_no", "date"]))
        if table == "logs":
            replaced = self._merged.filter(pc.or_(self._carry, pc.is_in(self._merged["id"], value_set=self.log_ids)))
            return pa.concat_tables([fresh, self._new_logs, self._old_logs]), replaced
        what = "nodes" if table == "node_runs" else "payloads"
        giver = self._merged[f"{what}_record"]
        from_batch = pc.fill_null(pc.greater_equal(giver, 0), False)
        chosen = self._merged.filter(from_batch)
        taken = self._of_records(table, pa.table({"record_no": giver.filter(from_batch), "date": chosen["date"]}))
        keep = pc.and_(self._carry, pc.fill_null(pc.equal(giver, -1), False))
        carried = self._carried(table, self._merged.filter(keep))
        stored = pc.is_valid(self._merged["stored_date"])
        gone = pc.or_(keep, pc.or_(pc.and_(from_batch, stored), self._merged[f"drops_{what}"]))
        replaced = self._merged.filter(gone)
        return pa.concat_tables([fresh, taken, carried]), replaced

    def _of_records(self, table: TableName, records: pa.Table) -> pa.Table:
        """The batch's rows of these records, with the date that their execution now has."""
        rows = self._batch.table(table)
        at = pc.index_in(rows["record_no"], value_set=flat(records["record_no"]))
        mine = pc.is_valid(at)
        days = records["date"].take(at.filter(mine))
        return _with_date(rows.filter(mine).select(SCHEMAS[table].names).cast(SCHEMAS[table]), days)

    def _carried(self, table: TableName, moved: pa.Table) -> pa.Table:
        """The stored rows of executions whose rows must be written anew."""
        if not moved.num_rows:
            return SCHEMAS[table].empty_table()
        rows = self._stored(table, moved)
        at = pc.index_in(rows["execution_id"], value_set=flat(moved["id"]))
        return _with_date(rows, moved["date"].take(at))

    def _merge_logs(self) -> tuple[pa.Table, pa.Table]:
        """(lines of contested executions that are new, stored lines that must be written beside them)."""
        names = SCHEMAS["logs"].names
        none = SCHEMAS["logs"].empty_table()
        contested = self._batch.executions.filter(
            pc.is_in(self._batch.executions["id"], value_set=flat(self._merged["id"]))
        )
        lines = self._batch.logs.filter(pc.is_in(self._batch.logs["record_no"], value_set=flat(contested["record_no"])))
        stored = self._stored("logs", self._merged)
        if not lines.num_rows and not (stored.num_rows and pc.any(self._carry).as_py()):
            return none, none
        merged = self._merged.select(["id", "date"])
        sql = read_sql("warehouse", "merge_logs")
        union = self._session.table_over(sql, incoming=lines, stored=stored, merged=merged)
        is_new = union["is_new"]
        new = union.filter(is_new).select(names).cast(SCHEMAS["logs"])
        others = pa.concat_arrays([flat(pc.unique(new["execution_id"])), flat(self._merged["id"].filter(self._moved))])
        beside = pc.is_in(union["execution_id"], value_set=others)
        old = union.filter(pc.and_(pc.invert(is_new), beside)).select(names).cast(SCHEMAS["logs"])
        as_they_are = pc.and_(
            pc.is_in(stored["execution_id"], value_set=flat(self._merged["id"].filter(self._carry))),
            pc.invert(pc.is_in(stored["execution_id"], value_set=others)),
        )
        return new, pa.concat_tables([old, stored.filter(as_they_are).select(names).cast(SCHEMAS["logs"])])


def live_on(snapshot: Snapshot, table: TableName, merged: pa.Table) -> list[DataFile]:
    """Live files of the dates on which the lake has these executions now."""
    days = set(pc.unique(merged["stored_date"]).to_pylist())
    return [file for file in snapshot.files[table] if file.date in days]


def _with_date(rows: pa.Table, days: pa.ChunkedArray) -> pa.Table:
    at = rows.schema.get_field_index("date")
    return rows.set_column(at, rows.schema.field(at), days)


def flat(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
