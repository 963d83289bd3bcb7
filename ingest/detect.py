"""Which format a file's records are in, told from the keys of the first of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

FormatName = Literal["runlake", "n8n"]

_SAMPLE: Final = 50
_TRIES: Final = 1000
_SAMPLE_BYTES: Final = 16 << 20
_N8N_KEYS: Final = frozenset({"finished", "workflowData", "retrySuccessId", "waitTill", "storedAt", "tracingContext"})
_N8N_STATUSES: Final = frozenset({"new", "error", "crashed", "canceled", "waiting", "unknown"})
_N8N_MODES: Final = frozenset({"integrated", "error", "internal", "cli", "chat", "evaluation", "agent"})
_INSIGHTS_KEYS: Final = frozenset({"total", "failed", "failureRate", "timeSaved", "averageRunTime"})
INSIGHTS: Final = "n8n's insights summary"
WORKFLOWS: Final = "a list of workflows"
_CONTRACT_KEYS: Final = frozenset(
    {"workflowName", "trigger", "duration", "executionData", "metadata", "inputData", "outputData", "updatedAt"}
)
_CONTRACT_STATUSES: Final = frozenset({"queued", "failed", "cancelled", "timeout"})


@dataclass(frozen=True, slots=True)
class Detection:
    """What the records look like."""

    format: FormatName | None
    """None: no record told, or they are no executions."""
    looks_like: str | None = None
    """What they are instead, in words that finish "this looks like …"."""


def detect(raw: pa.StringArray) -> Detection:
    """The format that most of the first 50 readable records speak for."""
    score = {"runlake": 0, "n8n": 0}
    other: dict[str, int] = {}
    seen = size_bytes = 0
    for text in raw.slice(0, _TRIES):
        value = text.as_py()
        size_bytes += len(value)
        record = _read(value)
        if record is not None:
            seen += 1
            name, what = _vote(record)
            if name is not None:
                score[name] += 1
            elif what is not None:
                other[what] = other.get(what, 0) + 1
        if seen == _SAMPLE or size_bytes > _SAMPLE_BYTES:
            break
    best: FormatName = "n8n" if score["n8n"] > score["runlake"] else "runlake"
    if score[best]:
        return Detection(best)
    if other:
        return Detection(None, max(other, key=lambda what: other[what]))
    return Detection(None)


def _read(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _vote(record: dict[str, Any]) -> tuple[FormatName | None, str | None]:
    keys = record.keys()
    if "nodes" in keys and "connections" in keys:
        return None, f"{WORKFLOWS}: give it with --workflows instead"
    if keys == _INSIGHTS_KEYS:
        return None, INSIGHTS
    data = record.get("data")
    n8n = 2 * len(_N8N_KEYS & keys) + (isinstance(data, dict) and "resultData" in data)
    n8n += _word(record, "status") in _N8N_STATUSES
    n8n += _word(record, "mode") in _N8N_MODES
    contract = len(_CONTRACT_KEYS & keys) + (_word(record, "status") in _CONTRACT_STATUSES)
    if "status" not in keys and "finished" not in keys and not ({"id", "mode", "startedAt"} <= keys):
        if "event" in keys or str(record.get("type", "")).startswith(("execution.", "node.")):
            return None, "execution events, not executions"
        if n8n + contract == 0:
            return None, "something else than executions: keys " + (", ".join(list(keys)[:6]) or "none")
    if n8n == contract == 0:
        return ("runlake", None) if {"id", "status", "mode"} & keys else (None, None)
    return ("n8n" if n8n > contract else "runlake"), None


def _word(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""
