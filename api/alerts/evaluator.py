"""The looking of a serving process: a thread that looks at all alerts on a schedule, if no other process does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from api.alerts.look import look, told
from api.alerts.message import mails_of
from api.background import Background
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.errors import RunlakeError
from warehouse.hot.alert_record import LEASE_NAME, Outcome, record_failure, record_outcome
from warehouse.hot.alert_state import Alert, Change
from warehouse.hot.alerts import list_alerts
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.lease import Lease

_LOG: Final = logging.getLogger("runlake.alerts")
_LEASE_LEAST_S: Final = 60.0


class Evaluator:
    """Looks at alerts. Any number of processes may run one: a lease lets one of them look at a time."""

    def __init__(
        self,
        house: Warehouse,
        database: Database,
        *,
        every_s: float,
        public_url: str | None = None,
        on_change: Callable[[Change], None] | None = None,
    ) -> None:
        """on_change: told, in the evaluator's thread, of each change after it is stored."""
        self._house, self._database = house, database
        self._events = EventLog(database)
        self._public_url = public_url
        self._on_change = on_change
        self._lease = Lease(database, LEASE_NAME, duration_s=max(_LEASE_LEAST_S, 3 * every_s))
        self._thread = Background("alerts", self.look_at_all, every_s, failing="alerts are not looked at", log=_LOG)

    def start(self) -> None:
        """Begin; the first look comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look that is under way, and let another process look at once."""
        self._thread.stop()
        with suppress(RunlakeError):  # it expires
            self._lease.release()

    def look_at_all(self, at: datetime | None = None) -> int | None:
        """Look at every enabled alert once, at an instant (None: now); how many changed. None: another process does."""
        if not self._lease.acquire():
            return None
        at = (at or now()).replace(microsecond=0)
        alerts = list_alerts(self._database, enabled=True)
        if not alerts:
            return 0
        changed, renew_at_s = 0, time.monotonic() + self._lease.duration_s / 3
        with self._house.fork(pinned=True) as still:  # all of them see one state of the lake
            for alert in alerts:
                if self._thread.stopping:
                    break
                if time.monotonic() >= renew_at_s:
                    if not self._lease.acquire():
                        break
                    renew_at_s = time.monotonic() + self._lease.duration_s / 3
                changed += self._look_at(still, alert, at)
        return changed

    def _look_at(self, house: Warehouse, alert: Alert, at: datetime) -> bool:
        """Look at one; what goes wrong is remembered with it and is no reason not to look at the others."""
        try:
            found = look(house, alert.rule, alert.state, at)
            change = found.transition.change
            outcome = Outcome(found.transition.state)
            if change is not None:
                said = told(alert, found, self._public_url)
                outcome = Outcome(found.transition.state, change, at, said, mails_of(alert.rule, change, at, said))
            stored = record_outcome(self._lease, self._events, alert, outcome)
        except Exception as error:  # noqa: BLE001 - a question that fails today may succeed tomorrow
            known = isinstance(error, RunlakeError)
            _LOG.warning("alert %s cannot be looked at: %s", alert.alert_id, error, exc_info=None if known else error)
            record_failure(self._lease, alert, f"it could not be looked at ({type(error).__name__}); the log says why")
            return False
        if not stored or change is None:
            return False
        _LOG.info("alert %s (%r): %s", alert.alert_id, alert.rule.name, change)
        if self._on_change is not None:
            self._on_change(change)
        return True
