"""What goes wrong from time to time. A pure function of the options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Final, Literal

from ingest import generate_words as words
from ingest.generate_plan import Workflow

FAILURE_RATE: Final = 0.8
"""Of what an incident of the kind `fails` touches."""
SLOWER: Final = 3.0
"""How many times longer that takes what an incident of the kind `slows` touches."""
_KINDS: Final[tuple[tuple[Literal["fails", "slows"], bool], ...]] = (
    ("fails", True),
    ("slows", False),
    ("fails", False),
    ("slows", True),
)
"""(kind, whether a workflow is touched, else a node type), one after the other."""
_BUSIEST: Final = 6
"""Workflows among which the one that is touched is drawn, so that somebody notices."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which something is wrong: executions that start in [since_s, until_s) feel it."""

    kind: Literal["fails", "slows"]
    since_s: float
    until_s: float
    workflow: Workflow | None
    """None: a node type is touched, in all workflows."""
    node_type: str | None

    @property
    def what(self) -> str:
        """What is touched and how, for people."""
        what = f"workflow {self.workflow.name!r}" if self.workflow else f"every node of the type {self.node_type!r}"
        does = f"fails {FAILURE_RATE:.0%} of the time" if self.kind == "fails" else f"is {SLOWER:g} times slower"
        return f"{what} {does}"

    @property
    def family(self) -> words.ErrorFamily:
        """How its failures look."""
        return words.DATABASE_FAMILY if self.node_type == "postgres" else words.OUTAGE_FAMILY

    def node_of(self, workflow: Workflow) -> int | None:
        """Index of the node of this workflow that is touched; None: none is."""
        if self.workflow is not None:
            return workflow.bottleneck if workflow.id == self.workflow.id else None
        return next((index for index, node in enumerate(workflow.nodes) if node.type == self.node_type), None)


class Incidents:
    """One in every `every_s` seconds, never two at a time."""

    def __init__(self, seed: int, every_s: float, flows: Sequence[Workflow]) -> None:
        self._seed = seed
        self._every_s = every_s
        self._flows = flows[:_BUSIEST]
        self._types = sorted({node.type for flow in self._flows for node in flow.nodes[1:]})
        self._numbered = lru_cache(16)(self._incident)

    def at(self, s: float) -> Incident | None:
        """The one that is under way `s` seconds after the beginning."""
        if not self._every_s:
            return None
        found = self._numbered(int(s // self._every_s))
        return found if found.since_s <= s < found.until_s else None

    def _incident(self, number: int) -> Incident:
        chance = Random(f"{self._seed}/incident/{number}")
        kind, of_workflow = _KINDS[number % len(_KINDS)]
        since_s = (number + 0.2 + 0.3 * chance.random()) * self._every_s
        until_s = since_s + (0.25 + 0.25 * chance.random()) * self._every_s
        workflow, node_type = chance.choice(self._flows), chance.choice(self._types)
        return Incident(kind, since_s, until_s, workflow if of_workflow else None, None if of_workflow else node_type)
