"""The words and the change that numbers of a report come with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "watch", "neutral"]
"""good and bad colour a text; watch asks for a look; neutral is grey."""
Unit = Literal["count", "seconds", "ratio", "memory", "bytes"]
"""memory: MiB; bytes: bytes."""
Direction = Literal["up", "down", "flat"]


@dataclass(frozen=True, slots=True)
class Change:
    """How a number moved against the preceding equal period."""

    kind: Literal["relative", "points"]
    """relative: (current - previous) / previous; points: current - previous, of ratios."""
    value: float | None
    direction: Direction | None
    """Which way it moved; None exactly when value is."""
    tone: Tone
    """good or bad only where better and worse have a meaning and the counts are large enough to tell."""
    reason: str | None
    """Why value is None; None otherwise."""
