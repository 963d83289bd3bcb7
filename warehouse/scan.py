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


def over_files(view: str, table: TableName, files: Sequence[DataFile], sql: str) -> str:
    """The query `sql` with exactly these files of `table` as what it calls `view`: planned in one go, nothing is left
    behind in the session.
    """
    return over(view, files_query(table, files), sql)


def over(view: str, source: str, sql: str) -> str:
    """The query `sql` with the query `source` as what it calls `view`."""
    return f'WITH "{view}" AS NOT MATERIALIZED ({source})\n{sql}'


def files_query(table: TableName, files: Sequence[DataFile], *, named: bool = False) -> str:
    """SQL that reads exactly these files with the table's columns in order (hive partition `date` included).

    With `named` there is a column `filename` after them: the file's path.
    """
    if not files:
        nulls = ", ".join(f'NULL::{_SQL_TYPES[field.type]} AS "{field.name}"' for field in SCHEMAS[table])
        return f"SELECT {nulls}{', NULL::VARCHAR AS filename' if named else ''} WHERE false"
    return f"SELECT {_columns(table)}{', filename' if named else ''} FROM {_read(files, 'filename' if named else '')}"


def slices_query(table: TableName, slices: Sequence[tuple[DataFile, int, int]]) -> str:
    """SQL that reads rows first..last-1 of each of these files, at least one, with the table's columns in order."""
    parts = (
        f"SELECT {_columns(table)} FROM {_read([file], 'file_row_number')} "
        f"WHERE file_row_number >= {first} AND file_row_number < {last}"
        for file, first, last in slices
    )
    return " UNION ALL ".join(parts)


def _columns(table: TableName) -> str:
    return ", ".join(f'"{field.name}"' for field in SCHEMAS[table])


def _read(files: Sequence[DataFile], extra: str) -> str:
    paths = ", ".join("'" + file.path.replace("'", "''") + "'" for file in files)
    more = f", {extra} = true" if extra else ""
    return f"read_parquet([{paths}], hive_partitioning = true, hive_types = {{'date': DATE}}{more})"
