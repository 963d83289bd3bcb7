"""What generated records are drawn from: workflows, the hours of the window, and the truths planted in them.

Everything here is small (a row a workflow, a row an hour) and a pure function of the options; the records
themselves are drawn in SQL, see `generate.py`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from ingest import generate_words as words
from warehouse.errors import BadInputError

DEFAULT_UNTIL: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""End of the generated window unless another is asked for: fixed, so that the same command gives the same records."""

HOUR: Final = timedelta(hours=1)
MAX_WORKFLOWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """What to generate. The same options give the same records, byte for byte."""

    executions: int
    """How many records, 1 or more."""
    days: int = 30
    """Length of the window, 1..3660."""
    workflows: int = 40
    """How many workflows, 1..5000; their shares follow Zipf's law."""
    seed: int = 1
    """0..2**31-1. Another seed gives other records with the same truths planted."""
    nodes: bool = False
    """With the node runs (3 to 6 a workflow, cut short where the execution failed)."""
    payloads: bool = False
    """With node data as JSON: trigger payload, input and output; implies `nodes`."""
    until: datetime = DEFAULT_UNTIL
    """End of the window, exclusive; every execution is placed in [until - days, until)."""

    def __post_init__(self) -> None:
        for field, value, low, high in (
            ("executions", self.executions, 1, 10_000_000_000),
            ("days", self.days, 1, 3_660),
            ("workflows", self.workflows, 1, MAX_WORKFLOWS),
            ("seed", self.seed, 0, 2**31 - 1),
        ):
            if not low <= value <= high:
                raise BadInputError(f"{field} is {value}; allowed: {low} to {high}", field=field, value=value)
        if self.until.tzinfo is None:
            raise BadInputError(
                f"until is {self.until.isoformat()} without a time zone; give one, e.g. 2026-11-01T00:00:00Z",
                field="until",
                value=self.until,
            )

    @property
    def since(self) -> datetime:
        """Start of the window, inclusive."""
        return self.until.astimezone(UTC) - timedelta(days=self.days)

    @property
    def with_nodes(self) -> bool:
        """Node runs are wanted."""
        return self.nodes or self.payloads


IncidentKind = Literal["outage", "database", "queue"]


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which something was wrong: all executions placed in [since, until) feel it."""

    kind: IncidentKind
    """outage: one workflow fails; database: all fail more; queue: executions wait longer to start."""
    since: datetime
    until: datetime
    workflow_id: str | None
    """None: all workflows."""
    failure_rate: float | None
    """Share of executions that fail in it. None: no more than usual."""
    queue_time_s: float | None
    """Typical wait in it. None: no longer than usual."""
    error_type: str | None
    """What its failures say. None: it brings none of its own."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A workflow that gets slower: its duration is multiplied by 1 at `since`, growing to `factor` at the end."""

    workflow_id: str
    since: datetime
    factor: float


@dataclass(frozen=True, slots=True)
class NewError:
    """An error that did not occur before `since`; then it takes this share of the workflow's executions."""

    workflow_id: str
    error_type: str
    since: datetime
    failure_rate: float


@dataclass(frozen=True, slots=True)
class Planted:
    """The truths in the records that a report should find."""

    since: datetime
    until: datetime
    incidents: tuple[Incident, ...]
    """By start; clock hours."""
    regression: Regression
    new_error: NewError
    bottlenecks: tuple[tuple[str, str], ...]
    """(workflow_id, node_id) of the node that takes most of the time, by workflow rank."""
    workflows: tuple[tuple[str, str], ...]
    """(workflow_id, workflow_name), the busiest first."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a generated workflow."""

    id: str
    name: str
    type: str
    share: float
    """Of the execution's duration; the shares of a workflow add up to 1."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A generated workflow."""

    id: str
    name: str
    trigger: words.Trigger
    source: str
    weight: float
    median_s: float
    sigma: float
    failure_rate: float
    time_limit_s: int
    memory_mb: float
    interval_s: int
    """Of a schedule; 0: not scheduled."""
    nodes: tuple[Node, ...]
    bottleneck: int


def workflows(options: GenerateOptions) -> tuple[Workflow, ...]:
    """The workflows, busiest first."""
    return tuple(_workflow(rank, options.seed) for rank in range(options.workflows))


def _workflow(rank: int, seed: int) -> Workflow:
    def own(salt: str) -> float:
        return draw(f"{seed}/{rank}/{salt}")

    name, trigger, source = _identity(rank)
    nodes, bottleneck = _nodes(trigger, own("nodes"), rank)
    median_s = math.exp(math.log(0.4) + own("median") * math.log(40.0))
    return Workflow(
        id="wf_" + hashlib.blake2b(f"{seed}/{rank}".encode(), digest_size=6).hexdigest(),
        name=name,
        trigger=trigger,
        source=source,
        weight=(0.3 if trigger == "schedule" else 1.0) / (rank + 1) ** 1.1,
        median_s=median_s,
        sigma=0.35 + 0.35 * own("sigma"),
        failure_rate=0.006 * math.exp(2.3 * own("failures")),
        time_limit_s=max(10, 10 * math.ceil(median_s * (0.8 + own("limit")))),
        memory_mb=24 + 300 * own("memory") ** 2,
        interval_s=(300, 600, 900, 1800, 3600)[int(5 * own("interval"))] if trigger == "schedule" else 0,
        nodes=nodes,
        bottleneck=bottleneck,
    )


def _identity(rank: int) -> tuple[str, words.Trigger, str]:
    if rank < len(words.CURATED):
        return words.CURATED[rank]
    number = rank - len(words.CURATED)
    team = words.TEAMS[number % len(words.TEAMS)]
    thing, trigger, source = words.OBJECTS[(number * 5 + number // len(words.TEAMS)) % len(words.OBJECTS)]
    part = number // (len(words.TEAMS) * len(words.OBJECTS))
    return f"{team}: {thing}" + (f" {part + 1}" if part else ""), trigger, source  # type: ignore[return-value]


def _nodes(trigger: words.Trigger, draw: float, rank: int) -> tuple[tuple[Node, ...], int]:
    """3 to 6 nodes, one of which takes well over half of the time."""
    steps = int(4 * draw)
    kinds = [words.TRIGGER_NODES[trigger]]
    kinds += [words.STEP_NODES[(rank + step) % len(words.STEP_NODES)] for step in range(steps)]
    bottleneck = 1 + (rank % (steps + 1))
    kinds.insert(bottleneck, words.BOTTLENECK_NODES[rank % len(words.BOTTLENECK_NODES)])
    kinds.append(words.LAST_NODES[rank % len(words.LAST_NODES)])
    raw = [0.02, *(0.06 + 0.01 * index for index in range(len(kinds) - 1))]
    raw[bottleneck] = 0.9
    total = sum(raw)
    nodes = tuple(
        Node(f"n{index}_{kind.type}", kind.name, kind.type, share / total)
        for index, (kind, share) in enumerate(zip(kinds, raw, strict=True))
    )
    return nodes, bottleneck


def planted(options: GenerateOptions) -> Planted:
    """The truths that records of these options hold; no record is drawn for it."""
    flows = workflows(options)
    since, until = options.since, options.until.astimezone(UTC)
    count = len(flows)
    return Planted(
        since=since,
        until=until,
        incidents=_incidents(options, flows),
        regression=Regression(flows[min(2, count - 1)].id, hour_of(until - _back(options, 0.45, 14.0)), 3.0),
        new_error=NewError(
            flows[min(3, count - 1)].id, words.NEW_FAMILY.type, hour_of(until - _back(options, 0.2, 4.2)), 0.12
        ),
        bottlenecks=tuple((flow.id, flow.nodes[flow.bottleneck].id) for flow in flows),
        workflows=tuple((flow.id, flow.name) for flow in flows),
    )


def _incidents(options: GenerateOptions, flows: tuple[Workflow, ...]) -> tuple[Incident, ...]:
    until = options.until.astimezone(UTC)

    def window(share: float, days: float, hours: int) -> tuple[datetime, datetime]:
        start = hour_of(until - _back(options, share, days))
        return start, start + timedelta(hours=hours)

    outage, database, queue = window(0.35, 2.6, 4), window(0.55, 5.4, 2), window(0.7, 9.5, 3)
    victim = flows[min(1, len(flows) - 1)].id
    return tuple(
        sorted(
            (
                Incident("outage", *outage, victim, 0.65, None, words.OUTAGE_FAMILY.type),
                Incident("database", *database, None, 0.3, None, words.DATABASE_FAMILY.type),
                Incident("queue", *queue, None, None, 45.0, None),
            ),
            key=lambda incident: incident.since,
        )
    )


def _back(options: GenerateOptions, share: float, days: float) -> timedelta:
    """How long before the end: `days`, or that share of a short window."""
    return timedelta(days=min(options.days * share, days))


def hour_of(instant: datetime) -> datetime:
    """The start of the clock hour."""
    return instant.replace(minute=0, second=0, microsecond=0)


def draw(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48
