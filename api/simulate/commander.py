"""Commands: collected, carried out, acknowledged once the server has what came of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Literal

import httpx
import msgspec

from api.simulate.board import Board
from api.simulate.command import Command
from api.simulate.engine import Engine, RefusedError
from api.simulate.link import AgainError, Link, said
from warehouse.errors import BadInputError

POLL_S: Final = 30.0
_LIMIT: Final = 100
_REMEMBERED: Final = 10_000
"""Commands whose outcome is still known, for when they are handed out again."""


class _Commands(msgspec.Struct):
    commands: list[Command]


class _Ack(msgspec.Struct, omit_defaults=True):
    """What became of a command."""

    status: Literal["done", "failed"]
    message: str | None = None


class Commander:
    """For one event loop; not for threads."""

    def __init__(self, link: Link, engine: Engine, board: Board, clock_s: Callable[[], float]) -> None:
        self._link = link
        self._engine = engine
        self._board = board
        self._clock_s = clock_s
        self._acks: asyncio.Queue[tuple[Command, _Ack]] = asyncio.Queue()
        self._known: OrderedDict[str, _Ack | None] = OrderedDict()
        """What became of commands; None: that is still under way."""
        self._acks_under_way = 0
        self.takes_retries = True
        """False: they are left to another engine, which gets them when their lease is over."""

    @property
    def is_idle(self) -> bool:
        """All that became of commands is acknowledged."""
        return not self._acks.qsize() and not self._acks_under_way

    async def collect(self, wait_s: float = POLL_S) -> int:
        """Ask for commands once, and carry them out; how many. Raises what Link.ask raises."""
        query = {"wait": wait_s, "limit": _LIMIT}
        answer = await self._link.ask("GET", "/v1/commands", params=query, wait_s=wait_s)
        found = [command for command in _read(answer) if self.takes_retries or command.type != "retry"]
        for command in found:
            self._take(command)
        return len(found)

    async def has_more(self) -> bool:
        """Whether there are commands right now, or that cannot be told; they are carried out."""
        try:
            return await self.collect(0.0) > 0
        except AgainError:
            return True

    async def collect_all(self) -> None:
        """Collect without end."""
        while True:
            try:
                await self.collect()
            except AgainError:
                continue

    async def acknowledge_all(self) -> None:
        """Acknowledge what was carried out, without end."""
        while True:
            command, ack = await self._acks.get()
            self._acks_under_way += 1
            try:
                await self._acknowledge(command, ack)
            finally:
                self._acks_under_way -= 1

    async def _acknowledge(self, command: Command, ack: _Ack) -> None:
        headers = {"Content-Type": "application/json"}
        while True:
            try:
                answer = await self._link.ask(
                    "POST", f"/v1/commands/{command.id}/ack", content=msgspec.json.encode(ack), headers=headers
                )
            except AgainError:
                continue
            break
        if not answer.is_success:
            self._board.happened("trouble", f"the server refuses the acknowledgement of {command.id}: {said(answer)}")
        self._board.commands[ack.status] += 1
        outcome = ack.status + (f": {ack.message}" if ack.message else "")
        self._board.happened("command", f"{command.type} {command.executionId}: {outcome}")

    def _take(self, command: Command) -> None:
        """Carry it out, unless it was handed out before."""
        if command.id in self._known:
            ack = self._known[command.id]
            if ack is not None:
                self._acks.put_nowait((command, ack))
            return
        self._known[command.id] = None
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        try:
            self._carry_out(command)
        except RefusedError as error:
            self._done(command, str(error))

    def _carry_out(self, command: Command) -> None:
        s = self._clock_s()
        self._board.now_s = s
        self._engine.advance(s)
        if command.type == "retry":
            refused = "the server refused its report"
            self._engine.retry(command, s, lambda accepted: self._done(command, None if accepted else refused))
        else:
            self._engine.cancel(command, s, lambda reason: self._done(command, reason))

    def _done(self, command: Command, reason: str | None) -> None:
        """It was carried out, or not for a reason."""
        ack = _Ack("done") if reason is None else _Ack("failed", reason)
        self._known[command.id] = ack
        self._acks.put_nowait((command, ack))


def _read(answer: httpx.Response) -> list[Command]:
    if not answer.is_success:
        raise BadInputError(
            f"the server at --server gives no commands: {answer.status_code}, {said(answer)}", field="--server"
        )
    try:
        return msgspec.json.decode(answer.content, type=_Commands).commands
    except msgspec.DecodeError as error:
        raise BadInputError(f"what is at --server is not runlake: {error}", field="--server") from error
