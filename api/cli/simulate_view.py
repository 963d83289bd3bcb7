"""How a simulation is watched: a live table on a terminal, plain lines otherwise; on stderr, so that stdout is free."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from api.cli.output import Column, Table, clean, say

if TYPE_CHECKING:
    from api.simulate import Board, Happening, Summary

STATUSES: Final = ("success", "failed", "timeout", "cancelled")
_REDRAW_EVERY_S: Final = 0.25
_LINE_EVERY_S: Final = 5.0
_KINDS: Final = {"incident": "last incidents", "command": "last commands", "trouble": "last trouble"}
_SHOWN_OF_A_KIND: Final = 3


class View(Protocol):
    """Somebody who watches."""

    def happened(self, happening: Happening) -> None:
        """Told of something worth a line."""

    async def follow(self, board: Board) -> None:
        """Show the counters, without end."""


@contextmanager
def shown() -> Iterator[View]:
    """What fits where stderr goes; a live table is taken away at the end."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield _Drawn(live)


class _Lines:
    """A line for each thing that happens, and the counters every few seconds."""

    def happened(self, happening: Happening) -> None:
        say(clean(f"{happening.s:7.1f} s  {happening.kind}: {happening.text}"))

    async def follow(self, board: Board) -> None:
        while True:
            await asyncio.sleep(_LINE_EVERY_S)
            say(f"{board.now_s:7.1f} s  {_counters(board)}")


class _Drawn:
    """A table that is drawn anew some times a second."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def happened(self, happening: Happening) -> None:
        """It is in the table."""

    async def follow(self, board: Board) -> None:
        while True:
            self._live.update(_drawn(board), refresh=True)
            await asyncio.sleep(_REDRAW_EVERY_S)


def _counters(board: Board) -> str:
    parts = [f"{board.started} started ({board.rate():.1f}/s)", f"{board.active} running"]
    parts += [f"{count} {status}" for status in STATUSES if (count := board.ended[status])]
    named = (("retried", board.retried), ("rejected", board.rejected), ("requests repeated", board.repeated))
    parts += [f"{count} {name}" for name, count in named if count]
    return ", ".join([*parts, f"{board.waiting} unacknowledged", f"acknowledged in {_latency(board)}"])


def _latency(board: Board) -> str:
    p50_ms, p95_ms = board.latencies.quantile_ms(0.5), board.latencies.quantile_ms(0.95)
    return "-" if p50_ms is None or p95_ms is None else f"p50 {p50_ms:.0f} ms, p95 {p95_ms:.0f} ms"


def _drawn(board: Board) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="ellipsis", no_wrap=True)
    ended = ", ".join(f"{board.ended[status]:,} {status}" for status in STATUSES)
    state = "ending: what is unacknowledged is being sent; Ctrl-C once more ends at once" if board.is_stopping else ""
    rows = [
        ("simulating", f"{board.now_s:,.0f} s  {state}"),
        ("started", f"{board.started:,} ({board.rate():.1f}/s), {board.retried:,} retries"),
        ("running", f"{board.active:,}"),
        ("ended", ended),
        ("unacknowledged", f"{board.waiting:,} executions"),
        ("acknowledged in", _latency(board)),
        ("errors", f"{board.rejected:,} rejected, {board.repeated:,} requests repeated"),
    ]
    for kind, title in _KINDS.items():
        found = [one for one in board.happenings if one.kind == kind][-_SHOWN_OF_A_KIND:]
        lines = [f"{one.s:.0f} s  {one.text}" for one in found]
        rows += [(title if at == 0 else "", line) for at, line in enumerate(lines)]
    for title, text in rows:
        grid.add_row(title, Text(clean(text)))
    return grid


def summary_table(summary: Summary) -> Table:
    """What came of it."""
    rows = [(status, f"{count:,}") for status, count in summary.by_status.items()]
    notes = [
        f"{summary.started:,} started and {summary.retried:,} retried in {summary.wall_s:,.1f} s, seed {summary.seed}; "
        f"{summary.incidents} incidents",
        f"{summary.records:,} reports and {summary.log_lines:,} log lines in {summary.requests:,} requests, "
        f"{summary.requests_repeated:,} of them sent again",
    ]
    if summary.acknowledged_p50_ms is not None:
        notes.append(f"acknowledged in p50 {summary.acknowledged_p50_ms:g} ms, p95 {summary.acknowledged_p95_ms:g} ms")
    if summary.held_s:
        notes.append(f"for {summary.held_s:,.1f} s none was started: the server did not keep up")
    if summary.commands:
        notes.append("commands: " + ", ".join(f"{count} {state}" for state, count in summary.commands.items()))
    if summary.rejected:
        notes.append(f"{summary.rejected:,} reports were rejected by the server")
    if summary.unacknowledged:
        notes.append(f"{summary.unacknowledged:,} executions have reports that the server did not acknowledge")
    return Table((Column("status"), Column("executions", "right")), rows, notes=notes)
