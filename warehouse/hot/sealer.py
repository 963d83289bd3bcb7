"""The sealing of a serving process: a thread that moves finished executions to the lake when there are enough, and
forgets events that are old enough.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from warehouse.errors import RunlakeError
from warehouse.hot.sealing import SealReport
from warehouse.hot.store import HotStore
from warehouse.tables import LakeTables

SEAL_ROWS: Final = 50_000
SEAL_AGE_S: Final = 60.0
EVENT_HOURS: Final = 24.0
_EVENT_HOURS_MAX: Final = 24.0 * 366 * 100
"""For ever; beyond this there are no instants."""
_FORGET_EVERY_S: Final = 60.0

_LOOKS: Final = 10
"""Looks within the age, so that nothing waits a tenth longer than it should; but one a second at least."""
_LOG: Final = logging.getLogger("runlake.sealer")


class Sealer:
    """Seals in the background: at `rows` finished executions, or when the oldest of them waits for `age_s` seconds.

    Any number of processes may run one: a lease lets one of them seal at a time. Once a minute it takes away the events
    that were written more than `event_hours` ago.
    """

    def __init__(
        self,
        store: HotStore,
        lake: LakeTables,
        *,
        rows: int = SEAL_ROWS,
        age_s: float = SEAL_AGE_S,
        event_hours: float = EVENT_HOURS,
        on_seal: Callable[[SealReport], None] | None = None,
        on_failure: Callable[[], None] | None = None,
    ) -> None:
        """on_seal: told, in the sealer's thread, of each call that sealed something; on_failure: of each failed one."""
        self._store, self._lake = store, lake
        self._rows, self._age_s = rows, age_s
        self._event_hours = event_hours
        self._forget_at_s = 0.0
        self._on_seal, self._on_failure = on_seal, on_failure
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.last_error: Exception | None = None
        """Why the last look failed. None: it did not."""
        self.failures = 0
        """Looks that failed since the start."""
        self.rows_sealed = 0
        """Executions that this process moved to the lake since the start."""

    @property
    def alive(self) -> bool:
        """Does its thread run, and did the last look succeed?"""
        return self._thread is not None and self._thread.is_alive() and self.last_error is None

    def start(self) -> None:
        """Begin; the first look finishes a seal that a dead process left behind."""
        assert self._thread is None, "a sealer is started once"
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def stop(self, *, drain: bool = False) -> None:
        """End, after the seal that is under way. drain: seal all that is finished first."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if drain:
            self._look(min_rows=1)

    def _run(self) -> None:
        pause_s = min(1.0, max(self._age_s / _LOOKS, 0.01))
        while not self._stopping.wait(pause_s):
            self._look(min_rows=self._rows)

    def _look(self, min_rows: int) -> None:
        try:
            report = self._store.seal(self._lake, min_rows=min_rows, min_age_s=self._age_s)
            self._forget()
        except Exception as error:  # noqa: BLE001 - a full disk, say: it must not be the end of all sealing
            self.failures += 1
            if self.last_error is None or str(error) != str(self.last_error):
                known = isinstance(error, RunlakeError | OSError)
                _LOG.warning("sealing failed and is tried again: %s", error, exc_info=None if known else error)
            self.last_error = error
            if self._on_failure is not None:
                self._on_failure()
            return
        self.last_error = None
        if report.rows:
            self.rows_sealed += report.rows
            if self._on_seal is not None:
                self._on_seal(report)

    def _forget(self) -> None:
        """Take away old events; by the database's clock, by which they were written."""
        if time.monotonic() < self._forget_at_s:
            return
        with self._store.database.read() as connection:
            now = self._store.database.now(connection)
        self._store.events.forget(now - timedelta(hours=min(self._event_hours, _EVENT_HOURS_MAX)))
        self._forget_at_s = time.monotonic() + _FORGET_EVERY_S
