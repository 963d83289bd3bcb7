"""Lakes written by hand, file by file, so that statistics are tested without the code that loads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.schema import MODES, SCHEMAS, STATUSES, TABLES, TableName
from warehouse.snapshot import DataFile, Snapshot

Row = Mapping[str, Any]

_REQUIRED = {"source": "runlake", "source_status": "x", "source_mode": "x", "status": "success", "mode": "webhook"}


def execution(
    number: int | str,
    at: datetime,
    *,
    duration_s: float | None = 1.0,
    queued: bool = False,
    **columns: Any,
) -> dict[str, Any]:
    """A row of `executions` placed at `at`; a queued one has no start."""
    return {
        **_REQUIRED,
        "id": str(number),
        "workflow_id": "w",
        "started_at": None if queued else at,
        "created_at": at,
        "updated_at": at + timedelta(seconds=duration_s or 0),
        "duration_s": None if queued else duration_s,
        **({"status": "queued"} if queued else {}),
        **columns,
    }


def node_run(execution_id: int | str, order: int, **columns: Any) -> dict[str, Any]:
    """A row of `node_runs`."""
    return {
        "execution_id": str(execution_id),
        "workflow_id": "w",
        "node_id": f"n{order}",
        "run_index": 0,
        "order_index": order,
        "status": "success",
        **columns,
    }


@dataclass
class HandLake:
    """Rows by table, written as immutable files; every change makes a new snapshot."""

    folder: Path
    snapshot: Snapshot
    written: int = 0

    @classmethod
    def create(cls, folder: Path) -> HandLake:
        return cls(folder, Snapshot(0, dict.fromkeys(TABLES, ())))

    def add(self, table: TableName, rows: Sequence[Row]) -> None:
        """One new file for each date among the rows."""
        days: dict[Any, list[dict[str, Any]]] = {}
        for row in rows:
            day = row.get("date") or (row["started_at"] or row["created_at"]).astimezone(UTC).date()
            days.setdefault(day, []).append({**row, "date": day})
        files = [self._write(table, day, members) for day, members in days.items()]
        self._commit(table, [*self.snapshot.files[table], *files])

    def replace_file(self, table: TableName, file: DataFile, rows: Sequence[Row]) -> None:
        """What an update, a delete or a compaction does: other files take the place of one."""
        self._commit(table, [other for other in self.snapshot.files[table] if other != file])
        self.add(table, rows)

    def frame(self, table: TableName) -> pl.DataFrame:
        """All rows as Polars reads them from the live files, the reference's only source."""
        frames = [pl.read_parquet(file.path, hive_partitioning=True) for file in self.snapshot.files[table]]
        if not frames:
            empty = pl.from_arrow(SCHEMAS[table].empty_table())
            assert isinstance(empty, pl.DataFrame)
            return empty
        return pl.concat(frames, how="diagonal_relaxed")

    def _write(self, table: TableName, day: Any, rows: list[dict[str, Any]]) -> DataFile:
        self.written += 1
        if table == "executions":  # the order that files of the lake have
            rows = sorted(rows, key=lambda row: (row["started_at"] or row["created_at"], row["id"]))
        name = f"date={day}/part-{self.written:05d}.parquet"
        path = self.folder / table / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = [field for field in SCHEMAS[table] if field.name != "date"]
        data = pa.Table.from_pylist(
            [{field.name: row.get(field.name) for field in fields} for row in rows], pa.schema(fields)
        )
        pq.write_table(data, path, compression="zstd")
        return DataFile(table, name, str(path), day, len(rows), path.stat().st_size, None, None)

    def _commit(self, table: TableName, files: list[DataFile]) -> None:
        ordered = tuple(sorted(files, key=lambda file: (file.date, file.name)))
        files_by_table = {**self.snapshot.files, table: ordered}
        self.snapshot = replace(self.snapshot, version=self.snapshot.version + 1, files=files_by_table)


def random_executions(seed: int, count: int, first: datetime, days: float, workflows: int = 5) -> list[dict[str, Any]]:
    """Rows by rule: all statuses and modes, some without workflow, name, start or duration; many on full hours."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        offset_s = float(rng.uniform(0, days * 86_400))
        if rng.random() < 0.3:
            offset_s = offset_s // 1800 * 1800  # exactly on the borders of steps
        at = first + timedelta(microseconds=round(offset_s * 1e6))
        status = STATUSES[rng.choice(6, p=[0.05, 0.05, 0.6, 0.15, 0.1, 0.05])]
        workflow = int(rng.integers(0, workflows + 1))
        finished = status not in ("queued", "running")
        timed = finished and rng.random() < 0.9
        rows.append(
            execution(
                f"{seed}-{number}",
                at,
                duration_s=float(rng.choice([0.0, 0.001, *np.round(rng.lognormal(0, 3, 8), 3)])) if timed else None,
                queued=status == "queued",
                status=status,
                mode=MODES[rng.integers(0, len(MODES))],
                workflow_id=None if workflow == workflows else f"wf_{workflow}",
                workflow_name=None if rng.random() < 0.3 else f"name {rng.integers(0, 3)}",
                queue_time_s=None if rng.random() < 0.5 else round(float(rng.exponential(2)), 3),
                updated_at=at + timedelta(seconds=float(rng.integers(0, 100))),
            )
        )
    return rows
