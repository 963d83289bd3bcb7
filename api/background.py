"""A thread of a serving process that does something every so often, until the process ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from warehouse.errors import RunlakeError

_LOG: Final = logging.getLogger("runlake.background")


class Background:
    """Calls a function every `every_s` seconds in a named thread.

    What it raises is logged, once for each row of failures, and is no reason not to call it again: a full disk, say, or
    a busy store must not be the end of it.
    """

    def __init__(
        self,
        name: str,
        look: Callable[[], object],
        every_s: float,
        *,
        failing: str,
        at_once: bool = False,
        log: logging.Logger = _LOG,
    ) -> None:
        """`failing`: what is said in the log when `look` raises, e.g. "alerts are not looked at". `at_once`: the first
        call comes at the start, not after one interval.
        """
        self._name, self._look, self._every_s = name, look, every_s
        self._failing, self._at_once, self._log = failing, at_once, log
        self._stopping = threading.Event()
        self._poked = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def stopping(self) -> bool:
        """Whether it is to end: a long `look` asks now and then."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        assert self._thread is None, f"{self._name} is started once"
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def poke(self) -> None:
        """Call it now rather than after the interval; from any thread."""
        self._poked.set()

    def stop(self) -> None:
        """End, after the call that is under way."""
        self._stopping.set()
        self._poked.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        failing = False
        if not self._at_once:
            self._poked.wait(self._every_s)
        while not self._stopping.is_set():
            self._poked.clear()
            try:
                self._look()
                failing = False
            except Exception as error:  # noqa: BLE001 - whatever it is: see above
                if not failing:
                    known = isinstance(error, RunlakeError | OSError)
                    self._log.warning("%s: %s", self._failing, error, exc_info=None if known else error)
                failing = True
            if not self._stopping.is_set():
                self._poked.wait(self._every_s)
