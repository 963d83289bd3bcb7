"""Progress of long verbs: a bar with rows, rate and remaining time on a terminal, plain lines otherwise; on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_LINE_EVERY_S: Final = 10.0


@contextmanager
def counting(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with the number of records done so far."""
    with _meter(title) as update:
        yield lambda done: update(done, total, done, 0)


@contextmanager
def reading(title: str) -> Iterator[Callable[[int, int | None, int, int], None]]:
    """Yields a function to call with (bytes read, bytes in all or None, records read, records rejected)."""
    with _meter(title) as update:
        yield update


@contextmanager
def _meter(title: str) -> Iterator[Callable[[int, int | None, int, int], None]]:
    if sys.stderr.isatty():
        with _drawn(title) as update:
            yield update
    else:
        yield _lines(title)


@contextmanager
def _drawn(title: str) -> Iterator[Callable[[int, int | None, int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s{task.fields[rejected]}"),
        TimeRemainingColumn(compact=True),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None, rows=0, rate=0.0, rejected="")

        def update(done: int, total: int | None, rows: int, rejected: int) -> None:
            rate = rows / max(time.monotonic() - started, 0.001)
            refused = f", {rejected:,} rejected" if rejected else ""
            progress.update(task, completed=done, total=total, rows=rows, rate=rate, rejected=refused)

        yield update


def _lines(title: str) -> Callable[[int, int | None, int, int], None]:
    """A line every ten seconds: enough for a log, silent for what is quick."""
    started = last = time.monotonic()

    def update(done: int, total: int | None, rows: int, rejected: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _LINE_EVERY_S:
            return
        last = now
        passed_s = now - started
        line = f"{title}: {rows} rows, {rows / passed_s:.0f}/s"
        if rejected:
            line += f", {rejected} rejected"
        if total and done:
            line += f", {done / total:.0%}, {passed_s * max(total - done, 0) / done:.0f} s left"
        print(line, file=sys.stderr, flush=True)

    return update
