"""Rows of the lake as the contract's Execution object. A key whose value is not known is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from api.models import instant_text
from api.reading.json_text import parsed
from warehouse.listing import Detail

Load = Callable[[str], Any]
"""What is made of stored JSON text: `parsed` or `spliced` (api/reading/json_text.py)."""

_HEAD: Final = {
    "id": "id",
    "workflow_id": "workflowId",
    "workflow_name": "workflowName",
    "status": "status",
    "mode": "mode",
}
_TIMES: Final = {"started_at": "startedAt", "stopped_at": "stoppedAt", "duration_s": "duration"}
_REST: Final = {
    "retry_of": "retryOf",
    "retry_success_id": "retrySuccessId",
    "wait_till": "waitTill",
    "workflow_version_id": "workflowVersionId",
    "parent_execution_id": "parentExecutionId",
    "parent_workflow_id": "parentWorkflowId",
    "error_fingerprint": "errorFingerprint",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
}
_TRIGGER: Final = {"trigger_type": "type", "trigger_source": "source", "trigger_at": "timestamp"}
_ERROR: Final = {
    "error_type": "type",
    "error_message": "message",
    "error_node_id": "nodeId",
    "error_stack": "stack",
    "error_at": "timestamp",
}
_METADATA: Final = {
    "retry_count": "retryCount",
    "queue_time_s": "queueTime",
    "memory_mb": "memoryUsage",
    "node_count": "nodeCount",
    "data_bytes": "dataTransferred",
}
_NODE: Final = {
    "node_id": "nodeId",
    "node_name": "nodeName",
    "node_type": "nodeType",
    "status": "status",
    "started_at": "startedAt",
    "stopped_at": "stoppedAt",
    "duration_s": "duration",
}
_NODE_ERROR: Final = {name: key for name, key in _ERROR.items() if name != "error_node_id"}
_LOG: Final = {"logged_at": "timestamp", "level": "level", "node_id": "nodeId", "message": "message"}
_SOURCE: Final = {"source": "source", "source_status": "sourceStatus", "source_mode": "sourceMode"}


def execution_json(row: Mapping[str, Any], *, with_stack: bool = False, load: Load = parsed) -> dict[str, Any]:
    """One row of `executions`, as lists show it: error (without its stack) and metadata included."""
    found = _taken(row, _HEAD)
    if trigger := _taken(row, _TRIGGER):
        found["trigger"] = trigger
    found |= _taken(row, _TIMES)
    error = _taken(row, _ERROR)
    if not with_stack:
        error.pop("stack", None)
    if error:
        found["error"] = error
    if metadata := _taken(row, _METADATA):
        found["metadata"] = metadata
    found |= _taken(row, _REST)
    if row["custom_data"] is not None:
        found["customData"] = load(row["custom_data"])
    if row["source"] != "runlake":
        found |= _taken(row, _SOURCE)
    return found


def detail_json(
    detail: Detail,
    *,
    with_data: bool,
    with_logs: bool = True,
    with_stack: bool = True,
    load: Load = parsed,
) -> dict[str, Any]:
    """One execution with its nodes; with log, stack, inputs and outputs where asked.

    `unavailable` in it says which parts were there once or were never kept, and why: see `unavailable`.
    """
    record = detail.record()
    found = execution_json(record, with_stack=with_stack, load=load)
    runs = detail.node_runs.to_pylist()
    payloads: Sequence[Mapping[str, Any]] = detail.payloads.to_pylist() if with_data else ()
    data = {(one["node_id"], one["run_index"], one["kind"]): load(one["data"]) for one in payloads}
    counts = Counter(run["node_id"] for run in runs)
    found["executionData"] = [_node(run, counts[run["node_id"]] > 1, data, with_stack) for run in runs]
    found |= _data_of(data, None, 0)
    if (None, 0, "trigger") in data:
        found.setdefault("trigger", {})["payload"] = data[None, 0, "trigger"]
    if with_logs:
        found["logs"] = logs_json(detail.logs, load=load)
    gone = unavailable(record, runs, payloads if with_data else None)
    return found | ({"unavailable": gone} if gone else {})


def logs_json(rows: pa.Table, *, load: Load = parsed) -> list[dict[str, Any]]:
    """Rows of `logs` as the contract has log lines."""
    return [
        _taken(row, _LOG) | ({} if row["data"] is None else {"data": load(row["data"])}) for row in rows.to_pylist()
    ]


def unavailable(
    record: Mapping[str, Any], runs: Collection[Mapping[str, Any]], payloads: Collection[object] | None
) -> dict[str, str]:
    """Parts of an execution that cannot be shown although it had them: `nodes` or `data` -> why.

    `expired`: stored once, dropped since by retention. `notStored`: ingest was told to keep no inputs and outputs.
    `payloads`: those of the whole execution; None: nobody asked for them.
    """
    found: dict[str, str] = {}
    if not runs and record["nodes_hash"] is not None and record["node_count"]:
        found["nodes"] = "expired"
    if payloads is not None and not payloads:
        if record["payloads_hash"] is not None:
            found["data"] = "expired"
        elif any(run["items_in"] or run["items_out"] for run in runs):
            found["data"] = "notStored"
    return found


def _node(
    row: Mapping[str, Any], looped: bool, data: Mapping[tuple[str | None, int, str], Any], with_stack: bool
) -> dict[str, Any]:
    node = _taken(row, _NODE)
    if looped:
        node["runIndex"] = row["run_index"]
    if error := _taken(row, _NODE_ERROR):
        if not with_stack:
            error.pop("stack", None)
        node["error"] = error
    return node | _data_of(data, row["node_id"], row["run_index"])


def _data_of(data: Mapping[tuple[str | None, int, str], Any], node_id: str | None, run: int) -> dict[str, Any]:
    kinds = {"input": "inputData", "output": "outputData"}
    return {key: data[node_id, run, kind] for kind, key in kinds.items() if (node_id, run, kind) in data}


def _taken(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    values = ((key, row[name]) for name, key in names.items())
    return {
        key: instant_text(value) if isinstance(value, datetime) else value for key, value in values if value is not None
    }
