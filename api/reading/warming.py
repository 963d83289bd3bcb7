"""What questions are answered from, made before it is needed: the rollups and ids of new data files."""

from __future__ import annotations

import logging
import threading
from typing import Final

from warehouse import Warehouse
from warehouse.errors import RunlakeError

_LOOK_EVERY_S: Final = 10.0
_LOG: Final = logging.getLogger("runlake.warming")


class Warming:
    """A thread that makes what is missing, at the start of a server and whenever the lake has changed.

    Questions need not wait for it: what is not there yet they make, or do without.
    """

    def __init__(self, house: Warehouse) -> None:
        self._house = house
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)
        self._version: int | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the files that are at work; the others are left for the next time."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._look()
            self._stopping.wait(_LOOK_EVERY_S)

    def _look(self) -> None:
        try:
            version = self._house.lake.snapshot().version
            if version != self._version:
                self._house.warm_up(self._stopping.is_set)
                self._version = version
        except (RunlakeError, OSError) as error:
            _LOG.warning("making rollups ahead failed and is tried again: %s", error)
