"""Retention: whole partitions that are older than a table's age go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from warehouse.schema import TABLES, TableName
from warehouse.snapshot import DataFile, Snapshot
from warehouse.tables import Change, LakeTables


def retain(
    lake: LakeTables, now: datetime, *, days: Mapping[TableName, int | None] | None = None, dry_run: bool = False
) -> dict[TableName, int]:
    """Drop partitions older than the table's age (settings.retention_days, or `days`); rows dropped, by table.

    An age of N keeps the partitions of the last N UTC dates, today's included. What hangs on an execution never
    outlives it. One atomic change; no file is opened. With dry_run nothing changes.
    """
    ages = dict(lake.settings.retention_days) | dict(days or {})

    def plan(snapshot: Snapshot) -> Change[dict[TableName, int]]:
        remove: list[DataFile] = []
        dropped: dict[TableName, int] = {}
        for table in TABLES:
            first = max(_first_kept(ages.get(table), now), _first_kept(ages.get("executions"), now))
            old = [file for file in snapshot.files[table] if file.date < first]
            dropped[table] = sum(file.rows for file in old)
            remove += old
        return Change(dropped, remove=() if dry_run else remove)

    return lake.change(plan)


def _first_kept(age_days: int | None, now: datetime) -> date:
    return date.min if age_days is None else now.date() - timedelta(days=age_days - 1)
