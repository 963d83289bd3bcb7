"""The records that the clients write: each part of one says which version it is of, so that a half one is seen."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.soak.ledger import State
from warehouse.schema import FINISHED

SINCE: Final = datetime(2026, 6, 1, tzinfo=UTC)
DAYS: Final = 3
UNTIL: Final = SINCE + timedelta(days=DAYS + 1)

Record = dict[str, Any]


def record(id_: str, state: State) -> Record:
    """The record that brings `id_` to `state`."""
    seed = zlib.crc32(id_.encode())
    created_at = SINCE + timedelta(milliseconds=seed % (DAYS * 86_400_000))
    # Some wait over midnight, so that they change their partition when they begin.
    started_at = created_at + timedelta(minutes=seed % 180)
    tag = f"v{state.version}"
    made: Record = {
        "id": id_,
        "workflowId": f"wf_{seed % 7}",
        "workflowName": tag,
        "status": state.status,
        "mode": "webhook",
        "createdAt": _text(created_at),
        "updatedAt": _text(created_at + timedelta(hours=4, seconds=state.version)),
    }
    if state.status == "queued":
        return made
    node = {"nodeId": "node_1", "nodeName": tag, "nodeType": "http", "startedAt": _text(started_at)}
    done = state.status in FINISHED
    node["status"] = state.status if done else "running"
    made |= {"startedAt": _text(started_at), "executionData": [{**node, "outputData": [{"json": {"version": tag}}]}]}
    if done:
        made |= {"stoppedAt": _text(started_at + timedelta(milliseconds=seed % 5000))}
    if state.status == "failed":
        made["error"] = {"type": "SoakError", "message": tag, "timestamp": made["stoppedAt"]}
    return made


def state_of(row: Mapping[str, Any]) -> State:
    """What a row of a list, an export or a detail says."""
    return State(int(row["workflowName"].removeprefix("v")), row["status"])


def wrong_parts(row: Mapping[str, Any]) -> list[str]:
    """Parts of a detail (with include=data) that are not of the version that it says it is of."""
    state, wanted = state_of(row), record(row["id"], state_of(row))
    wrong = [
        f"{key} is {row.get(key)!r}, not {wanted.get(key)!r}"
        for key in ("startedAt", "stoppedAt", "createdAt", "updatedAt")
        if _instant(row.get(key)) != _instant(wanted.get(key))
    ]
    if state.status != "queued":
        tag = f"v{state.version}"
        nodes = [(one["nodeName"], one.get("outputData")) for one in row["executionData"]]
        if nodes != [(tag, [{"json": {"version": tag}}])]:
            wrong.append(f"nodes are {nodes!r}, not those of {tag}")
        if state.status == "failed" and row["error"]["message"] != tag:
            wrong.append(f"error is {row['error']!r}, not that of {tag}")
    return wrong


def body(records: list[Record]) -> bytes:
    """What is posted."""
    return json.dumps(records).encode()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
