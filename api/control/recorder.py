"""Writing decisions down: in one transaction with their commands, and only while they still hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from api.control.decisions import Decision, batch_of
from api.failures import ApiError
from api.refusals import cannot_cancel, execution_not_found
from warehouse.hot.commands import Command, Commands
from warehouse.hot.decide import Settlement, decide
from warehouse.hot.store import HotStore
from warehouse.lake import Lake


class Recorder:
    """Safe to share between threads."""

    def __init__(self, store: HotStore, lake: Lake, commands: Commands) -> None:
        self._store = store
        self._lake = lake
        self._commands = commands

    def record(
        self, decisions: Sequence[Decision], commands: Sequence[Command] = (), *, settles: str | None = None
    ) -> dict[str, ApiError]:
        """Record the decisions with these commands (each its decision's); by execution why some could not be.

        A cancellation holds while the execution has not ended. Those that do not hold any more are left out, and the
        others are recorded, all in one transaction. `settles`: the command that is acknowledged by this.
        """
        refused: dict[str, ApiError] = {}
        of_execution = {command.execution_id: command for command in commands}
        left = list(decisions)
        while left:
            # By id, because an execution may be decided about once in a transaction.
            active = [decision.id for decision in left if decision.command.kind == "cancel"]
            chosen = [of_execution[decision.command.execution_id] for decision in left if of_execution]
            ended = decide(
                self._store,
                self._lake,
                self._commands,
                batch_of([decision.after for decision in left]),
                unfinished=active,
                new_commands=chosen,
                settles=None if settles is None else Settlement(settles, "done"),
            )
            if not ended:
                break
            refused |= {one: _refusal(one, status) for one, status in ended.items()}
            left = [decision for decision in left if decision.id not in ended]
        return refused

    def hold(self, command: Command, claim: str, hold_s: float) -> bool:
        """See Commands.hold."""
        return self._commands.hold(command, claim, hold_s)

    def settled(self, id: str, state: Literal["done", "failed"], message: str | None = None) -> None:
        """See Commands.settled."""
        self._commands.settled(id, state, message)


def _refusal(id: str, status: str | None) -> ApiError:
    return execution_not_found(id) if status is None else cannot_cancel(id, status)
