"""How far each webhook has been led through the event log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.event_schema import NewEvent
from warehouse.hot.lease import Lease
from warehouse.hot.webhook_deliveries import NewDelivery, Outcome, WebhookDeliveries
from warehouse.hot.webhook_tables import webhooks


class LeaseLostError(Exception):
    """Another process leads the webhooks now; nothing was written."""


class WebhookLeader:
    """The writes of the one process that leads the webhooks: each is made only while it still holds the lease."""

    def __init__(self, database: Database, log: EventLog, lease: Lease) -> None:
        self._database = database
        self._log = log
        self._lease = lease
        self._deliveries = WebhookDeliveries(database)

    def advance(
        self, webhook_id: str, before_no: int, to_no: int, new: Sequence[NewDelivery], at: datetime, missed: int
    ) -> bool:
        """Move a webhook from one position to the next, with the deliveries in between, in one transaction.

        False: it is not at `before_no` any more (or gone), nothing was written. `missed`: events in between that the
        log had forgotten. Raises LeaseLostError.
        """
        with self._database.write() as connection:
            self._hold(connection)
            values: dict[str, object] = {"position_no": to_no}
            if missed:
                values |= {"missed_events": webhooks.c.missed_events + missed, "missed_at": at}
            mine = sa.and_(
                webhooks.c.id == webhook_id, webhooks.c.position_no == before_no, webhooks.c.state == "enabled"
            )
            if not connection.execute(sa.update(webhooks).where(mine).values(values)).rowcount:
                return False
            self._deliveries.put(connection, new, at)
        return True

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Write what became of attempts, all in one transaction. Raises LeaseLostError."""
        with self._database.write() as connection:
            self._hold(connection)
            for outcome in outcomes:
                self._deliveries.record(connection, outcome)

    def disable(self, webhook_id: str, reason: str, at: datetime, event: NewEvent) -> bool:
        """Switch a webhook off and say so in the event log. False: it was off before. Raises LeaseLostError."""
        with self._database.write() as connection:
            self._hold(connection)
            if not self._deliveries.disable(connection, webhook_id, reason, at):
                return False
            self._log.append(connection, [event])
        return True

    def _hold(self, connection: sa.Connection) -> None:
        if not self._lease.held_in(connection):
            raise LeaseLostError
