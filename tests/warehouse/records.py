"""Small records by rule, as batches: what the tests of the lake write, and what they expect to find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from warehouse.schema import FINISHED, SCHEMAS, TABLES, Batch, TableName, batch_schema

DAY_ZERO = datetime(2026, 3, 1, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """The instant so many minutes after day zero."""
    return DAY_ZERO + timedelta(minutes=minutes)


@dataclass(frozen=True)
class Record:
    """One record as an engine would send it, in few numbers."""

    id: str
    updated: int = 10
    """Minutes after day zero."""
    status: str = "success"
    started: int | None = 0
    workflow: str = "wf"
    name: str | None = "Workflow"
    nodes: int | None = None
    """Number of node runs; None: the record came without node data."""
    payload: str | None = None
    """Text of the one payload; None: it came without."""
    logs: tuple[str, ...] = ()
    source: str = "runlake"
    retry_success: str | None = None
    duration_s: float | None = 1.5

    @property
    def placed(self) -> datetime:
        return at(0 if self.started is None else self.started)

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def nodes_hash(self) -> int | None:
        """Equal for equal rows only, as the contract of the batch wants it."""
        return None if self.nodes is None else self.nodes * 100_000 + (self.started or 0)

    @property
    def payloads_hash(self) -> int | None:
        return None if self.payload is None else len(self.payload) * 1000 + sum(map(ord, self.payload))

    def execution(self) -> dict[str, Any]:
        """Its row of `executions`."""
        row: dict[str, Any] = dict.fromkeys(SCHEMAS["executions"].names)
        started = None if self.started is None else at(self.started)
        return row | {
            "id": self.id,
            "workflow_id": self.workflow,
            "workflow_name": self.name,
            "status": self.status,
            "mode": "webhook",
            "started_at": started,
            "stopped_at": started + timedelta(seconds=2) if started and self.finished else None,
            "duration_s": self.duration_s if started and self.finished else None,
            "retry_success_id": self.retry_success,
            "node_count": self.nodes,
            "source": self.source,
            "source_status": self.status,
            "source_mode": "webhook",
            "created_at": at(0),
            "updated_at": at(self.updated),
            "nodes_hash": self.nodes_hash,
            "payloads_hash": self.payloads_hash,
            "date": self.placed.date(),
        }

    def details(self, table: TableName) -> list[dict[str, Any]]:
        """Its rows of another table."""
        empty: dict[str, Any] = dict.fromkeys(SCHEMAS[table].names)
        key = {"execution_id": self.id, "date": self.placed.date()}
        if table == "node_runs":
            return [
                empty
                | key
                | {
                    "workflow_id": self.workflow,
                    "node_id": f"node {number}",
                    "run_index": 0,
                    "order_index": number,
                    "status": "success",
                    "started_at": self.placed + timedelta(seconds=number),
                    "duration_s": 0.5,
                }
                for number in range(self.nodes or 0)
            ]
        if table == "payloads":
            text = self.payload
            return (
                []
                if text is None
                else [
                    empty | key | {"run_index": 0, "kind": "output", "data": f'"{text}"', "data_bytes": len(text) + 2}
                ]
            )
        return [
            empty | key | {"seq": seq, "logged_at": self.placed, "level": "info", "message": line}
            for seq, line in enumerate(self.logs)
        ]


def batch(records: Sequence[Record]) -> Batch:
    """The records as one batch."""
    rows: dict[TableName, list[dict[str, Any]]] = {table: [] for table in TABLES}
    for number, record in enumerate(records):
        rows["executions"].append({"record_no": number} | record.execution())
        for table in TABLES[1:]:
            rows[table] += [{"record_no": number} | row for row in record.details(table)]
    return Batch(*(pa.Table.from_pylist(rows[table], batch_schema(table)) for table in TABLES))


@dataclass
class Model:
    """What a lake must hold after any records in any order: a fold over them in plain Python."""

    records: dict[str, list[Record]] = field(default_factory=dict)

    def write(self, records: Iterable[Record]) -> None:
        for record in records:
            self.records.setdefault(record.id, []).append(record)

    def delete(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self.records.pop(id_, None)

    def ids(self) -> set[str]:
        return set(self.records)

    def counted(self, id_: str) -> list[Record]:
        """The records of the id's one source: n8n's own where there are any."""
        records = self.records[id_]
        return [r for r in records if r.source == "n8n"] or records

    def core(self, id_: str) -> Record:
        """The record whose own values count. Ties are not judged: the tests avoid or tolerate them."""
        return max(self.counted(id_), key=lambda r: (_rank(r), r.nodes is not None))

    def node_givers(self, id_: str) -> list[Record]:
        """Records of which one must have given the node runs (more than one only where they tie)."""
        return _best([r for r in self.counted(id_) if r.nodes is not None])

    def payload_givers(self, id_: str) -> list[Record]:
        return _best([r for r in self.counted(id_) if r.payload is not None])

    def log_lines(self, id_: str) -> set[str]:
        return {line for r in self.records[id_] for line in r.logs}


def _rank(record: Record) -> tuple[int, int, int]:
    # n8n has no updatedAt of its own: there a finished record beats any unfinished one.
    return (int(record.source == "n8n" and record.finished), record.updated, int(record.finished))


def _best(records: list[Record]) -> list[Record]:
    top = max((_rank(r) for r in records), default=None)
    return [r for r in records if _rank(r) == top]


def contents(tables: Mapping[TableName, pa.Table]) -> dict[TableName, list[dict[str, Any]]]:
    """Rows of the four tables in one fixed order, for comparing whole lakes."""
    return {
        table: sorted(rows.to_pylist(), key=lambda row: [str(row[name]) for name in rows.column_names])
        for table, rows in tables.items()
    }
