"""Records for the tests of events, and an independent model, in plain Python, of the events they must make."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.warehouse.records import Record, at
from warehouse.hot.event_log import EventLog
from warehouse.schema import FINISHED, TableName

Seen = dict[str, Any]
"""An event as the tests compare it: its columns by name, `data` read."""

ENDINGS = {"success": "completed", "failed": "failed", "cancelled": "cancelled", "timeout": "timeout"}


@dataclass(frozen=True)
class Run(Record):
    """A record whose node runs have statuses of their own, and that may repeat another."""

    runs: tuple[str, ...] | None = None
    """Statuses of the nodes n0, n1, …; None: the record came without node data."""
    retry_of: str | None = None
    message: str | None = None
    trigger: str | None = None

    @property
    def nodes_hash(self) -> int | None:
        return None if self.runs is None else zlib.crc32(repr((self.runs, self.started)).encode())

    def execution(self) -> dict[str, Any]:
        error = {"error_type": "Error", "error_message": self.message, "error_node_id": "n0"} if self.message else {}
        return super().execution() | {
            "retry_of": self.retry_of,
            "retry_count": 1 if self.retry_of else None,
            "node_count": None if self.runs is None else len(self.runs),
            "trigger_type": self.trigger,
            **error,
        }

    def details(self, table: TableName) -> list[dict[str, Any]]:
        if table != "node_runs":
            return super().details(table)
        plain = Record(self.id, workflow=self.workflow, started=self.started, nodes=len(self.runs or ()))
        return [
            row | {"node_id": f"n{number}", "status": status}
            for number, (row, status) in enumerate(zip(plain.details(table), self.runs or (), strict=True))
        ]


@dataclass
class EventModel:
    """What the log must say, record by record. `updated` must differ between the records of an id that differ."""

    records: dict[str, list[Run]] = field(default_factory=dict)

    def write(self, records: Iterable[Run], *, silent: Collection[str] = ()) -> dict[str, list[Seen]]:
        """One write: its events by execution; execution.retried by the new one, with a * before its id."""
        found: dict[str, list[Seen]] = {}
        by_id: dict[str, list[Run]] = {}
        for one in records:
            by_id.setdefault(one.id, []).append(one)
        for id_, new in by_id.items():
            known = self.records.setdefault(id_, [])
            before = _newest(known), _newest([one for one in known if one.runs is not None])
            known += new
            if id_ not in silent:
                self._events(found, id_, *before)
        return {id_: events for id_, events in found.items() if events}

    def _events(self, found: dict[str, list[Seen]], id_: str, was: Run | None, gave: Run | None) -> None:
        now = _newest(self.records[id_])
        nodes = _newest([one for one in self.records[id_] if one.runs is not None])
        assert now is not None
        mine = found.setdefault(id_, [])
        if was is None and now.retry_of is not None:
            data = {"retryExecutionId": id_, "retryCount": 1}
            repeated = _event("execution.retried", now, at(0), data)
            found.setdefault(f"*{id_}", []).append(
                repeated | {"execution_id": now.retry_of, "status": None, "mode": None}
            )
        became = was is None or was.status != now.status
        if became and now.status not in FINISHED:
            mine.append(_beginning(now))
        ended = [] if gave is None else list(enumerate(gave.runs or ()))
        for number, status in enumerate(() if nodes is None else nodes.runs or ()):
            if status in FINISHED and (number, status) not in ended:
                data = {"nodeId": f"n{number}", "status": status, "duration": 0.5}
                mine.append(_event("node.completed", now, at(now.updated), data) | {"status": status})
        if became and now.status in FINISHED:
            count = None if nodes is None else len(nodes.runs or ())
            mine.append(_ending(now, count))

    def delete(self, ids: Iterable[str]) -> dict[str, list[Seen]]:
        """A deletion: its events by execution; when they happened is not known."""
        found = {}
        for id_ in set(ids):
            gone = _newest(self.records.pop(id_, []))
            if gone is not None:
                found[id_] = [_event("execution.deleted", gone, None, {})]
        return found


def _newest(records: Sequence[Run]) -> Run | None:
    return max(records, key=lambda one: (one.updated, one.finished), default=None)


def _event(kind: str, record: Run, when: datetime | None, data: dict[str, Any]) -> Seen:
    return {
        "type": kind,
        "execution_id": record.id,
        "workflow_id": record.workflow,
        "workflow_name": record.name,
        "status": record.status,
        "mode": "webhook",
        "at": when,
        "data": data,
    }


def _beginning(record: Run) -> Seen:
    data = {"mode": "webhook"} | ({"trigger": record.trigger} if record.trigger else {})
    if record.status == "running":
        return _event(
            "execution.started", record, at(record.updated if record.started is None else record.started), data
        )
    return _event("execution.queued", record, at(0), data | ({"retryOf": record.retry_of} if record.retry_of else {}))


def _ending(record: Run, node_count: int | None) -> Seen:
    started = record.started is not None
    data: dict[str, Any] = {
        "status": record.status,
        "duration": record.duration_s if started else None,
        "nodeCount": node_count,
    }
    if record.status != "success":
        if record.message:
            data["error"] = {"type": "Error", "message": record.message[:1000], "nodeId": "n0"}
        data |= {"retryOf": record.retry_of, "retryCount": 1 if record.retry_of else None}
    when = at(record.started or 0) + timedelta(seconds=2) if started else at(record.updated)
    data = {key: value for key, value in data.items() if value is not None}
    return _event(f"execution.{ENDINGS[record.status]}", record, when, data)


def seen(log: EventLog, after_no: int = 0, *, limit: int = 10_000) -> list[Seen]:
    """The events of a log from there on, read in pieces; their numbers follow each other without a gap."""
    found: list[Seen] = []
    while (part := log.read(after_no, limit=limit)).num_rows:
        assert part["event_no"].to_pylist() == list(range(after_no + 1, after_no + 1 + part.num_rows))
        after_no += part.num_rows
        found += part.drop_columns("event_no").to_pylist()
    assert after_no == log.newest()
    return [one | {"data": json.loads(one["data"])} for one in found]


def by_execution(events: Iterable[Seen]) -> dict[str, list[Seen]]:
    """The same as EventModel gives them."""
    found: dict[str, list[Seen]] = {}
    for one in events:
        retry = one["data"].get("retryExecutionId")
        known = one | ({"at": None} if one["type"] == "execution.deleted" else {})
        found.setdefault(one["execution_id"] if retry is None else f"*{retry}", []).append(known)
    return found
