"""What runs: starts executions as planned, moves them on when they are due, obeys. It is told the time."""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Final

from api.simulate.board import Board
from api.simulate.command import Command
from api.simulate.execution import Execution, WallClock
from api.simulate.incidents import Incident
from api.simulate.options import SimulateOptions
from api.simulate.outbox import Kind, LogBox, Outbox, Report, Settled
from api.simulate.plan import Plan, Planner

REMEMBERED: Final = 5_000
"""Executions that have ended and are still known, the newest: for commands that were given before that was known."""
LINES_KEPT_S: Final = 3.0
"""How long log lines of what still runs are kept: a report of what has some at the server costs it twice as much."""
_SAY_HELD_EVERY_S: Final = 10.0
_LATER: Final = timedelta(milliseconds=1)


class RefusedError(Exception):
    """A command that cannot be carried out; the text is for who gave it."""


class Engine:
    """For one event loop; not for threads. `s` are seconds since the beginning, never less than before."""

    def __init__(
        self,
        options: SimulateOptions,
        planner: Planner,
        outbox: Outbox,
        logs: LogBox,
        board: Board,
        *,
        clock: WallClock,
        run_id: str,
    ) -> None:
        """run_id: begins the ids, so that no two runs meet."""
        self._options = options
        self._planner = planner
        self._outbox = outbox
        self._logs = logs
        self._board = board
        self._clock = clock
        self._run_id = run_id
        self._plans = planner.plans()
        self._next: Plan | None = next(self._plans)
        self._number = 0
        self._late_s = 0.0
        """How much later than planned executions start, because none was to start for a while."""
        self._held_since_s: float | None = None
        """Since when none was to start has not been counted; None: they may."""
        self._say_held_at_s = 0.0
        self._active: dict[str, Execution] = {}
        self._ended: OrderedDict[str, Execution] = OrderedDict()
        self._due: list[tuple[float, int, Execution]] = []
        self._ticket = count()
        self._incident: Incident | None = None

    @property
    def has_finished(self) -> bool:
        """No execution will start (but by a retry), and none runs."""
        return self._next is None and not self._active

    def next_due_s(self) -> float:
        """When something is to be done next, apart from starting again after too much was unacknowledged."""
        starts = []
        if self._next is not None and self._held_since_s is None:
            starts = [self._next.starts_s + self._late_s]
        steps = [self._due[0][0]] if self._due else []
        return min(starts + steps, default=math.inf)

    def advance(self, s: float) -> None:
        """Do all that is due up to `s`, in order of time."""
        self._announce(s)
        self._start_due(s)
        while self._due and self._due[0][0] <= s:
            due_s, _, execution = heapq.heappop(self._due)
            if not execution.has_ended:
                was_queued = execution.status == "queued"
                execution.step(due_s)
                self._tell(execution, due_s, "started" if was_queued else "progress")
        self._logs.ripen(s - LINES_KEPT_S)
        self._board.active = len(self._active)
        self._board.waiting = len(self._outbox)

    def finish(self, s: float, *, cancel: bool) -> None:
        """Start none any more. `cancel`: what is under way ends now; else it is left as it is."""
        self._next = None
        for execution in list(self._active.values()):
            if cancel:
                execution.cancel(s)
                self._tell(execution, s)
            elif execution.status == "queued" and not execution.plan.is_queued:
                self._tell(execution, s, "queued")  # it was not told yet
        self._active.clear()
        self._due.clear()
        self._logs.ripen(math.inf)

    def cancel(self, command: Command, s: float, then: Callable[[str | None], None]) -> None:
        """End an execution as cancelled. Raises RefusedError.

        `then` is told when the server has taken the report: None, or that the execution had ended before; then the
        report says once more how.
        """
        execution = self._active.get(command.executionId)
        reason = None
        if execution is not None:
            execution.cancel(s)
        else:
            execution = self._ended.get(command.executionId)
            if execution is None:
                raise RefusedError(f"this engine knows no execution '{command.executionId[:100]}'")
            if execution.status != "cancelled":
                reason = f"it had ended before: {execution.status}"
        # The server may have dated its own word later than our clock does.
        execution.touch(command.createdAt + _LATER)
        self._tell(execution, s, then=lambda _: then(reason))

    def retry(self, command: Command, s: float, then: Settled) -> None:
        """Begin an execution anew, at the node asked for; `then`: see Report. Raises RefusedError."""
        workflow = self._planner.workflow(command.workflowId)
        if workflow is None:
            raise RefusedError(f"this engine has no workflow '{(command.workflowId or '')[:100]}'")
        new_id = command.executionId
        if new_id in self._active or new_id in self._ended:
            raise RefusedError(f"the execution '{new_id[:100]}' was begun before")
        places = {node.id: place for place, node in enumerate(workflow.nodes)}
        unknown = [node_id for node_id in command.from_nodes() if node_id not in places]
        if unknown:
            raise RefusedError(f"the workflow has no node '{unknown[0][:100]}'; it has {', '.join(places)}")
        first_node = min((places[node_id] for node_id in command.from_nodes()), default=0)
        plan = self._planner.retry(workflow, max(s - self._late_s, 0.0), first_node, new_id)
        before = self._active.get(command.retryOf or "") or self._ended.get(command.retryOf or "")
        execution = Execution(
            new_id,
            plan,
            self._clock,
            command.createdAt,
            payloads=self._options.payloads,
            retry_of=command.retryOf,
            retry_count=1 + (before.retry_count if before else 0),
        )
        self._board.retried += 1
        self._enlist(execution)
        execution.begin(s)
        self._tell(execution, s, "started", then)

    def _announce(self, s: float) -> None:
        """Say when an incident begins and when it is over."""
        found = None if self._next is None else self._planner.incidents.at(max(s - self._late_s, 0.0))
        if found is self._incident:
            return
        if self._incident is not None:
            self._board.happened("incident", f"over: {self._incident.what}")
        if found is not None:
            self._board.incidents += 1
            self._board.happened("incident", f"{found.what}, for {found.until_s - found.since_s:.0f} s")
        self._incident = found

    def _start_due(self, s: float) -> None:
        """Start what is planned, unless too much is unacknowledged: then all that is planned comes later."""
        while self._next is not None and (due_s := self._next.starts_s + self._late_s) <= s:
            if self._options.duration_s is not None and due_s >= self._options.duration_s:
                self._next = None
                return
            if len(self._outbox) >= self._options.max_waiting:
                self._hold(s)
                return
            if self._held_since_s is not None:
                self._late_s += s - due_s
                due_s, self._held_since_s = s, None
            self._start(self._next, due_s)
            self._number += 1
            is_last = self._options.executions is not None and self._number >= self._options.executions
            self._next = None if is_last else next(self._plans)
        if self._options.duration_s is not None and s >= self._options.duration_s:
            self._next = None

    def _hold(self, s: float) -> None:
        """Count the time in which none is started, and say so now and then."""
        if self._held_since_s is not None:
            self._board.held_s += s - self._held_since_s
        self._held_since_s = s
        if s >= self._say_held_at_s:
            self._say_held_at_s = s + _SAY_HELD_EVERY_S
            self._board.happened("trouble", f"none is started: {len(self._outbox)} wait to be acknowledged")

    def _start(self, plan: Plan, s: float) -> None:
        execution = Execution(
            f"exec_{self._run_id}_{self._number:06d}", plan, self._clock, self._clock.at(s),
            payloads=self._options.payloads,
        )  # fmt: skip
        self._board.started += 1
        self._board.starts.append(s)
        self._enlist(execution)
        execution.due_s = s + plan.queue_s
        if plan.is_queued:
            self._tell(execution, s, "queued")
        else:
            self._plan_step(execution)

    def _enlist(self, execution: Execution) -> None:
        self._active[execution.id] = execution
        self._board.alive[execution.id] = None

    def _tell(self, execution: Execution, s: float, kind: Kind = "progress", then: Settled | None = None) -> None:
        """Report the execution as it is now, and see to its next step."""
        lines, execution.lines = execution.lines, []
        if self._options.logs:
            self._logs.put(execution.id, lines, s)
        if execution.has_ended:
            kind = "ended"
            self._remember(execution)
        else:
            self._plan_step(execution)
        self._outbox.put(Report(kind, execution.record(s), s, () if then is None else (then,)))

    def _plan_step(self, execution: Execution) -> None:
        heapq.heappush(self._due, (execution.due_s, next(self._ticket), execution))

    def _remember(self, execution: Execution) -> None:
        self._active.pop(execution.id, None)
        self._ended[execution.id] = execution
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
