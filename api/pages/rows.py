"""Executions as lists on pages show them: one row each, values still plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from api.pages import times

ERROR_CHARS: Final = 300
"""What of an error's message a row carries; the page of the execution has all of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One execution."""

    id: str
    status: str
    mode: str
    workflow_id: str | None
    workflow: str
    """Its workflow's name, else id, else words."""
    started_at: datetime | None
    """None: it has not begun."""
    created_at: datetime | None
    duration_s: float | None
    """Of one that runs: so far."""
    running: bool
    """It has begun and goes on."""
    error_type: str | None
    error: str | None
    """First line of the message, at most ERROR_CHARS."""
    retry_of: str | None

    @property
    def placed_at(self) -> datetime | None:
        """The instant that lists sort by."""
        return self.started_at or self.created_at


def row_of(found: Mapping[str, Any], now: datetime) -> Row:
    """From the API's JSON of an execution."""
    error = found.get("error", {})
    message = error.get("message")
    started_at = times.parse(found.get("startedAt"))
    running = found["status"] == "running" and started_at is not None
    duration_s = found.get("duration")
    if running and started_at is not None:
        duration_s = max((now - started_at).total_seconds(), 0.0)
    return Row(
        id=found["id"],
        status=found["status"],
        mode=found["mode"],
        workflow_id=found.get("workflowId"),
        workflow=found.get("workflowName") or found.get("workflowId") or "No workflow",
        started_at=started_at,
        created_at=times.parse(found.get("createdAt")),
        duration_s=duration_s,
        running=running,
        error_type=error.get("type"),
        error=None if message is None else _first_line(message),
        retry_of=found.get("retryOf"),
    )


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= ERROR_CHARS else line[: ERROR_CHARS - 1] + "…"
