"""Two servers on loopback, `runlake serve` and the yardstick over PostgreSQL, asked in turns by one client.

Client and servers share the machine's cores. Both clients keep their connection; neither asks for compression, since
PostgreSQL's app has none. Ours asks with a token.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.bench import postgres_cluster
from tests.bench.data import BenchData
from tests.bench.model import Bar, Measure
from tests.fixtures.served_process import Client, ServedProcess, serving

_ROOT: Final = Path(__file__).resolve().parents[2]
WARM_UPS: Final = 20
"""Requests before those that count."""
_THEIR_ROUND_S: Final = 3.0
"""A round of the yardstick ends after so long, after two requests at the earliest."""

Ask = Callable[[int], object]
"""Asks once; gets the number of the request, each number once."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both servers, and a client of each."""

    served: ServedProcess
    ours: Client
    conninfo: str
    """Of the yardstick's PostgreSQL, for preparing and checking."""
    theirs: Client
    their_pids: Callable[[], list[int]]
    """The app, and PostgreSQL's server with its processes."""
    their_port: int


@contextmanager
def both(data: BenchData) -> Iterator[Pair]:
    """The lake served by a process, and the same executions by the yardstick."""
    cluster = data.n8n_cluster()
    log = data.scratch("serve.log")
    log.touch()
    with (
        postgres_cluster.running(cluster) as conninfo,
        _yardstick(conninfo) as (app, port),
        serving(data.served_lake(), log) as served,
    ):

        def pids() -> list[int]:
            server = ServedProcess.family(postgres_cluster.server_pid(cluster))
            return [app.pid, *server]

        theirs = Client(port)
        try:
            yield Pair(served, served.client(), conninfo, theirs, pids, port)
        finally:
            theirs.close()


@contextmanager
def _yardstick(conninfo: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    call = [sys.executable, "-m", "tests.bench.postgres_app", conninfo]
    with subprocess.Popen(call, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None
            line = app.stdout.readline()
            assert line.startswith("http://"), f"the yardstick's app does not serve: {line!r}"
            yield app, int(line.strip().rpartition(":")[2])
        finally:
            app.terminate()


@dataclass(frozen=True, slots=True)
class Rounds:
    """Milliseconds of each request, round by round."""

    ours_ms: list[list[float]] = field(default_factory=list)
    theirs_ms: list[list[float]] = field(default_factory=list)

    def ratios(self) -> list[float]:
        """Median of ours / median of theirs, a round."""
        pairs = zip(self.ours_ms, self.theirs_ms, strict=True)
        return [statistics.median(ours) / statistics.median(theirs) for ours, theirs in pairs]

    def measures(self, question: str, case: str, bar: Bar | None, note: str = "") -> list[Measure]:
        """The latency of ours (all requests), judged, and the ratio of each round, for information."""
        ours, theirs = flat(self.ours_ms), flat(self.theirs_ms)
        told = f"p95 {percentile(ours, 95):.1f} ms, yardstick p95 {percentile(theirs, 95):.1f} ms of {len(theirs)}"
        ours_s, theirs_s = [ms / 1000 for ms in ours], [ms / 1000 for ms in theirs]
        return [
            Measure(question, f"{case}, p50", "ms", ours, bar, ours_s, theirs_s, f"{told}{'; ' if note else ''}{note}"),
            Measure(question, f"{case}, to PostgreSQL", "ratio", self.ratios(), None, ours_s, theirs_s),
        ]


def in_turns(ours: Ask, theirs: Ask, rounds: int, *, requests: int = 50, before_ours: Ask = lambda _: None) -> Rounds:
    """Rounds of `requests` of ours and as many of theirs as fit, after a warm-up of each that is not counted.

    `before_ours` prepares each request of ours, not timed.
    """
    numbers = iter(range(sys.maxsize))
    their_numbers = iter(range(sys.maxsize))
    _some(ours, numbers, min(requests, WARM_UPS), float("inf"), before_ours)
    _some(theirs, their_numbers, min(requests, WARM_UPS), _THEIR_ROUND_S)
    found = Rounds()
    for _ in range(rounds):
        found.ours_ms.append(_some(ours, numbers, requests, float("inf"), before_ours))
        found.theirs_ms.append(_some(theirs, their_numbers, requests, _THEIR_ROUND_S))
    return found


def _some(
    ask: Ask, numbers: Iterator[int], requests: int, within_s: float, before: Ask = lambda _: None
) -> list[float]:
    taken_ms: list[float] = []
    deadline = time.perf_counter() + within_s
    while len(taken_ms) < requests and (len(taken_ms) < 2 or time.perf_counter() < deadline):
        number = next(numbers)
        before(number)
        started = time.perf_counter()
        ask(number)
        taken_ms.append((time.perf_counter() - started) * 1000)
    return taken_ms


def flat(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [value for one in rounds for value in one]


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def instant(text: str) -> datetime:
    """An instant as either server writes it."""
    return datetime.fromisoformat(text)


def shown(row: dict[str, Any]) -> tuple[str, datetime]:
    """What both servers say of an execution."""
    return row["workflowId"], instant(row.get("startedAt") or row["createdAt"])
