"""What an event is: something that became true of an execution, alert, report or webhook, with a number of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

import pyarrow as pa

from warehouse.schema import INSTANT

EventType = Literal[
    "execution.queued",
    "execution.started",
    "node.completed",
    "execution.completed",
    "execution.failed",
    "execution.cancelled",
    "execution.timeout",
    "execution.retried",
    "execution.deleted",
    "command.created",
    "alert.firing",
    "alert.resolved",
    "webhook.disabled",
    "report.delivered",
    "report.failed",
]
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)

STATUS_EVENTS: Final[dict[str, EventType]] = {
    "queued": "execution.queued",
    "running": "execution.started",
    "success": "execution.completed",
    "failed": "execution.failed",
    "cancelled": "execution.cancelled",
    "timeout": "execution.timeout",
}
"""The event that says that an execution has come to have this status."""

MESSAGE_CHARS: Final = 1000
"""What of the text of an error an event carries at most."""


def _column(name: str, kind: pa.DataType, doc: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"doc": doc})


EVENTS: Final = pa.schema(
    [
        _column("event_no", pa.int64(), "Its number: from 1 on, no gaps, in the order of commits.", nullable=False),
        _column("type", pa.string(), "One of EVENT_TYPES.", nullable=False),
        _column("execution_id", pa.string(), "The execution it is about. NULL: it is about none."),
        _column("workflow_id", pa.string(), "Its workflow. NULL: none, or not known."),
        _column("workflow_name", pa.string(), "Name of that workflow as it was then. NULL: none, or not known."),
        _column("status", pa.string(), "Status of the execution (node.completed: of the node run). NULL: none."),
        _column("mode", pa.string(), "Mode of the execution. NULL: none, or not known (execution.retried)."),
        _column("at", INSTANT, "When it happened, as the engine says; else when it was recorded.", nullable=False),
        _column("data", pa.string(), "JSON object: what the contract calls data.", nullable=False),
    ]
)
"""One row is one event."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that another part than the write path makes."""

    type: EventType
    at: datetime
    """Timezone-aware."""
    data: dict[str, Any] = field(default_factory=dict)
    """What JSON can say; members that are None are left out."""
    execution_id: str | None = None
    workflow_id: str | None = None
    workflow_name: str | None = None
    status: str | None = None
    mode: str | None = None
