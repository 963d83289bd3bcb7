"""What is to happen: one execution after the other. A pure function of the options and the number."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, count
from random import Random
from typing import Final

from api.simulate.incidents import FAILURE_RATE, SLOWER, Incident, Incidents
from api.simulate.options import SimulateOptions
from ingest import generate_words as words
from ingest.generate_plan import GenerateOptions, Workflow, draw, workflows

_HANGS: Final = 0.0015
"""Share of executions that take sixty times as long."""
_MANUAL: Final = 0.012
_QUEUED: Final = 0.35
"""Share of executions that wait long enough to be reported as queued."""
_AT_BOTTLENECK: Final = 0.75
"""Share of failures that the slowest node has; the last one has the others."""
_MODES: Final = {"schedule": "scheduled", "webhook": "webhook", "event": "trigger"}
_HOSTS: Final = ("api.partner", "db-1.eu", "db-2.eu", "crm", "ledger", "files.eu")


@dataclass(frozen=True, slots=True)
class Plan:
    """One execution as it will go, unless a command changes it. Seconds are those of the wall clock."""

    starts_s: float
    """When it is created, after the beginning."""
    workflow: Workflow
    mode: str
    is_queued: bool
    """Reported while it waits."""
    queue_s: float
    node_s: tuple[float, ...]
    """How long each node takes; that of the failing node until it fails."""
    limit_s: float
    """After which it is stopped."""
    first_node: int
    """Where it begins; nodes before are not run."""
    fail_node: int | None
    error_type: str | None
    error_message: str | None
    timeout_message: str
    memory_mb: float
    data_bytes: int


class Planner:
    """Plans in order of time, and retries."""

    def __init__(self, options: SimulateOptions) -> None:
        self._options = options
        self.workflows = workflows(GenerateOptions(1, workflows=options.workflows, seed=options.seed))
        self.incidents = Incidents(options.seed, options.incident_every_s, self.workflows)
        self._number_of = {flow.id: number for number, flow in enumerate(self.workflows)}
        self._edges = list(accumulate(flow.weight for flow in self.workflows))

    def workflow(self, id: str | None) -> Workflow | None:
        """The workflow of that id."""
        number = None if id is None else self._number_of.get(id)
        return None if number is None else self.workflows[number]

    def plans(self) -> Iterator[Plan]:
        """All of them, without end, in order of `starts_s`."""
        starts_s = 0.0
        for number in count():
            chance = Random(f"{self._options.seed}/{number}")
            starts_s += chance.expovariate(self._options.rate)
            flow = self.workflows[min(bisect(self._edges, chance.random() * self._edges[-1]), len(self._edges) - 1)]
            mode = "manual" if chance.random() < _MANUAL else _MODES[flow.trigger]
            yield self._plan(chance, starts_s, flow, mode, 0)

    def retry(self, workflow: Workflow, starts_s: float, first_node: int, key: str) -> Plan:
        """One more run of a workflow; `key` (the new id) draws how it goes."""
        chance = Random(f"{self._options.seed}/retry/{key}")
        return self._plan(chance, starts_s, workflow, "retry", first_node)

    def _plan(self, chance: Random, starts_s: float, flow: Workflow, mode: str, first_node: int) -> Plan:
        speed = self._options.speed
        is_queued = chance.random() < _QUEUED
        queue_s = (0.3 if is_queued else 0.015) * math.exp(0.7 * chance.gauss(0, 1))
        node_s = self._node_seconds(chance, flow)
        incident = self.incidents.at(starts_s)
        touched = incident.node_of(flow) if incident else None
        rate, family = flow.failure_rate, self._family(chance, flow)
        fail_at = flow.bottleneck if chance.random() < _AT_BOTTLENECK else len(flow.nodes) - 1
        if incident is not None and touched is not None:
            if incident.kind == "fails":
                rate, family, fail_at = FAILURE_RATE, incident.family, touched
            else:
                node_s = _slowed(node_s, incident, touched)
        fail_node = max(fail_at, first_node) if chance.random() < rate else None
        cut = 0.15 + 0.85 * chance.random()
        if fail_node is not None:
            node_s[fail_node] *= cut
        message = _filled(chance, family.message)
        return Plan(
            starts_s=starts_s,
            workflow=flow,
            mode=mode,
            is_queued=is_queued and mode != "retry",
            queue_s=queue_s / speed,
            node_s=tuple(seconds / speed for seconds in node_s),
            limit_s=flow.time_limit_s / speed,
            first_node=first_node,
            fail_node=fail_node,
            error_type=None if fail_node is None else family.type,
            error_message=None if fail_node is None else message,
            timeout_message=words.TIMEOUT_FAMILY.message.format(ms=round(1000 * flow.time_limit_s / speed)),
            memory_mb=round(flow.memory_mb * math.exp(0.2 * chance.gauss(0, 1)), 1),
            data_bytes=int(600 * math.exp(1.1 * chance.gauss(0, 1))),
        )

    def _node_seconds(self, chance: Random, flow: Workflow) -> list[float]:
        """How long each node takes at normal speed: log-normal in sum, shared out with some noise."""
        total_s = flow.median_s * math.exp(flow.sigma * chance.gauss(0, 1))
        if chance.random() < _HANGS:
            total_s *= 60.0
        shares = [node.share * math.exp(0.25 * chance.gauss(0, 1)) for node in flow.nodes]
        return [total_s * share / sum(shares) for share in shares]

    def _family(self, chance: Random, flow: Workflow) -> words.ErrorFamily:
        """A workflow mostly fails in the same two or three ways."""
        families = words.ERROR_FAMILIES
        first = int(draw(f"{self._options.seed}/{self._number_of[flow.id]}/errors") * len(families))
        return families[(first + int(3 * chance.random() ** 2)) % len(families)]


def _slowed(node_s: list[float], incident: Incident, touched: int) -> list[float]:
    if incident.workflow is not None:
        return [SLOWER * seconds for seconds in node_s]
    return [SLOWER * seconds if index == touched else seconds for index, seconds in enumerate(node_s)]


def _filled(chance: Random, message: str) -> str:
    """The text of an error with what differs from one to the next."""
    found = {
        "n": str(1 + chance.randrange(90_000)),
        "id": f"{chance.getrandbits(64):016x}",
        "host": f"{chance.choice(_HOSTS)}.example.com",
        "ms": str(5000 * (1 + chance.randrange(6))),
    }
    for name, value in found.items():
        message = message.replace(f"{{{name}}}", value)
    return message
