"""What questions are answered from, made before it is needed: the rollups and ids of new data files."""

from __future__ import annotations

import logging
from typing import Final

from api.background import Background
from warehouse import Warehouse

_LOOK_EVERY_S: Final = 10.0
_LOG: Final = logging.getLogger("runlake.warming")


class Warming:
    """A thread that makes what is missing, at the start of a server and whenever the lake has changed.

    Questions need not wait for it: what is not there yet they make, or do without.
    """

    def __init__(self, house: Warehouse) -> None:
        self._house = house
        failing = "making rollups ahead failed and is tried again"
        self._thread = Background("warming", self._look, _LOOK_EVERY_S, failing=failing, at_once=True, log=_LOG)
        self._version: int | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the files that are at work; the others are left for the next time."""
        self._thread.stop()

    def _look(self) -> None:
        version = self._house.lake.snapshot().version
        if version != self._version:
            self._house.warm_up(lambda: self._thread.stopping)
            self._version = version
