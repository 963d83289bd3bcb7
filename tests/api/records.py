"""Execution records made by rule, so that the expected numbers can be derived by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ingest.load import load
from warehouse.lake import Lake

Record = dict[str, Any]


def text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(
    number: int | str, at: datetime, duration_ms: int | None = 1000, status: str = "success", **fields: Any
) -> Record:
    """An execution of the contract that started at `at`."""
    made: Record = {
        "id": f"exec_{number}",
        "workflowId": "wf_1",
        "workflowName": "One",
        "status": status,
        "mode": "webhook",
        "trigger": {"type": "webhook", "source": "github", "timestamp": text(at)},
        "startedAt": text(at),
        "executionData": [],
        "metadata": {"retryCount": 0, "queueTime": 0.1},
        "createdAt": text(at),
        "updatedAt": text(at),
    }
    if duration_ms is not None:
        made |= {"stoppedAt": text(at + timedelta(milliseconds=duration_ms)), "duration": duration_ms / 1000}
    if status in ("failed", "timeout", "cancelled"):
        made["error"] = {"type": "ConnectionError", "message": f"no answer to {number}", "timestamp": text(at)}
    return made | fields


def load_records(folder: Path, records: Iterable[Record]) -> str:
    """A new lake with these records; its location."""
    file = folder / "records.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    lake = Lake.open(folder / "lake", create=True)
    try:
        report = load(lake, [file])
        assert report.rejected == 0
    finally:
        lake.close()
    return str(folder / "lake")


def contract_example() -> list[Record]:
    """1,247 executions of 24 hours that give the numbers of the contract's example of statistics.

    In the hour of 10:00: 48 successes and 4 failures of one workflow; of that workflow 342, 321 of them successes; all
    in all 1,189 successes, 45 failed, 8 timed out, 5 cancelled. Durations are chosen so that the sums come out: 145.6 s
    in the hour, 718.2 s in the workflow, 3,990.4 s in all.
    """
    unsuccessful = iter(["failed"] * 45 + ["timeout"] * 8 + ["cancelled"] * 5)
    hour = datetime(2023, 12, 6, 10, tzinfo=UTC)
    others = [hour + timedelta(hours=shift) for shift in range(-18, 6) if shift]
    slack = {"workflowId": "wf_abcdef123456", "workflowName": "GitHub to Slack"}
    made: list[Record] = []

    def add(at: datetime, duration_ms: int, success: bool, **workflow: str) -> None:
        made.append(record(len(made), at, duration_ms, "success" if success else next(unsuccessful), **workflow))

    for at, duration_ms in enumerate([500, 15_200, *[2_598] * 50]):
        add(hour + timedelta(minutes=at), duration_ms, at >= 4, **slack)
    for at, duration_ms in enumerate([2_114, *[1_974] * 289]):
        add(others[at % 23] + timedelta(minutes=at % 60), duration_ms, at >= 17, **slack)
    for at, duration_ms in enumerate([4_240, *[3_615] * 904]):
        name = f"wf_{at % 5}"
        add(others[at % 23] + timedelta(minutes=at % 60), duration_ms, at >= 37, workflowId=name, workflowName=name)
    return made
