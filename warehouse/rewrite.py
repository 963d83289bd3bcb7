"""Files without some of their rows: the way rows are updated and deleted in immutable files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from warehouse.data_file import NewFile, write_file
from warehouse.duck import Session
from warehouse.scan import files_query
from warehouse.schema import KEY_COLUMN, SCHEMAS, TableName
from warehouse.snapshot import DataFile
from warehouse.tables import LakeTables


@dataclass(slots=True)
class Rewrite:
    """Files to take out, and the files that hold the rows of theirs that stay."""

    add: list[NewFile] = field(default_factory=list)
    remove: list[DataFile] = field(default_factory=list)


def matching_files(
    session: Session, table: TableName, files: Sequence[DataFile], keys: pa.ChunkedArray | pa.Array
) -> list[DataFile]:
    """Those of the files that hold a row of one of these executions; reads the key column only."""
    if not files or not len(keys):
        return []
    by_path = {file.path: file for file in files}
    with session.tables(wanted=pa.table({"key": keys})):
        found = session.rows(
            f"SELECT DISTINCT filename FROM read_parquet($paths, filename = true) "
            f"SEMI JOIN wanted ON {KEY_COLUMN[table]} = wanted.key",
            {"paths": list(by_path)},
        )
    return sorted((by_path[path] for (path,) in found), key=lambda file: (file.date, file.name))


def rows_of(
    session: Session, table: TableName, files: Sequence[DataFile], keys: pa.ChunkedArray | pa.Array
) -> pa.Table:
    """The rows of these executions in these files, in no particular order, as SCHEMAS[table]."""
    if not files or not len(keys):
        return SCHEMAS[table].empty_table()
    with session.tables(wanted=pa.table({"key": keys})):
        rows = session.table(
            f"SELECT stored.* FROM ({files_query(table, files)}) AS stored "
            f"SEMI JOIN wanted ON stored.{KEY_COLUMN[table]} = wanted.key"
        )
    return rows.cast(SCHEMAS[table])


def without_keys(
    lake: LakeTables, session: Session, table: TableName, files: Sequence[DataFile], keys: pa.ChunkedArray | pa.Array
) -> Rewrite:
    """Write the files that hold rows of these executions anew without them, order kept; the others stay as they are."""
    rewrite = Rewrite()
    for file in matching_files(session, table, files, keys):
        rewrite.remove.append(file)
        with (
            session.tables(unwanted=pa.table({"key": keys})),
            session.reader(
                f"SELECT * EXCLUDE (file_row_number) FROM read_parquet($path, file_row_number = true) "
                f"ANTI JOIN unwanted ON {KEY_COLUMN[table]} = unwanted.key ORDER BY file_row_number",
                {"path": file.path},
            ) as rows,
        ):
            new = write_file(lake.location, table, file.date, rows, row_group_rows=lake.settings.row_group_rows[table])
        if new.rows:
            rewrite.add.append(new)
        else:
            lake.location.remove(f"{table}/{new.name}")
    return rewrite
