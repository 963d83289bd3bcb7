"""A run that somebody asked for and waits for."""

from __future__ import annotations

import time
from typing import Final

from api.schedules.runner import Runner
from warehouse.errors import BadInputError, HotStoreBusyError
from warehouse.hot.database import Database
from warehouse.hot.schedule_rule import Run
from warehouse.hot.schedules import find_run

_LOOK_EVERY_S: Final = 0.2


def run_to_the_end(runner: Runner, database: Database, run: Run, *, wait_s: float) -> Run:
    """Do a run here, or let the process that works schedules off do it; as it stands after one attempt at each step.

    Raises HotStoreBusyError when another process has not come to it within `wait_s`, BadInputError when the schedule
    is removed meanwhile.
    """
    deadline_s = time.monotonic() + wait_s
    while True:
        here = runner.pass_over(run_id=run.run_id)
        found = find_run(database, run.run_id)
        if found is None:
            raise BadInputError("the schedule was removed meanwhile")
        if here is not None or found.settled_at is not None or found.attempts:
            return found
        if time.monotonic() >= deadline_s:
            raise HotStoreBusyError(
                f"another process has been working schedules off for {wait_s:g} s; it will do this one too"
            )
        time.sleep(_LOOK_EVERY_S)
