"""What the engine says became of a command, and what that means for the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from api.auth import Principal
from api.control.decisions import Row, batch_of, failed_retry, renamed, restored
from api.failures import ApiError
from api.models import instant_text
from warehouse.clock import now
from warehouse.hot.commands import Command, Commands
from warehouse.hot.decide import Settlement, decide, fingerprint_of
from warehouse.hot.store import HotStore
from warehouse.lake import Lake

State = Literal["done", "failed"]

REFUSED: Final = "EngineRefused"
"""Error type of a retry that the engine did not take."""


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """Safe to share between threads."""

    store: HotStore
    lake: Lake
    commands: Commands

    def take(
        self, principal: Principal, id: str, state: State, execution_id: str | None, message: str | None
    ) -> Command:
        """Settle a command, with its consequences in the same transaction.

        Raises ApiError 404 COMMAND_NOT_FOUND, 409 COMMAND_SETTLED when it was settled otherwise before.
        """
        command = self._find(principal, id)
        if command.settled_at is None:
            if command.kind == "cancel" or execution_id == command.execution_id:
                execution_id = None
            self._settle(command, state, message, execution_id)
            command = self._find(principal, id)
        if command.state != state:
            raise ApiError(
                409,
                "COMMAND_SETTLED",
                f"Command '{id[:100]}' was acknowledged as {command.state} before",
                commandId=id,
                status=command.state,
            )
        return command

    def _settle(self, command: Command, state: State, message: str | None, execution_id: str | None) -> None:
        at = now()
        rows = {row["id"]: row for row in self._rows(command, execution_id)}
        row = rows.get(command.execution_id)
        after: list[Row] = []
        gone: list[str] = []
        if row is not None and command.kind == "cancel" and state == "failed":
            after = _taken_back(command, row, at)
        elif row is not None and command.kind == "retry" and row["status"] == "queued":
            if state == "failed":
                said = message or "the engine did not take the retry"
                after = [failed_retry(row, REFUSED, said, fingerprint_of(self.lake, REFUSED, said), at)]
            elif execution_id is not None:
                # The engine may have reported its execution before it acknowledged: then that report stands.
                after = [] if execution_id in rows else [renamed(row, execution_id, at)]
                gone = [command.execution_id]
        settlement = Settlement(command.id, state, message, execution_id)
        decide(self.store, self.lake, self.commands, batch_of(after), settles=settlement, gone=gone)

    def _rows(self, command: Command, execution_id: str | None) -> list[Row]:
        ids = [command.execution_id, *([execution_id] if execution_id else [])]
        found: list[Row] = self.store.rows(self.lake, ids).to_pylist()
        return found

    def _find(self, principal: Principal, id: str) -> Command:
        found = None if "\0" in id else self.commands.find(id, principal.workflows())
        if found is None:
            raise ApiError(404, "COMMAND_NOT_FOUND", f"Command with ID '{id[:100]}' not found")
        return found


def _taken_back(command: Command, row: Row, at: datetime) -> list[Row]:
    """The execution as it was, when nobody has reported about it since it was cancelled."""
    before = command.body.get("before", {})
    ours = row["status"] == "cancelled" and before.get("updatedAt") == instant_text(row["updated_at"])
    return [restored(row, before["status"], before["sourceStatus"], at)] if ours else []
