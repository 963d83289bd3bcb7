"""Execution objects of the contract, made by rule, and small helpers around them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.contract import ContractFormat
from ingest.format import RECORDS, Normalised, NormaliseOptions
from ingest.piece import Flaw
from ingest.split import split
from warehouse.duck import connect

START = datetime(2026, 3, 1, tzinfo=UTC)
_SESSION = connect()


def text_of(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(number: int, **changes: Any) -> dict[str, Any]:
    """The number-th record: two nodes, one payload; every fifth failed. None takes a field out."""
    started = START + timedelta(minutes=number)
    failed = number % 5 == 4
    status = "failed" if failed else "success"
    node = {
        "nodeId": "n1", "nodeName": "Fetch", "nodeType": "http", "status": "success", "startedAt": text_of(started),
        "stoppedAt": text_of(started + timedelta(seconds=1)), "duration": 1.0,
        "outputData": [{"json": {"n": number, "text": 'a "quoted" } text ]'}}],
    }  # fmt: skip
    whole = {
        "id": f"exec_{number:05d}", "workflowId": f"wf_{number % 3}", "workflowName": f"Workflow {number % 3}",
        "status": status, "mode": "webhook", "trigger": {"type": "webhook", "source": "github"},
        "startedAt": text_of(started), "stoppedAt": text_of(started + timedelta(seconds=3)), "duration": 3.25,
        "executionData": [node, node | {"nodeId": "n2", "nodeName": "Store", "status": status}],
        "error": {"type": "HttpError", "message": f"status 500 on try {number}", "nodeId": "n2"} if failed else None,
        "metadata": {"retryCount": 0, "queueTime": 0.5, "memoryUsage": 12.5},
        "createdAt": text_of(started), "updatedAt": text_of(started + timedelta(seconds=3)),
    } | changes  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


def lines(*records: Any) -> bytes:
    """NDJSON: dicts as JSON, text and bytes as they are."""
    return b"".join(
        (one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode()) + b"\n"
        for one in records
    )


def normalised(*records: Any, options: NormaliseOptions | None = None) -> Normalised:
    """What the contract's format makes of these (dicts, or text as it is)."""
    raw = pa.array([one if isinstance(one, str) else json.dumps(one) for one in records], pa.string())
    table = pa.table([np.arange(len(raw)), raw], schema=RECORDS)
    return ContractFormat().normalise(_SESSION, table, options or NormaliseOptions())


def split_all(data: bytes, block_bytes: int = 1 << 20, **limits: int) -> tuple[list[Any], list[Flaw]]:
    """(records, flaws) of a file with these bytes, read in blocks of that size."""
    blocks = (data[at : at + block_bytes] for at in range(0, len(data), block_bytes))
    records: list[Any] = []
    flaws: list[Flaw] = []
    for piece in split(blocks, **limits):
        records += piece.raw.to_pylist()
        flaws += piece.flaws
    return records, flaws


def write(path: Path, *records: Any) -> Path:
    path.write_bytes(lines(*records))
    return path
