"""The port to the engine, and what can go wrong there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from api.control.decisions import Decision
from api.control.recorder import Recorder
from api.failures import ApiError
from api.models import instant_text
from warehouse.hot.commands import Command

Outcome = Decision | ApiError
"""The decision as it was recorded (a retry perhaps under the engine's id), or why it was not."""


class Engine(Protocol):
    """How decisions come to whoever runs the workflows."""

    @property
    def name(self) -> str:
        """What the setting `engine` calls it."""
        ...

    def carry_out(self, decisions: Sequence[Decision], recorder: Recorder) -> list[Outcome]:
        """Tell the engine and record, each decision or neither; an outcome each, in order.

        Raises what the store raises; then nothing more was recorded.
        """
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


def command_json(command: Command) -> dict[str, Any]:
    """A command as the engine gets it, whichever way."""
    return command.told() | {"createdAt": instant_text(command.created_at)}


def engine_refused(id: str, status: int, said: str | None) -> ApiError:
    """409: the engine answered that it will not."""
    text = f": {said}" if said else ""
    return ApiError(409, "ENGINE_REFUSED", f"The engine refused (status {status}){text}", executionId=id)


def engine_failed(id: str, why: str) -> ApiError:
    """502: the engine could not be asked, or failed."""
    return ApiError(502, "ENGINE_UNAVAILABLE", f"The engine {why}; nothing was changed", executionId=id)


def engine_timeout(id: str, limit_s: float) -> ApiError:
    """504: no answer in time; nobody knows whether the engine has done it."""
    message = (
        f"The engine did not answer within {limit_s:g} s; nothing was recorded. Should it have done it all the same, "
        "its own report of the execution will say so"
    )
    return ApiError(504, "ENGINE_TIMEOUT", message, executionId=id)


def said_by(body: Mapping[str, Any]) -> str | None:
    """The message in an engine's refusal, in the usual places; one line, shortened."""
    error = body.get("error")
    found = error.get("message") if isinstance(error, dict) else error if isinstance(error, str) else None
    found = found or body.get("message")
    if not isinstance(found, str):
        return None
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in found).split())
    return line[:300] or None
