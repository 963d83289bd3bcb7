"""A few executions with everything that pages show, made by rule around one instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.api.records import Record, record, text

HOSTILE = "<img src=x onerror=alert(1)></script><b>Zoë\u202e"
"""A name that must never become markup."""
SHOWN_HOSTILE = "<img src=x onerror=alert(1)></script><b>Zoë\ufffd"
"""The same as people see it: without what turns the writing around."""


def node(name: str, begin: datetime, from_ms: int, to_ms: int | None, status: str = "success", **more: Any) -> Record:
    made: Record = {
        "nodeId": f"n_{name.lower().replace(' ', '_')}",
        "nodeName": name,
        "nodeType": "http",
        "status": status,
        "startedAt": text(begin + timedelta(milliseconds=from_ms)),
    }
    if to_ms is not None:
        made |= {"stoppedAt": text(begin + timedelta(milliseconds=to_ms)), "duration": (to_ms - from_ms) / 1000}
    return made | more


def failed(at: datetime) -> Record:
    """Failed in its third node, after a loop of three runs and two branches side by side."""
    error = {
        "type": "ConnectionError",
        "message": "connect ECONNREFUSED <b>db</b>",
        "stack": "ConnectionError: x\n    at one",
        "nodeId": "n_write",
        "timestamp": text(at),
    }
    return record(
        "failed",
        at,
        10_000,
        "failed",
        workflowName=HOSTILE,
        error=error,
        executionData=[
            node("Hook", at, 0, 1000, outputData=[{"json": {"word": "<i>hello</i>"}}]),
            *(node("Loop", at, 1000 + 1000 * n, 2000 + 1000 * n, runIndex=n) for n in range(3)),
            node("Side", at, 1000, 6000),
            node("Write", at, 6000, 10_000, "failed", error={k: error[k] for k in ("type", "message", "timestamp")}),
        ],
    )


def sample(at: datetime) -> list[Record]:
    """All of them, the newest of them an hour before `at`."""
    hour = timedelta(hours=1)
    made = [failed(at - 2 * hour)]
    made.append(record("retry", at - hour, 4000, mode="retry", retryOf="exec_failed", workflowName=HOSTILE))
    made += [record(n, at - (n + 3) * hour, 1000 + n, workflowId="wf_2", workflowName="Two") for n in range(60)]
    return made


def running(id: str, at: datetime, **more: Any) -> Record:
    """One that runs since `at`, in its second node."""
    nodes = [node("Hook", at, 0, 1000), node("Wait", at, 1000, None, "running")]
    return record(id, at, None, "running", executionData=nodes, **more)


def ended(one: Record, at: datetime, status: str = "success") -> Record:
    """The same, ended at `at`."""
    nodes = [dict(part) for part in one["executionData"]]
    for part in nodes:
        if "stoppedAt" not in part:
            part |= {"status": status, "stoppedAt": text(at), "duration": 1.0}
    return one | {
        "status": status,
        "executionData": nodes,
        "stoppedAt": text(at),
        "duration": 2.0,
        "updatedAt": text(at),
    }
