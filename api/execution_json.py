"""Rows of the lake as the contract's Execution object. A key whose value is not known is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from api.models import instant_text
from warehouse.listing import Detail

_SCALARS: Final = {
    "id": "id",
    "workflow_id": "workflowId",
    "workflow_name": "workflowName",
    "status": "status",
    "mode": "mode",
    "started_at": "startedAt",
    "stopped_at": "stoppedAt",
    "duration_s": "duration",
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
    "run_index": "runIndex",
    "status": "status",
    "started_at": "startedAt",
    "stopped_at": "stoppedAt",
    "duration_s": "duration",
    "items_in": "itemsIn",
    "items_out": "itemsOut",
}
_LOG: Final = {"logged_at": "timestamp", "level": "level", "node_id": "nodeId", "message": "message"}
_SOURCE: Final = {"source": "source", "source_status": "sourceStatus", "source_mode": "sourceMode"}


def execution_json(row: Mapping[str, Any], *, with_stack: bool = False) -> dict[str, Any]:
    """One row of `executions`, as lists show it: error (without its stack) and metadata included."""
    found = _taken(row, _SCALARS)
    error = _taken(row, _ERROR)
    if not with_stack:
        error.pop("stack", None)
    for key, part in (("trigger", _taken(row, _TRIGGER)), ("error", error), ("metadata", _taken(row, _METADATA))):
        if part:
            found[key] = part
    if row["custom_data"] is not None:
        found["customData"] = parsed(row["custom_data"])
    if row["source"] != "runlake":
        found |= _taken(row, _SOURCE)
    return found


def detail_json(detail: Detail, *, with_data: bool) -> dict[str, Any]:
    """One execution with its nodes and log; with inputs and outputs only where asked."""
    found = execution_json(detail.record(), with_stack=True)
    payloads: Sequence[Mapping[str, Any]] = detail.payloads.to_pylist() if with_data else ()
    data = {(one["node_id"], one["run_index"], one["kind"]): parsed(one["data"]) for one in payloads}
    nodes = []
    for row in detail.node_runs.to_pylist():
        node = _taken(row, _NODE)
        if error := _taken(row, {name: key for name, key in _ERROR.items() if name != "error_node_id"}):
            node["error"] = error
        node |= _data_of(data, row["node_id"], row["run_index"])
        nodes.append(node)
    found["executionData"] = nodes
    found |= _data_of(data, None, 0)
    if (None, 0, "trigger") in data:
        found.setdefault("trigger", {})["payload"] = data[None, 0, "trigger"]
    found["logs"] = [
        _taken(row, _LOG) | ({} if row["data"] is None else {"data": parsed(row["data"])})
        for row in detail.logs.to_pylist()
    ]
    return found


def parsed(text: str) -> Any:
    """Stored JSON text as values; the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _data_of(data: Mapping[tuple[str | None, int, str], Any], node_id: str | None, run: int) -> dict[str, Any]:
    kinds = {"input": "inputData", "output": "outputData"}
    return {key: data[node_id, run, kind] for kind, key in kinds.items() if (node_id, run, kind) in data}


def _taken(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    values = ((key, row[name]) for name, key in names.items())
    return {
        key: instant_text(value) if isinstance(value, datetime) else value for key, value in values if value is not None
    }
