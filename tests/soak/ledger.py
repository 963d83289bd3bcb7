"""What the clients know: what was acknowledged, and what was begun and may or may not have happened."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from warehouse.schema import STATUSES, Status

ALL: Final = "all"
"""Beside the statuses: every execution."""


@dataclass(frozen=True, slots=True)
class State:
    """What a record of an execution says."""

    version: int
    status: Status


Possible = State | None
"""None: there is no such execution."""
Changes = Mapping[str, Possible]


@dataclass(slots=True)
class Window:
    """The least and the largest count of each kind that was right at some moment of the window."""

    least: Counter[str]
    most: Counter[str]


@dataclass(slots=True)
class _Id:
    """One id: the last acknowledged state, and those that were begun since."""

    sure: Possible = None
    open: list[Possible] = field(default_factory=list)

    def possible(self) -> list[Possible]:
        return [self.sure, *self.open]


@dataclass(slots=True)
class _Lines:
    """The log lines of one execution: those acknowledged, those begun."""

    sure: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)


class Ledger:
    """For many threads."""

    def __init__(self) -> None:
        self._lines: dict[str, _Lines] = {}
        self._lock = threading.Lock()
        self._ids: dict[str, _Id] = {}
        self._least: Counter[str] = Counter()
        self._most: Counter[str] = Counter()
        self._windows: list[Window] = []

    def begin(self, changes: Changes) -> None:
        """These are about to be asked for: from now on they may be so."""
        with self._lock:
            for id_, state in changes.items():
                with self._counted(id_) as known:
                    known.open.append(state)
            self._note()

    def acknowledge(self, changes: Changes) -> None:
        """They are so."""
        with self._lock:
            for id_, state in changes.items():
                with self._counted(id_) as known:
                    known.sure = state
                    known.open.remove(state)
            self._note()

    def refuse(self, changes: Changes) -> None:
        """They were refused, so they are not so."""
        with self._lock:
            for id_, state in changes.items():
                with self._counted(id_) as known:
                    known.open.remove(state)
            self._note()

    def settle(self, found: Mapping[str, State]) -> list[str]:
        """Hold what is there, with nothing in flight, against what may be there; what was open is decided by it.

        Gives what is wrong, a line each.
        """
        wrong = [f"{id_} is there, nobody wrote it" for id_ in found.keys() - self._ids.keys()]
        with self._lock:
            for id_ in self._ids:
                state = found.get(id_)
                with self._counted(id_) as known:
                    if state not in known.possible():
                        wrong.append(f"{id_} is {state}, acknowledged was {known.sure}, begun {known.open}")
                    known.sure, known.open = state, []
        return wrong

    def begin_lines(self, id_: str, lines: Set[str]) -> None:
        """These log lines are about to be written."""
        with self._lock:
            self._lines.setdefault(id_, _Lines()).open.update(lines)

    def acknowledge_lines(self, id_: str, lines: Set[str]) -> None:
        """They are written."""
        with self._lock:
            self._lines[id_].sure.update(lines)

    def with_lines(self) -> list[str]:
        """The executions that are there and have log lines."""
        with self._lock:
            return [id_ for id_ in self._lines if self._ids[id_].sure is not None]

    def settle_lines(self, id_: str, found: list[str]) -> list[str]:
        """As `settle`, of the log of one execution."""
        with self._lock:
            lines = self._lines[id_]
            lost, extra = lines.sure - set(found), set(found) - lines.sure - lines.open
            wrong = [f"{id_} lost the line {line}" for line in lost]
            wrong += [f"{id_} has the line {line}, which nobody wrote" for line in extra]
            if len(set(found)) < len(found):
                wrong.append(f"{id_} has a line twice: {found}")
            self._lines[id_] = _Lines(set(found))
        return wrong

    @contextmanager
    def window(self) -> Iterator[Window]:
        """What counts may be, from the beginning of the block on; read it in the block."""
        with self._lock:
            made = Window(self._least.copy(), self._most.copy())
            self._windows.append(made)
        try:
            yield made
        finally:
            with self._lock:
                # Not `remove`, which would take one that is equal.
                self._windows = [one for one in self._windows if one is not made]

    def possible(self, id_: str) -> list[Possible]:
        """The states that this id may have now."""
        with self._lock:
            return self._ids[id_].possible() if id_ in self._ids else [None]

    def sure(self, of: Iterable[str] | None = None) -> dict[str, State]:
        """What is there by what was acknowledged, of these ids or all."""
        with self._lock:
            chosen = self._ids if of is None else [id_ for id_ in of if id_ in self._ids]
            states = ((id_, self._ids[id_].sure) for id_ in chosen)
            return {id_: state for id_, state in states if state is not None}

    def counts(self) -> Counter[str]:
        """How many there are of each kind, with nothing in flight."""
        with self._lock:
            assert +self._least == +self._most, "something is in flight"
            return +self._least

    @contextmanager
    def _counted(self, id_: str) -> Iterator[_Id]:
        known = self._ids.setdefault(id_, _Id())
        self._count(known, -1)
        yield known
        self._count(known, 1)

    def _count(self, known: _Id, by: int) -> None:
        possible = known.possible()
        kinds: Set[str] = {ALL, *(state.status for state in possible if state is not None)}
        for kind in kinds:
            matching = [state is not None and kind in (ALL, state.status) for state in possible]
            self._least[kind] += by * all(matching)
            self._most[kind] += by * any(matching)

    def _note(self) -> None:
        for window in self._windows:
            for kind in (ALL, *STATUSES):
                window.least[kind] = min(window.least[kind], self._least[kind])
                window.most[kind] = max(window.most[kind], self._most[kind])
