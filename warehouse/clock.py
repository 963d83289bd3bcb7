"""The one clock. Nothing else in the project asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, timezone-aware, UTC, microseconds."""
    return datetime.now(UTC)
