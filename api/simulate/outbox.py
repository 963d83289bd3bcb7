"""What the server has not acknowledged yet: reports of executions, and log lines.

For one event loop; not for threads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from api.simulate.execution import Line

Kind = Literal["queued", "started", "progress", "ended"]

_REPLACED_BY: Final[dict[Kind, frozenset[Kind]]] = {
    "queued": frozenset(),
    "started": frozenset({"progress"}),
    "progress": frozenset({"progress", "ended"}),
    "ended": frozenset({"ended"}),
}
"""What makes a report that has not been sent superfluous. Each says all that is known, so nothing is lost by it; that
an execution was queued, ran and ended is always told one by one."""

Settled = Callable[[bool], None]
"""Told whether the server took the report."""


@dataclass(slots=True)
class Report:
    """The state of one execution as the server is to know it."""

    kind: Kind
    record: dict[str, Any]
    since_s: float
    """When the oldest transition that it tells of happened."""
    then: tuple[Settled, ...] = ()

    @property
    def id(self) -> str:
        """Of the execution."""
        return str(self.record["id"])


class Outbox:
    """Reports in order of their executions' first need; of each execution one is under way at a time."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Report]] = {}
        self._in_flight: set[str] = set()
        self._all: set[str] = set()
        self._ready: dict[str, None] = {}
        """Executions with a report that can be sent now, longest waiting first."""
        self._some = asyncio.Event()

    def __len__(self) -> int:
        """Executions of which something is not acknowledged."""
        return len(self._all)

    def put(self, report: Report) -> None:
        """One more report; takes the place of an earlier one that it makes superfluous."""
        self._all.add(report.id)
        waiting = self._waiting.setdefault(report.id, deque())
        if waiting and report.kind in _REPLACED_BY[waiting[-1].kind]:
            waiting.append(_merged(waiting.pop(), report))
        else:
            waiting.append(report)
        self._offer(report.id)

    async def some(self) -> None:
        """Wait until there is a report to send."""
        await self._some.wait()

    def take(self, limit: int) -> list[Report]:
        """Up to `limit` reports, of as many executions; they are under way until they are settled or given back."""
        taken = []
        for one in list(islice(self._ready, limit)):
            del self._ready[one]
            waiting = self._waiting[one]
            taken.append(waiting.popleft())
            if not waiting:
                del self._waiting[one]
            self._in_flight.add(one)
        if not self._ready:
            self._some.clear()
        return taken

    def settle(self, report: Report, accepted: bool) -> None:
        """The server has taken it, or refused it for good."""
        self._in_flight.discard(report.id)
        if report.id in self._waiting:
            self._offer(report.id)
        else:
            self._all.discard(report.id)
        for told in report.then:
            told(accepted)

    def give_back(self, reports: Sequence[Report]) -> None:
        """They did not get through: they are sent again, or what has made them superfluous meanwhile."""
        for report in reports:
            self._in_flight.discard(report.id)
            waiting = self._waiting.setdefault(report.id, deque())
            if waiting and waiting[0].kind in _REPLACED_BY[report.kind]:
                waiting.appendleft(_merged(report, waiting.popleft()))
            else:
                waiting.appendleft(report)
            self._offer(report.id)

    def _offer(self, id: str) -> None:
        if id not in self._in_flight:
            self._ready[id] = None
            self._some.set()


def _merged(earlier: Report, later: Report) -> Report:
    # That it has started must be told before it ends, so that stays what the report is for.
    kind = "started" if earlier.kind == "started" else later.kind
    return Report(kind, later.record, min(earlier.since_s, later.since_s), earlier.then + later.then)


class LogBox:
    """Log lines by execution. They are posted when it has ended, or after a while, once the server knows it."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Line]] = {}
        self._known: set[str] = set()
        self._unripe: dict[str, float] = {}
        """Since when there are lines; oldest first."""
        self._ready: dict[str, None] = {}
        self._some = asyncio.Event()

    def __len__(self) -> int:
        """Executions with lines."""
        return len(self._lines)

    def put(self, id: str, lines: Sequence[Line], s: float) -> None:
        """More lines of an execution, written at `s`."""
        if lines:
            if id not in self._lines:
                self._unripe[id] = s
            self._lines.setdefault(id, []).extend(lines)

    def know(self, id: str, *, ended: bool) -> None:
        """The server knows the execution. `ended`: there will be no further lines."""
        (self._known.discard if ended else self._known.add)(id)
        if id in self._lines and (ended or id not in self._unripe):
            self._offer(id)

    def ripen(self, before_s: float) -> None:
        """Lines that were written before are not to wait for the end of their execution."""
        while self._unripe:
            oldest, since_s = next(iter(self._unripe.items()))
            if since_s >= before_s:
                return
            del self._unripe[oldest]
            if oldest in self._known:
                self._offer(oldest)

    def take(self, id: str) -> list[Line]:
        """The lines of one execution, perhaps none; they are the caller's now."""
        self._ready.pop(id, None)
        self._unripe.pop(id, None)
        return self._lines.pop(id, [])

    async def some(self, limit: int) -> list[str]:
        """Wait for executions with lines that can be posted; up to `limit` of them, longest waiting first."""
        while not self._ready:
            self._some.clear()
            await self._some.wait()
        return list(islice(self._ready, limit))

    def give_back(self, id: str, lines: Sequence[Line], *, known: bool) -> None:
        """They did not get through. `known`: they can be posted again; else they wait for `know`."""
        if lines:
            self._lines[id] = [*lines, *self._lines.get(id, [])]
            if known:
                self._offer(id)

    def _offer(self, id: str) -> None:
        self._unripe.pop(id, None)
        self._ready[id] = None
        self._some.set()
