"""A command as GET /v1/commands shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec


class Command(msgspec.Struct):
    """What the engine is to do, as GET /v1/commands shows it."""

    id: str
    type: Literal["cancel", "retry"]
    executionId: str  # noqa: N815 - the contract's names
    createdAt: datetime  # noqa: N815
    workflowId: str | None = None  # noqa: N815
    retryOf: str | None = None  # noqa: N815
    fromNode: str | None = None  # noqa: N815
    startNodes: list[str] | None = None  # noqa: N815

    def from_nodes(self) -> list[str]:
        """Where a retry is to begin; empty: at the beginning."""
        return self.startNodes or ([self.fromNode] if self.fromNode else [])
