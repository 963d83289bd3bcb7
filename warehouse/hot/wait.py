"""Waiting for ids that are on their way into the lake, and taking over where whoever brought them there died."""

from __future__ import annotations

import time
from typing import Final

from warehouse.errors import HotStoreBusyError
from warehouse.hot.intents import settle_dead_intents
from warehouse.hot.sealing import recover
from warehouse.hot.state import HotState
from warehouse.tables import LakeTables

_FIRST_S: Final = 0.005
_LONGEST_S: Final = 0.1
_TAKE_OVER_EVERY_S: Final = 0.5


class Patience:
    """How long one call waits; a new one for each call."""

    def __init__(self, state: HotState, lake: LakeTables) -> None:
        self._state, self._lake = state, lake
        self._deadline_s = time.monotonic() + state.database.busy_timeout_s
        self._pause_s = _FIRST_S
        self._take_over_at_s = 0.0

    def wait(self) -> None:
        """Until it is worth looking again. Raises HotStoreBusyError when it took too long."""
        if time.monotonic() >= self._take_over_at_s:
            self._take_over_at_s = time.monotonic() + _TAKE_OVER_EVERY_S
            recover(self._state, self._lake)
            settle_dead_intents(self._state.database, self._lake)
        self.again()
        time.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_S)

    def again(self) -> None:
        """Another try at once, unless it took too long already."""
        if time.monotonic() >= self._deadline_s:
            waited_s = self._state.database.busy_timeout_s
            raise HotStoreBusyError(
                f"a record of the batch has been on its way into the lake for {waited_s:g} s; try again later"
            )
