"""The four tables as SQL views over the live files of a snapshot, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import pyarrow as pa

from warehouse.duck import Session
from warehouse.schema import SCHEMAS, TABLES, TableName
from warehouse.snapshot import DataFile, Snapshot

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def attach(
    session: Session,
    snapshot: Snapshot,
    since: datetime | None = None,
    until: datetime | None = None,
    tables: Iterable[TableName] = TABLES,
) -> None:
    """Make the tables visible in the session as views `executions`, `node_runs`, … of this snapshot.

    Only files whose date can hold executions placed in [since, until) are in the views; the exact condition on the
    instants is still the query's own. The views are private to the session and replace earlier ones.
    """
    for table in tables:
        attach_files(session, table, table, snapshot.live(table, since, until))


def attach_files(session: Session, view: str, table: TableName, files: Sequence[DataFile]) -> None:
    """One view of that name over exactly these files of `table`; an empty one, well typed, over none."""
    session.run(f'CREATE OR REPLACE TEMP VIEW "{view}" AS {files_query(table, files)}')


def files_query(table: TableName, files: Sequence[DataFile]) -> str:
    """SQL that reads exactly these files with the table's columns in order (hive partition `date` included)."""
    if not files:
        nulls = ", ".join(f'NULL::{_SQL_TYPES[field.type]} AS "{field.name}"' for field in SCHEMAS[table])
        return f"SELECT {nulls} WHERE false"
    columns = ", ".join(f'"{field.name}"' for field in SCHEMAS[table])
    paths = ", ".join("'" + file.path.replace("'", "''") + "'" for file in files)
    return f"SELECT {columns} FROM read_parquet([{paths}], hive_partitioning = true, hive_types = {{'date': DATE}})"
