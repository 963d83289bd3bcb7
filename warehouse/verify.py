"""Checking a lake against its own word: the log, the contract, and a recount."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from warehouse.data_file import STATS_COLUMNS, file_schema
from warehouse.duck import Session, read_sql
from warehouse.errors import QueryError
from warehouse.rollup_cache import RollupCache
from warehouse.scan import attach
from warehouse.schema import TABLES, TableName
from warehouse.snapshot import DataFile, Snapshot
from warehouse.tables import LakeTables

_ROW_CHECKS = (
    "verify_duplicate_ids",
    "verify_orphans",
    "verify_partitions",
    "verify_values",
    "verify_duplicate_details",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    check: str
    table: TableName
    where: str
    """The file, or an example of the rows."""
    message: str
    rows: int
    """How many rows it concerns; 0 where that is not known."""


def verify(lake: LakeTables) -> list[Finding]:
    """Read the whole lake and report what is wrong, most basic first; an empty list is a healthy lake.

    Every live file opens and has the contract's columns; its number of rows and its smallest and largest values are
    those of the log; no id twice; nothing hangs on an execution that is not there; every row lies in its partition;
    the values are those the contract allows; every stored rollup is what its file gives now. Reads every file's narrow
    columns twice; changes nothing.
    """
    snapshot = lake.snapshot()
    session = lake.session.fork()
    try:
        findings = [finding for table in TABLES for finding in _check_files(lake, session, snapshot, table)]
        if not findings:  # a file that does not open would only fail the checks below again
            attach(session, snapshot)
            findings = [finding for check in _ROW_CHECKS for finding in _check_rows(session, check)]
            findings += _check_rollups(lake, snapshot)
        return findings
    finally:
        session.close()


def _check_files(lake: LakeTables, session: Session, snapshot: Snapshot, table: TableName) -> Iterator[Finding]:
    log = lake.log(table).stats()
    logged = {row["path"]: row for row in log.to_pylist()} if log.num_rows else {}
    for file in snapshot.files[table]:
        try:
            yield from _check_file(session, table, file, logged.get(file.name, {}))
        except QueryError as error:
            yield Finding("file opens", table, file.name, f"the file cannot be read: {error}", file.rows)


def _check_file(session: Session, table: TableName, file: DataFile, logged: dict[str, Any]) -> Iterator[Finding]:
    found = [
        name
        for (name,) in session.rows(
            "SELECT name FROM parquet_schema($path) WHERE num_children IS NULL ORDER BY column_id", {"path": file.path}
        )
    ]
    expected = file_schema(table).names
    if set(found) != set(expected):
        odd = sorted(set(found) ^ set(expected))
        yield Finding("columns", table, file.name, f"columns differ from the contract: {', '.join(odd)}", file.rows)
        return
    measures = ", ".join(f'min("{name}"), max("{name}"), count(*) - count("{name}")' for name in STATS_COLUMNS[table])
    ((rows, *values),) = session.rows(
        f"SELECT count(*), {measures} FROM read_parquet($path)", {"path": file.path}, time_limit_s=0
    )
    if rows != file.rows:
        yield Finding("row count", table, file.name, f"the log says {file.rows} rows, the file has {rows}", rows)
    for at, name in enumerate(STATS_COLUMNS[table]):
        least, most, nulls = values[3 * at : 3 * at + 3]
        for word, value in (("min", least), ("max", most), ("null_count", nulls)):
            said = logged.get(f"{word}.{name}")
            if said != value:
                message = f"the log says {word} {name} = {said!r}, the file has {value!r}"
                yield Finding("log statistics", table, file.name, message, rows)


def _check_rows(session: Session, check: str) -> Iterator[Finding]:
    for table, message, example, rows in session.rows(read_sql("warehouse", check), time_limit_s=0):
        yield Finding(check.removeprefix("verify_").replace("_", " "), table, example, message, rows)


def _check_rollups(lake: LakeTables, snapshot: Snapshot) -> Iterator[Finding]:
    with ThreadPoolExecutor(lake.settings.duck.threads or None) as executor:
        rollups = RollupCache(lake.folder("rollups"), executor)
        for file in rollups.differing(snapshot.files["executions"]):
            message = "the stored rollup is not a recount of its file; delete it, it will be built again"
            yield Finding("rollup", "executions", file.name, message, file.rows)
