"""What a decision makes of an execution: rows of `executions` from rows of `executions`. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from api.models import instant_text
from warehouse.hot.commands import Command
from warehouse.schema import SCHEMAS, TABLES, UNSUCCESSFUL, Batch, batch_schema

Row = Mapping[str, Any]

ACTIVE: Final = ("queued", "running")
"""What can be cancelled."""
RETRYABLE: Final = UNSUCCESSFUL
"""What can be retried."""

_DETAIL_COLUMNS: Final = ("nodes_rank", "nodes_hash", "payloads_rank", "payloads_hash")
_OF_WORKFLOW: Final = (
    "workflow_id", "workflow_name", "trigger_type", "trigger_source", "trigger_at", "workflow_version_id",
)  # fmt: skip
_LATER: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """How to retry, in the contract's terms; the engine makes of it what it can."""

    from_node: str | None = None
    load_workflow: bool | None = None
    start_nodes: tuple[str, ...] | None = None

    def body(self) -> dict[str, Any]:
        """The given ones, as commands carry them."""
        found = {"fromNode": self.from_node, "loadWorkflow": self.load_workflow}
        given = {key: value for key, value in found.items() if value is not None}
        return given if self.start_nodes is None else {**given, "startNodes": list(self.start_nodes)}


@dataclass(frozen=True, slots=True)
class Decision:
    """One execution to cancel or to retry."""

    before: Row
    """The execution as it was when this was decided."""
    after: Row
    """What is to be recorded: the same cancelled, or the new execution."""
    command: Command

    @property
    def id(self) -> str:
        """Of the execution it is about."""
        return str(self.before["id"])


def cancellation(row: Row, at: datetime) -> Decision:
    """To cancel an execution that has not ended."""
    after = {
        **_core(row),
        "status": "cancelled",
        "source_status": "canceled" if row["source"] == "n8n" else "cancelled",
        "stopped_at": max(at, row["started_at"] or at),
        "duration_s": _duration_s(row["started_at"], at),
        "wait_till": None,
        "updated_at": _after(row, at),
    }
    # What it takes to take it back, should the engine not do it, and to see that nobody has reported since.
    before = {
        "status": row["status"],
        "sourceStatus": row["source_status"],
        "updatedAt": instant_text(after["updated_at"]),
    }
    return Decision(row, after, Command("cancel", row["id"], row["workflow_id"], at, body={"before": before}))


def retry(row: Row, options: RetryOptions, at: datetime, new_id: str | None = None) -> Decision:
    """To retry an execution that has failed: a new one, queued."""
    new_id = new_id or f"exec_{secrets.token_hex(10)}"
    after: dict[str, Any] = dict.fromkeys(SCHEMAS["executions"].names)
    after |= {name: row[name] for name in _OF_WORKFLOW}
    after |= {
        "id": new_id,
        "status": "queued",
        "mode": "retry",
        "retry_of": row["id"],
        "retry_count": (row["retry_count"] or 0) + 1,
        "source": "runlake",
        "source_status": "queued",
        "source_mode": "retry",
        "created_at": at,
        "updated_at": at,
    }
    body = {"retryOf": row["id"], **options.body()}
    return Decision(row, placed(after), Command("retry", new_id, row["workflow_id"], at, body=body))


def started(decision: Decision, id: str | None, status: str | None, started_at: datetime | None) -> Decision:
    """The retry as the engine said it took it; None: it did not say."""
    running = status == "running"
    at = decision.after["created_at"]
    begun = (started_at or at) if running else None
    after = {
        **decision.after,
        "id": id or decision.after["id"],
        "status": "running" if running else "queued",
        "source_status": status or "queued",
        "started_at": begun,
        "queue_time_s": None if begun is None else max((begun - at).total_seconds(), 0.0),
    }
    return replace(decision, after=placed(after))


def renamed(row: Row, id: str, at: datetime) -> Row:
    """A queued retry under the id that the engine gave it."""
    return {**_core(row), "id": id, "updated_at": _after(row, at)}


def restored(row: Row, status: str, source_status: str, at: datetime) -> Row:
    """A cancelled execution that the engine did not cancel, as it was before."""
    return {
        **_core(row),
        "status": status,
        "source_status": source_status,
        "stopped_at": None,
        "duration_s": None,
        "updated_at": _after(row, at),
    }


def failed_retry(row: Row, type: str, message: str, fingerprint: str, at: datetime) -> Row:
    """A queued retry that the engine did not take."""
    return {
        **_core(row),
        "status": "failed",
        "source_status": "failed",
        "stopped_at": at,
        "error_type": type,
        "error_message": message,
        "error_at": at,
        "error_fingerprint": fingerprint,
        "updated_at": _after(row, at),
    }


def batch_of(rows: Sequence[Row]) -> Batch:
    """Rows of `executions` as a batch, without anything that hangs on them."""
    numbered = [{"record_no": number, **row} for number, row in enumerate(rows)]
    executions = pa.Table.from_pylist(numbered, batch_schema("executions"))
    return Batch(executions, *(batch_schema(name).empty_table() for name in TABLES[1:]))


def placed(row: Row) -> Row:
    """The row with the partition it belongs to."""
    return {**row, "date": (row["started_at"] or row["created_at"]).astimezone(UTC).date()}


def _core(row: Row) -> dict[str, Any]:
    """The row without a word about what hangs on it: that stays as it is."""
    return {**row, **dict.fromkeys(_DETAIL_COLUMNS)}


def _after(row: Row, at: datetime) -> datetime:
    """An `updatedAt` that wins over the row's, whatever clock that came from."""
    later: datetime = row["updated_at"] + _LATER
    return max(at, later)


def _duration_s(started_at: datetime | None, at: datetime) -> float | None:
    return None if started_at is None else max((at - started_at).total_seconds(), 0.0)
