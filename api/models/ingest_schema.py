"""The bodies of requests with records, as JSON schema for the OpenAPI: what ingest/contract.py accepts."""

from __future__ import annotations

from typing import Any, Final

from warehouse.schema import LOG_LEVELS, MODES, STATUSES

_INSTANT: Final[dict[str, Any]] = {
    "type": "string",
    "format": "date-time",
    # Years that can be stored; a day that every month has.
    "pattern": r"^20\d{2}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z$",
    "description": "ISO 8601, years 1970 to 2261; without an offset: UTC.",
    "examples": ["2023-12-06T10:30:00Z"],
}
_SECONDS: Final[dict[str, Any]] = {"type": "number", "minimum": 0, "maximum": 315_576_000}
_ID: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": r"^[A-Za-z0-9_.:-]+$"}
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"type": _TEXT, "message": _TEXT, "stack": _TEXT, "nodeId": _ID, "timestamp": _INSTANT},
}
_ENDED: Final = "When it ended; not before startedAt."

_NODE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["nodeId", "status"],
    "properties": {
        "nodeId": _ID,
        "nodeName": _TEXT,
        "nodeType": _TEXT,
        "status": {"type": "string", "enum": list(STATUSES)},
        "startedAt": _INSTANT,
        "stoppedAt": {**_INSTANT, "description": _ENDED},
        "duration": _SECONDS,
        "inputData": {"type": "array"},
        "outputData": {"type": "array"},
        "error": _ERROR,
    },
}

LOG_LINE: Final[dict[str, Any]] = {
    "title": "LogLine",
    "type": "object",
    "required": ["timestamp", "level", "message"],
    "properties": {
        "timestamp": _INSTANT,
        "level": {"type": "string", "enum": list(LOG_LEVELS)},
        "nodeId": _ID,
        "message": _TEXT,
        "data": {"type": "object"},
    },
}

EXECUTION: Final[dict[str, Any]] = {
    "title": "ExecutionRecord",
    "description": "The contract's Execution; at least one of startedAt, createdAt and stoppedAt.",
    "type": "object",
    "required": ["id", "status", "mode", "createdAt"],
    "properties": {
        "id": {**_ID, "description": "Unique; the record is upserted by it.", "examples": ["exec_1234567890"]},
        "workflowId": _ID,
        "workflowName": _TEXT,
        "status": {"type": "string", "enum": list(STATUSES)},
        "mode": {"type": "string", "enum": list(MODES)},
        "trigger": {
            "type": "object",
            "properties": {"type": _TEXT, "source": _TEXT, "timestamp": _INSTANT, "payload": {}},
        },
        "startedAt": _INSTANT,
        "stoppedAt": {**_INSTANT, "description": _ENDED},
        "duration": {**_SECONDS, "description": "Wall-clock seconds; without it stoppedAt - startedAt."},
        "inputData": {},
        "outputData": {},
        "executionData": {"type": "array", "items": _NODE},
        "error": _ERROR,
        "metadata": {
            "type": "object",
            "properties": {
                "retryCount": {"type": "integer", "minimum": 0, "maximum": 2_147_483_647},
                "queueTime": _SECONDS,
                "memoryUsage": {"type": "number", "minimum": 0, "maximum": 1e12, "description": "MiB."},
                "nodeCount": {"type": "integer", "minimum": 0, "maximum": 2_147_483_647},
                "dataTransferred": {"type": "integer", "minimum": 0, "maximum": 2**53, "description": "Bytes."},
            },
        },
        "logs": {"type": "array", "items": LOG_LINE},
        "retryOf": {**_ID, "description": "The execution that this one repeats."},
        "createdAt": _INSTANT,
        "updatedAt": {
            **_INSTANT,
            "description": "The newest of an id wins; without it stoppedAt, startedAt, createdAt.",
        },
    },
}


def _body(one: dict[str, Any], what: str) -> dict[str, Any]:
    """The request body with these records."""
    return {
        "required": True,
        "description": f"One {what}, an array of them, or one a line.",
        "content": {
            "application/json": {"schema": {"oneOf": [one, {"type": "array", "items": one, "maxItems": 100_000}]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": f"One {what} a line."}},
        },
    }


EXECUTION_BODY: Final = _body(EXECUTION, "execution")
LOG_BODY: Final = _body(LOG_LINE, "log line")
