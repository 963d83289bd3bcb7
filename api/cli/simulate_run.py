"""Running a simulation while somebody watches, until it ends or a signal comes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api.cli.simulate_view import View
from api.simulate import Board, Simulation


async def run(simulation: Simulation, board: Board, view: View) -> bool:
    """Run it to the end; whether it was ended at once instead."""
    task = asyncio.current_task()
    assert task is not None

    def interrupted() -> None:
        if board.is_stopping:
            task.cancel()
        else:
            simulation.stop()

    following = asyncio.create_task(view.follow(board))
    try:
        with _on_signals(interrupted):
            await simulation.run()
    except asyncio.CancelledError:
        return True
    finally:
        following.cancel()
    return False


@contextmanager
def _on_signals(interrupted: Callable[[], None]) -> Iterator[None]:
    """Call this for Ctrl-C and SIGTERM, where that is possible: in the main thread."""
    loop = asyncio.get_running_loop()
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            before[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupted))
        except ValueError:  # another thread's signals are not ours
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
