"""What has happened so far, for those who watch, and for the summary. For one event loop; not for threads."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

_BINS_PER_FOLD: Final = 32
"""Bins of the latencies from one millisecond to e ms, and so on: 3 % wide."""


class Latencies:
    """Of all times without keeping them: quantiles with an error of at most 3 %."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()

    def add(self, s: float) -> None:
        """One more."""
        self._bins[round(_BINS_PER_FOLD * math.log(max(1000 * s, 0.1)))] += 1

    def quantile_ms(self, share: float) -> float | None:
        """The time that this share of all does not exceed, in ms. None: there is none."""
        left = share * self._bins.total()
        for place in sorted(self._bins):
            left -= self._bins[place]
            if left <= 0:
                return round(math.exp(place / _BINS_PER_FOLD), 1)
        return None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something worth a line."""

    s: float
    """Since the beginning."""
    kind: Literal["incident", "command", "trouble"]
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of it. The words are those of the server: an execution counts as what the server acknowledged."""

    seed: int
    wall_s: float
    started: int
    """Executions that were begun, without retries."""
    retried: int
    """Executions that were begun because of a command."""
    by_status: dict[str, int]
    """Executions by the state that was acknowledged last."""
    rejected: int
    """Reports that the server refused for good."""
    unacknowledged: int
    """Executions of which the server has not acknowledged the last report; 0 unless it was ended at once."""
    records: int
    """Reports that were acknowledged."""
    log_lines: int
    """Log lines that were acknowledged."""
    requests: int
    requests_repeated: int
    """Of these, those that had to be sent again: overload, a server that was away."""
    held_s: float
    """How long none was started because too much was unacknowledged."""
    acknowledged_p50_ms: float | None
    """From a transition to its acknowledgement."""
    acknowledged_p95_ms: float | None
    commands: dict[str, int]
    """What became of commands: done, failed."""
    incidents: int


class Board:
    """The counters; whoever shows them reads them."""

    def __init__(self, on_happening: Callable[[Happening], None] | None = None) -> None:
        self.now_s = 0.0
        self.started = 0
        self.retried = 0
        self.active = 0
        """Executions that are queued or running here."""
        self.waiting = 0
        """Executions of which something is unacknowledged."""
        self.ended: Counter[str] = Counter()
        """Acknowledged ends by status."""
        self.alive: dict[str, str | None] = {}
        """The acknowledged status of each execution whose end is not acknowledged. None: nothing is."""
        self.rejected = 0
        self.records = 0
        self.log_lines = 0
        self.log_lines_refused = 0
        self.requests = 0
        self.repeated = 0
        self.held_s = 0.0
        self.latencies = Latencies()
        self.commands: Counter[str] = Counter()
        self.incidents = 0
        self.happenings: deque[Happening] = deque(maxlen=50)
        self.starts: deque[float] = deque(maxlen=20_000)
        """When the last executions were begun."""
        self.is_stopping = False
        self._on_happening = on_happening

    def happened(self, kind: Literal["incident", "command", "trouble"], text: str) -> None:
        """Note something, and tell who listens."""
        happening = Happening(self.now_s, kind, text)
        self.happenings.append(happening)
        if self._on_happening is not None:
            self._on_happening(happening)

    def acknowledged(self, id: str, status: str, since_s: float) -> None:
        """The server has taken a report."""
        self.records += 1
        self.latencies.add(self.now_s - since_s)
        if status in ("queued", "running"):
            self.alive[id] = status
        elif id in self.alive:  # else the same end was told once more
            del self.alive[id]
            self.ended[status] += 1

    def rate(self, over_s: float = 10.0) -> float:
        """Executions begun in a second, over the last seconds."""
        since_s = max(self.now_s - over_s, 0.0)
        recent = sum(s >= since_s for s in self.starts)
        return recent / max(self.now_s - since_s, 0.001)

    def by_status(self) -> dict[str, int]:
        """Executions by the state that was acknowledged last."""
        alive = Counter(status for status in self.alive.values() if status is not None)
        return dict(sorted((self.ended + alive).items()))

    def summary(self, seed: int) -> Summary:
        """All in all."""
        return Summary(
            seed=seed,
            wall_s=round(self.now_s, 3),
            started=self.started,
            retried=self.retried,
            by_status=self.by_status(),
            rejected=self.rejected,
            unacknowledged=self.waiting,
            records=self.records,
            log_lines=self.log_lines,
            requests=self.requests,
            requests_repeated=self.repeated,
            held_s=round(self.held_s, 3),
            acknowledged_p50_ms=self.latencies.quantile_ms(0.5),
            acknowledged_p95_ms=self.latencies.quantile_ms(0.95),
            commands=dict(sorted(self.commands.items())),
            incidents=self.incidents,
        )
