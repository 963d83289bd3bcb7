"""The executions of a lake in a PostgreSQL cluster as n8n would keep them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import psycopg
import pyarrow as pa
import pyarrow.csv as arrow_csv

import warehouse
from tests.bench import postgres_cluster
from tests.bench.reference import bench_sql, yardstick_session
from warehouse.scan import attach

ASKED_ROWS: Final = 20_000
"""Of so many executions, spread evenly, both ids are known."""

_COPY: Final = (
    'COPY execution_entity (id, finished, mode, status, "createdAt", "startedAt", "stoppedAt", "workflowId", '
    '"jsonSizeBytes") FROM STDIN (FORMAT csv)'
)


def load(folder: Path, lake: Path) -> None:
    """Make the cluster in `folder` and fill it: about 3 minutes and 3 GB for ten million executions."""
    postgres_cluster.make(folder)
    with postgres_cluster.running(folder) as conninfo, psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(bench_sql("n8n_schema").encode())
        _copy(connection, lake)
        connection.execute("SELECT setval('execution_entity_id_seq', (SELECT max(id) FROM execution_entity))")
        for statement in bench_sql("n8n_indexes").split(";\n"):
            connection.execute(statement.encode())
        # So that every question finds it as it would be after some quiet hours, index-only scans included.
        connection.execute("VACUUM (ANALYZE, FREEZE)")
        connection.execute("CHECKPOINT")


def _copy(connection: psycopg.Connection[tuple[object, ...]], lake: Path) -> None:
    session = yardstick_session()
    try:
        with warehouse.open(lake) as house:
            snapshot = house.snapshot()
            attach(session, snapshot, tables=("executions",))
            every = max(1, snapshot.rows("executions") // ASKED_ROWS)
            names: dict[str, str] = {}
            asked: list[tuple[int, str]] = []
            with session.reader(bench_sql("n8n_rows"), time_limit_s=0) as rows, connection.cursor() as cursor:
                with cursor.copy(_COPY.encode()) as copy:
                    for batch in rows:
                        copy.write(_csv(batch.drop_columns(["runlake_id", "workflow_name"])))
                        names |= _names(batch)
                        asked += _some(batch, every)
                cursor.executemany("INSERT INTO workflow_entity VALUES (%s, %s)", list(names.items()))
                cursor.executemany("INSERT INTO asked VALUES (%s, %s)", asked)
    finally:
        session.close()


def _csv(batch: pa.RecordBatch) -> bytes:
    written = io.BytesIO()
    arrow_csv.write_csv(batch, written, arrow_csv.WriteOptions(include_header=False))
    return written.getvalue()


def _names(batch: pa.RecordBatch) -> dict[str, str]:
    pairs = pa.Table.from_batches([batch]).group_by("workflowId").aggregate([("workflow_name", "max")])
    return dict(zip(pairs["workflowId"].to_pylist(), pairs["workflow_name_max"].to_pylist(), strict=True))


def _some(batch: pa.RecordBatch, every: int) -> list[tuple[int, str]]:
    rows = zip(batch["id"].to_pylist(), batch["runlake_id"].to_pylist(), strict=True)
    return [row for row in rows if row[0] % every == 0]
