"""The engine collects what was decided: GET /v1/commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from api.control.decisions import Decision
from api.control.engine import Outcome
from api.control.recorder import Recorder


class CommandsEngine:
    """Decisions are recorded at once, each with its command in the same transaction."""

    name: Final = "commands"

    def carry_out(self, decisions: Sequence[Decision], recorder: Recorder) -> list[Outcome]:
        """See Engine.carry_out."""
        refusals = recorder.record(decisions, [decision.command for decision in decisions])
        return [refusals.get(decision.id, decision) for decision in decisions]

    def close(self) -> None:
        """Nothing is open."""
