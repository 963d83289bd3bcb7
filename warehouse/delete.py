"""Taking executions out of the lake, with everything that hangs on them."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from warehouse.data_file import NewFile
from warehouse.duck import Session
from warehouse.rewrite import rows_of, without_keys
from warehouse.schema import TABLES
from warehouse.snapshot import DataFile, Snapshot
from warehouse.tables import Change, LakeTables


def delete(lake: LakeTables, ids: Iterable[str]) -> int:
    """Remove these executions from all four tables in one atomic change; how many of the ids the lake had.

    No reader sees them from then on. The bytes go at the next `vacuum` that is older than its waiting time.
    """
    wanted = pa.array(sorted(set(ids)), pa.string())
    if not len(wanted):
        return 0
    session = lake.session.fork()
    try:
        return lake.change(lambda snapshot: plan_delete(lake, session, snapshot, wanted)[0])
    finally:
        session.close()


def plan_delete(lake: LakeTables, session: Session, snapshot: Snapshot, ids: pa.Array) -> tuple[Change[int], pa.Table]:
    """The change that takes these out of this snapshot of the lake, and the rows of `executions` that go with it."""
    files = lake.id_index.candidates(session, snapshot.files["executions"], ids)
    found = rows_of(session, "executions", list(files), ids)
    if not found.num_rows:
        return Change(0), found
    days = set(found["date"].to_pylist())
    add: list[NewFile] = []
    remove: list[DataFile] = []
    for table in TABLES:
        live = [file for file in snapshot.files[table] if file.date in days]
        rewrite = without_keys(lake, session, table, live, found["id"])
        add += rewrite.add
        remove += rewrite.remove
    return Change(found.num_rows, add, remove), found
