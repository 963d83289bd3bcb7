"""The nodes of an execution on one axis of time: a lane a node, a bar a run. Pure: plain values in and out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from api.pages import times
from reports import format as fmt

HEADROOM: Final = 1.15
"""The axis of one that runs ends so much later than now, so that bars can grow for a while."""
LANES_MAX: Final = 300
"""Lanes that are shown; how many there are is said."""
RUNS_MAX: Final = 50
"""Runs of a node that are listed one by one; how many there are is said."""
BARS_MAX: Final = 400
"""Bars of a lane; where there are more runs, those side by side become one bar."""
_TICKS: Final = 5
_UNITS: Final = (
    (0.001, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    (1, (1, 2, 5, 10, 15, 30)),
    (60, (1, 2, 5, 10, 15, 30)),
    (3600, (1, 2, 4, 6, 12)),
    (86400, (1, 2, 7, 14, 30, 90, 365)),
)
_STEPS_S: Final = tuple(step * unit_s for unit_s, steps in _UNITS for step in steps)
_WORST: Final = ("failed", "timeout", "running", "queued", "cancelled", "success")


@dataclass(frozen=True, slots=True)
class Bar:
    """One run, or several side by side."""

    start: float
    """Of the axis, in per cent."""
    width: float
    """In per cent; 0: no time that could be seen."""
    status: str
    start_s: float
    """After the begin of the axis."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a node, in the order in which they ran."""

    index: int
    status: str
    started_at: datetime | None
    duration_s: float | None
    running: bool
    error_type: str | None
    error: str | None
    stack: str | None


@dataclass(frozen=True, slots=True)
class Lane:
    """One node with all its runs."""

    node_id: str
    name: str
    type: str | None
    status: str
    """The worst of its runs."""
    runs: tuple[Run, ...]
    """At most RUNS_MAX: where there are more, unsuccessful ones first."""
    runs_total: int
    bars: tuple[Bar, ...]
    start_s: float | None
    """Begin of its first run, after that of the axis. None: not known."""
    busy_s: float | None
    """Seconds in which at least one of its runs went on. None: not known."""
    share: float | None
    """busy_s of the time from the begin of the axis to the end of the last run."""
    running: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of it."""

    begin_at: datetime
    axis_s: float
    """Length of the axis."""
    ticks: tuple[tuple[float, str], ...]
    """(where, in per cent; how long after the begin)."""
    lanes: tuple[Lane, ...]
    lanes_total: int
    slowest: str | None
    """The node that was busy longest, where that says something. None: it does not."""


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime
    end: datetime
    status: str


def timeline(found: Mapping[str, Any], now: datetime) -> Timeline | None:
    """From the API's JSON of an execution. None: no node has begun. Cost: linear in the runs."""
    runs: Sequence[Mapping[str, Any]] = found.get("executionData", ())
    spans = [_span(run, now) for run in runs]
    known = [span for span in spans if span is not None]
    if not runs:
        return None
    own = times.parse(found.get("startedAt")) or times.parse(found.get("createdAt")) or now
    begin = min([own, *(span.start for span in known)])
    going_on = found["status"] == "running"
    ends = [span.end for span in known] + [times.parse(found.get("stoppedAt")) or (now if going_on else begin)]
    length_s = max((max(ends) - begin).total_seconds(), 0.001)
    axis_s = length_s * (HEADROOM if going_on else 1.0)
    by_node: dict[str, list[tuple[Mapping[str, Any], _Span | None]]] = {}
    for run, span in zip(runs, spans, strict=True):
        by_node.setdefault(run["nodeId"], []).append((run, span))
    lanes = [_lane(node_id, some, begin, axis_s, length_s, now) for node_id, some in by_node.items()]
    lanes.sort(key=lambda lane: float("inf") if lane.start_s is None else lane.start_s)
    return Timeline(begin, axis_s, _ticks(axis_s), tuple(lanes[:LANES_MAX]), len(lanes), _slowest(lanes))


def _span(run: Mapping[str, Any], now: datetime) -> _Span | None:
    """When a run went on; None: that is not known."""
    start = times.parse(run.get("startedAt"))
    if start is None:
        return None
    end = times.parse(run.get("stoppedAt"))
    if end is None and run.get("duration") is not None:
        end = start + timedelta(seconds=run["duration"])
    if end is None:
        end = now if run["status"] == "running" else start
    return _Span(start, max(start, end), run["status"])


def _lane(
    node_id: str,
    some: Sequence[tuple[Mapping[str, Any], _Span | None]],
    begin: datetime,
    axis_s: float,
    length_s: float,
    now: datetime,
) -> Lane:
    first = some[0][0]
    spans = sorted((span for _, span in some if span is not None), key=lambda span: span.start)
    statuses = {run["status"] for run, _ in some}
    busy_s = _busy_s(spans) if spans else None
    return Lane(
        node_id=node_id,
        name=first.get("nodeName") or node_id,
        type=first.get("nodeType"),
        status=next(one for one in _WORST if one in statuses),
        runs=_listed([_run(run, at, span, now) for at, (run, span) in enumerate(some)]),
        runs_total=len(some),
        bars=tuple(_bars(spans, begin, axis_s)),
        start_s=(spans[0].start - begin).total_seconds() if spans else None,
        busy_s=busy_s,
        share=None if busy_s is None else min(busy_s / length_s, 1.0),
        running="running" in statuses,
    )


def _run(run: Mapping[str, Any], at: int, span: _Span | None, now: datetime) -> Run:
    error = run.get("error", {})
    running = run["status"] == "running" and span is not None
    duration_s = run.get("duration")
    if running and span is not None:
        duration_s = max((now - span.start).total_seconds(), 0.0)
    return Run(
        index=run.get("runIndex", at),
        status=run["status"],
        started_at=None if span is None else span.start,
        duration_s=duration_s,
        running=running,
        error_type=error.get("type"),
        error=error.get("message"),
        stack=error.get("stack"),
    )


def _listed(runs: list[Run]) -> tuple[Run, ...]:
    """All of them, or the first unsuccessful and then the first of the others, in their order."""
    if len(runs) <= RUNS_MAX:
        return tuple(runs)
    chosen = sorted(runs, key=lambda run: (run.status == "success", run.index))[:RUNS_MAX]
    return tuple(sorted(chosen, key=lambda run: run.index))


def _bars(spans: Sequence[_Span], begin: datetime, axis_s: float) -> Iterable[Bar]:
    """A bar a run; where there are too many, runs that touch and ended alike become one."""
    if len(spans) > BARS_MAX:
        spans = _merged(spans, timedelta(seconds=axis_s / BARS_MAX))
    for span in spans:
        start_s, length_s = (span.start - begin).total_seconds(), (span.end - span.start).total_seconds()
        yield Bar(round(100 * start_s / axis_s, 3), round(100 * length_s / axis_s, 3), span.status, round(start_s, 3))


def _merged(spans: Sequence[_Span], gap: timedelta) -> list[_Span]:
    """`spans` by start; those of one status that are closer than `gap` as one."""
    last: dict[str, int] = {}
    found: list[_Span] = []
    for span in spans:
        at = last.get(span.status)
        if at is not None and span.start <= found[at].end + gap:
            found[at] = _Span(found[at].start, max(found[at].end, span.end), span.status)
        else:
            last[span.status] = len(found)
            found.append(span)
    return found


def _busy_s(spans: Sequence[_Span]) -> float:
    """Length of the union; `spans` by start."""
    total, until = 0.0, spans[0].start
    for span in spans:
        if span.end > until:
            total += (span.end - max(span.start, until)).total_seconds()
            until = span.end
    return total


def _ticks(axis_s: float) -> tuple[tuple[float, str], ...]:
    step_s = next((step for step in _STEPS_S if axis_s / step <= _TICKS), _STEPS_S[-1])
    count = min(int(axis_s / step_s + 1e-9), _TICKS)
    found = [
        (round(100 * number * step_s / axis_s, 3), fmt.duration_tick(number * step_s)) for number in range(count + 1)
    ]
    return tuple((where, words) for where, words in found if where <= 96)


def _slowest(lanes: Sequence[Lane]) -> str | None:
    timed = [lane for lane in lanes if lane.share is not None]
    if len(timed) < 2:
        return None
    longest = max(timed, key=lambda lane: lane.share or 0.0)
    return longest.node_id if (longest.share or 0.0) >= 0.25 else None
