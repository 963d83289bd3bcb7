"""A simulation from its beginning to its end: the engine, what reports for it, and how it is stopped."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from api.simulate.board import Board
from api.simulate.commander import Commander
from api.simulate.engine import Engine
from api.simulate.execution import WallClock
from api.simulate.link import Link
from api.simulate.options import Server, SimulateOptions
from api.simulate.outbox import LogBox, Outbox
from api.simulate.plan import Planner
from api.simulate.reporter import SENDERS, Reporter
from warehouse.clock import now

_TICK_S: Final = 0.02
"""Longest that the engine sleeps: commands, stops and acknowledgements change what is due."""


class Simulation:
    """One run. Made anywhere, run in an event loop, which it does not share."""

    def __init__(self, server: Server, options: SimulateOptions, board: Board) -> None:
        self._server = server
        self._options = options
        self._board = board
        self._planner = Planner(options)
        self._begun_s = 0.0

    async def run(self) -> None:
        """Run to the end, until all is acknowledged; then the board says what came of it.

        Raises ServerAwayError when there is no server to begin with, BadInputError when it refuses us. Cancelled, it
        ends at once, and what is not acknowledged is lost.
        """
        outbox, logs = Outbox(), LogBox()
        link = Link(self._server, self._board)
        try:
            self._begun_s = asyncio.get_running_loop().time()
            engine = Engine(
                self._options,
                self._planner,
                outbox,
                logs,
                self._board,
                clock=WallClock(now()),
                run_id=secrets.token_hex(4),
            )
            reporter = Reporter(link, outbox, logs, self._board, self._clock_s)
            commander = Commander(link, engine, self._board, self._clock_s)
            await self._run(engine, reporter, commander)
        finally:
            self._board.now_s = self._clock_s()
            self._board.waiting = len(outbox)
            await link.close()

    def stop(self) -> None:
        """Start no more, end what runs, and finish when all of that is acknowledged."""
        self._board.is_stopping = True

    async def _run(self, engine: Engine, reporter: Reporter, commander: Commander) -> None:
        await commander.collect(0.0)  # who may not report should know before anything is begun
        try:
            async with asyncio.TaskGroup() as group:
                collecting = group.create_task(commander.collect_all())
                others = [group.create_task(reporter.send_reports()) for _ in range(SENDERS)]
                others.append(group.create_task(reporter.send_lines()))
                others.append(group.create_task(commander.acknowledge_all()))
                await self._until_done(engine, reporter, commander)
                collecting.cancel()
                for task in others:
                    task.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _until_done(self, engine: Engine, reporter: Reporter, commander: Commander) -> None:
        """Until nothing runs, all is acknowledged, and the server wants nothing else."""
        while True:
            s = self._clock_s()
            self._board.now_s = s
            if self._board.is_stopping:
                commander.takes_retries = False
                engine.finish(s, cancel=not self._options.leave_running)
            engine.advance(s)
            if engine.has_finished and reporter.is_idle and commander.is_idle and not await commander.has_more():
                return
            left_s = engine.next_due_s() - self._clock_s()
            await asyncio.sleep(min(max(left_s, 0.0), _TICK_S))

    def _clock_s(self) -> float:
        return asyncio.get_running_loop().time() - self._begun_s
