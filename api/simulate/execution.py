"""One execution on its way: a state machine that is told the time, and the record that tells how far it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from api.models import instant_text
from api.simulate.plan import Plan

_LATER: Final = timedelta(microseconds=1)

Line = dict[str, Any]
"""A log line of the contract."""


class WallClock:
    """Instants of the seconds since the beginning, in whole milliseconds."""

    def __init__(self, begin_at: datetime) -> None:
        self._begin_at = begin_at.replace(microsecond=begin_at.microsecond // 1000 * 1000)

    def at(self, s: float) -> datetime:
        """The instant `s` seconds after the beginning."""
        return self._begin_at + timedelta(milliseconds=round(1000 * s))


class Execution:
    """queued -> running, node after node -> success, failed, timeout; or cancelled at any time before that."""

    def __init__(
        self,
        id: str,
        plan: Plan,
        clock: WallClock,
        created_at: datetime,
        *,
        payloads: bool = False,
        retry_of: str | None = None,
        retry_count: int = 0,
    ) -> None:
        self.id = id
        self.plan = plan
        self.status = "queued"
        self.retry_of = retry_of
        self.retry_count = retry_count
        self.due_s = plan.starts_s
        """When the next step is to be made."""
        self.lines: list[Line] = []
        """Written since they were last taken away."""
        self._clock = clock
        self._payloads = payloads
        self._created_at = created_at
        self._updated_at = created_at - _LATER
        self._started_at: datetime | None = None
        self._stopped_at: datetime | None = None
        self._error: dict[str, Any] | None = None
        self._node = plan.first_node
        self._node_since_s = 0.0
        self._limit_s = 0.0
        self._done: list[dict[str, Any]] = []

    @property
    def has_ended(self) -> bool:
        """Nothing will happen any more."""
        return self._stopped_at is not None

    def begin(self, s: float) -> None:
        """It starts."""
        self.status = "running"
        self._started_at = max(self._clock.at(s), self._created_at)
        self._node_since_s = s
        self._limit_s = s + self.plan.limit_s
        self._log(s, "info", f"Started by {self.plan.workflow.source}", {"mode": self.plan.mode})
        self._plan_step()

    def step(self, s: float) -> None:
        """What is due at `due_s` happens: it starts, a node ends, it ends."""
        if self.status == "queued":
            self.begin(s)
        elif self._node_since_s + self.plan.node_s[self._node] > self._limit_s:
            self._end(s, "timeout", ("ExecutionTimeoutError", self.plan.timeout_message))
        elif self._node == self.plan.fail_node:
            self._end(s, "failed", (self.plan.error_type or "Error", self.plan.error_message or ""))
        else:
            self._end_node(s, "success")
            self._node += 1
            self._node_since_s = s
            if self._node == len(self.plan.node_s):
                self._end(s, "success")
            else:
                self._plan_step()

    def cancel(self, s: float) -> None:
        """It is stopped because somebody wants it."""
        self._end(s, "cancelled")

    def touch(self, at: datetime) -> None:
        """The next record counts for more than anything said about it before `at`."""
        self._updated_at = max(self._updated_at, at)

    def record(self, s: float) -> dict[str, Any]:
        """All that is known of it at `s`, as the contract's Execution."""
        plan = self.plan
        self._updated_at = max(self._clock.at(s), self._updated_at + _LATER)
        record: dict[str, Any] = {
            "id": self.id,
            "workflowId": plan.workflow.id,
            "workflowName": plan.workflow.name,
            "status": self.status,
            "mode": plan.mode,
            "trigger": {
                "type": plan.workflow.trigger,
                "source": plan.workflow.source,
                "timestamp": instant_text(self._created_at),
            },
            "metadata": self._metadata(),
            "createdAt": instant_text(self._created_at),
            "updatedAt": instant_text(self._updated_at),
        }
        if self.retry_of is not None:
            record["retryOf"] = self.retry_of
        if self._started_at is not None:
            record["startedAt"] = instant_text(self._started_at)
            record["executionData"] = [*self._done, *([] if self.has_ended else [self._node_record("running")])]
        if self._stopped_at is not None:
            record["stoppedAt"] = instant_text(self._stopped_at)
            if self._started_at is not None:
                record["duration"] = (self._stopped_at - self._started_at).total_seconds()
        if self._error is not None:
            record["error"] = self._error
        return record

    def _metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = {"retryCount": self.retry_count}
        if self._started_at is not None:
            metadata["queueTime"] = (self._started_at - self._created_at).total_seconds()
            done = len(self._done) / len(self.plan.node_s)
            metadata["memoryUsage"] = round(self.plan.memory_mb * (0.5 + 0.5 * done), 1)
            metadata["dataTransferred"] = int(self.plan.data_bytes * done)
        if self.has_ended:
            metadata["nodeCount"] = len(self._done)
        return metadata

    def _plan_step(self) -> None:
        self.due_s = min(self._node_since_s + self.plan.node_s[self._node], self._limit_s)

    def _end(self, s: float, status: str, error: tuple[str, str] | None = None) -> None:
        at = self._clock.at(s)
        self._stopped_at = max(at, self._started_at or self._created_at)
        was_running = self.status == "running" and self._node < len(self.plan.node_s)
        self.status = status
        if error is not None:
            node_id = self.plan.workflow.nodes[self._node].id
            self._error = {"type": error[0], "message": error[1], "nodeId": node_id, "timestamp": instant_text(at)}
            self._log(s, "error", error[1], {"type": error[0]}, node_id)
        if was_running:
            self._end_node(s, status)
        level = {"success": "info", "cancelled": "warn"}.get(status, "error")
        self._log(s, level, f"Ended: {status}", {"nodes": len(self._done)})

    def _end_node(self, s: float, status: str) -> None:
        record = self._node_record(status)
        since, until = self._clock.at(self._node_since_s), self._clock.at(s)
        record |= {"stoppedAt": instant_text(until), "duration": (until - since).total_seconds()}
        if self._error is not None:
            record["error"] = self._error
        elif self._payloads and status == "success":
            record["outputData"] = [{"json": {"reference": self.id, "step": self._node}}]
        self._done.append(record)
        if status == "success":
            self._log(s, "debug", f"{record['nodeName']} took {record['duration']:g} s", None, record["nodeId"])

    def _node_record(self, status: str) -> dict[str, Any]:
        node = self.plan.workflow.nodes[self._node]
        record: dict[str, Any] = {
            "nodeId": node.id,
            "nodeName": node.name,
            "nodeType": node.type,
            "status": status,
            "startedAt": instant_text(self._clock.at(self._node_since_s)),
        }
        if self._payloads and self._node > self.plan.first_node:
            record["inputData"] = [{"json": {"reference": self.id, "step": self._node - 1}}]
        return record

    def _log(
        self, s: float, level: str, message: str, data: dict[str, Any] | None = None, node_id: str | None = None
    ) -> None:
        line: Line = {"timestamp": instant_text(self._clock.at(s)), "level": level, "message": message}
        if node_id is not None:
            line["nodeId"] = node_id
        if data is not None:
            line["data"] = data
        self.lines.append(line)
