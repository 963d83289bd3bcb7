"""What people can choose from: workflows by name, time zones, periods."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from api.auth import Principal
from warehouse import Warehouse
from warehouse.statistics import StatisticsQuery

WORKFLOWS_MAX: Final = 300
"""Most workflows that a page offers, those with the most executions first; the others by their id."""
_BELIEVED_S: Final = 60.0
_KEPT: Final = 200
_PERIOD: Final = "1y"


@dataclass(frozen=True, slots=True)
class WorkflowChoices:
    """The workflows of the last year."""

    found: tuple[tuple[str, str], ...]
    """(id, name), by name."""
    total: int
    """How many there are; more than len(found) where some are left out."""

    def name(self, id: str) -> str:
        """The name of one, else its id."""
        return next((name for one, name in self.found if one == id), id)

    def with_chosen(self, ids: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The choices, and those that are chosen already wherever they come from."""
        known = {one for one, _ in self.found}
        return (*self.found, *((one, one) for one in ids if one not in known))


class Chooser:
    """Remembers for a minute what there is to choose, for each set of workflows that somebody may see."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], tuple[float, WorkflowChoices]] = {}

    def workflows(self, house: Warehouse, principal: Principal) -> WorkflowChoices:
        """Those that `principal` may see. Cost: once a minute one statistic over a year, from rollups."""
        visible = principal.workflows()
        with self._lock:
            known = self._known.get(visible)
        if known is not None and time.monotonic() - known[0] < _BELIEVED_S:
            return known[1]
        query = StatisticsQuery(
            period=_PERIOD, granularity="month", workflow_ids=visible, workflows_limit=WORKFLOWS_MAX
        )
        found = house.statistics(query)
        named = [
            (one.workflow_id, one.workflow_name or one.workflow_id)
            for one in found.workflows
            if one.workflow_id is not None
        ]
        choices = WorkflowChoices(
            tuple(sorted(named, key=lambda one: (one[1].casefold(), one[0]))), found.workflows_total
        )
        with self._lock:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[visible] = (time.monotonic(), choices)
        return choices


@cache
def timezones() -> tuple[str, ...]:
    """The names of places, and UTC."""
    return (
        "UTC",
        *sorted(one for one in available_timezones() if "/" in one and not one.startswith(("Etc/", "SystemV/"))),
    )
