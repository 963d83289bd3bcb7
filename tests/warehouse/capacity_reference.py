"""Load, memory, data and retries recounted in plain Python, execution by execution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]

UNSUCCESSFUL = ("failed", "cancelled", "timeout")
MINUTE = timedelta(minutes=1)


def placed(row: Row) -> datetime:
    at: datetime = row["started_at"] or row["created_at"]
    return at


def within(rows: Sequence[Row], since: datetime, until: datetime) -> list[Row]:
    return [row for row in rows if since <= placed(row) < until]


def retries(rows: Sequence[Row], since: datetime, until: datetime) -> dict[str | None, tuple[int, int, int]]:
    """By fingerprint: failures, healed, tried again without success; retries from the date a week before on."""
    begin = (since - timedelta(days=7)).replace(hour=0, minute=0)
    parents = {row["id"]: row["retry_of"] for row in rows if row["retry_of"] is not None and placed(row) >= begin}

    def root(id_: str) -> str:
        while id_ in parents:
            id_ = parents[id_]
        return id_

    attempts = defaultdict(list)
    for row in rows:
        if row["id"] in parents:
            attempts[root(row["id"])].append(row)
    found: dict[str | None, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in within(rows, since, until):
        if row["status"] in UNSUCCESSFUL:
            later = [other for other in attempts[root(row["id"])] if placed(other) > placed(row)]
            healed = row["retry_success_id"] is not None or any(other["status"] == "success" for other in later)
            counts = found[row["error_fingerprint"]]
            counts[0] += 1
            counts[1] += healed
            counts[2] += not healed and bool(later)
    return {key: (counts[0], counts[1], counts[2]) for key, counts in found.items()}


def spans(rows: Sequence[Row], until: datetime) -> tuple[list[tuple[datetime, datetime]], ...]:
    """When executions waited, when they ran; what has not ended goes on for ever."""
    waiting, running = [], []
    for_ever = until + timedelta(days=3650)
    for row in rows:
        start, stop = row["started_at"], row["stopped_at"]
        if start is None:
            if row["status"] == "queued":
                waiting.append((row["created_at"], for_ever))
            continue
        if row["queue_time_s"]:
            waiting.append((start - timedelta(microseconds=round(row["queue_time_s"] * 1e6)), start))
        if stop is not None and stop > start:
            running.append((start, stop))
        elif stop is None and row["status"] == "running":
            running.append((start, for_ever))
    return waiting, running


def mean_peak(found: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime) -> tuple[float, int]:
    """Mean over time, and the most at a full minute, of full minutes [since, until)."""
    inside = sum((max(min(end, until) - max(begin, since), timedelta(0)) for begin, end in found), timedelta(0))
    minutes = [since + number * MINUTE for number in range(round((until - since) / MINUTE))]
    # What begins at the very minute is counted at the next one, what ends then is still counted: before anything of it.
    peak = max(sum(begin < at <= end for begin, end in found) for at in minutes)
    return inside / (until - since), peak
