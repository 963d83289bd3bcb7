"""Instants on pages: exact in a time zone, and how long ago. The script goes on with the same words."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from reports import format as fmt

_STEPS: Final = ((60, 1, "s"), (3600, 60, "min"), (48 * 3600, 3600, "h"), (float("inf"), 86400, "d"))


def parse(text: str | None) -> datetime | None:
    """An instant of the API's JSON."""
    return None if text is None else datetime.fromisoformat(text)


def iso(at: datetime | None) -> str:
    """For the attribute `datetime`, and for scripts."""
    return "" if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact(at: datetime | None, zone: str) -> str:
    """To the second: 24 Nov 2026, 03:31:05."""
    if at is None:
        return fmt.MISSING
    local = at.astimezone(ZoneInfo(zone))
    return f"{fmt.date(at, zone)}, {local:%H:%M:%S}"


def clock(at: datetime, zone: str) -> str:
    """The time of day to the millisecond, where the day is clear from around it: 03:31:05.120."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def ago(at: datetime | None, now: datetime) -> str:
    """just now, 12 s ago, 3 min ago, 5 h ago, 12 d ago; in 3 min."""
    if at is None:
        return ""
    past_s = (now - at).total_seconds()
    if abs(past_s) < 1:
        return "just now"
    _, unit_s, unit = next(step for step in _STEPS if abs(past_s) < step[0])
    number = fmt.count(int(abs(past_s) // unit_s))
    return f"in {number}{fmt.NBSP}{unit}" if past_s < 0 else f"{number}{fmt.NBSP}{unit} ago"
