"""What webhooks are to be sent and were sent: rows that are made with the position they were read up to, and settled
by the outcome of each attempt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.webhook_tables import webhook_deliveries, webhooks

DeliveryState = Literal["pending", "delivered", "failed"]

ATTEMPTS_KEPT: Final = 20
"""Newest attempts that the log shows of a delivery."""
HOLDS_BACK_TRIES: Final = 3
"""A delivery that failed so often is in long retry: later ones of the same execution wait for it no more."""
_PURGED_AT_A_TIME: Final = 5_000

deliveries = webhook_deliveries


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An event that a webhook is to be told of."""

    id: str
    webhook_id: str
    event_type: str
    execution_id: str | None
    body: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the log."""

    delivery_no: int
    id: str
    webhook_id: str
    event_type: str
    execution_id: str | None
    body: str = field(repr=False)
    test: bool
    state: DeliveryState
    tries: int
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None
    attempts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt changes."""

    delivery: Delivery
    attempt: Mapping[str, Any]
    """As the log shows it."""
    at: datetime
    state: DeliveryState
    due_at: datetime | None
    """Of the next try; None: there is none."""


class WebhookDeliveries:
    """The deliveries of all webhooks. Every method is one transaction, except those that take a connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: sa.Connection, new: Sequence[NewDelivery], at: datetime, *, again: bool = False) -> int:
        """Write deliveries, due at once, inside the caller's transaction; how many. One that is there stays as it is;
        `again`: it is sent again.
        """
        if not new:
            return 0
        rows = [
            {
                **{name: getattr(one, name) for name in NewDelivery.__slots__},
                "state": "pending",
                "tries": 0,
                "due_at": at,
                "created_at": at,
                "attempts": [],
            }
            for one in new
        ]
        if again:
            insert = self._insert().on_conflict_do_update(
                index_elements=["id"], set_={"state": "pending", "tries": 0, "due_at": at, "settled_at": None}
            )
        else:
            insert = self._insert().on_conflict_do_nothing()
        connection.execute(insert, rows)
        return len(rows)

    def _insert(self) -> Any:
        if self._database.is_sqlite:
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(deliveries)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(deliveries)

    def due(self, webhook_id: str, at: datetime, limit: int, *, skip: Collection[int], live: bool) -> list[Delivery]:
        """Deliveries that may be tried at an instant, the ones longest due first.

        One waits for earlier ones of its execution, until they are in long retry. `skip`: numbers of those under way;
        `live`: whether more than tests may be sent.
        """
        earlier = deliveries.alias("earlier")
        held_back = sa.exists(
            sa.select(earlier.c.delivery_no).where(
                earlier.c.webhook_id == webhook_id,
                earlier.c.execution_id == deliveries.c.execution_id,
                earlier.c.state == "pending",
                earlier.c.delivery_no < deliveries.c.delivery_no,
                earlier.c.tries < HOLDS_BACK_TRIES,
            )
        )
        wanted = (
            sa.select(deliveries)
            .where(
                deliveries.c.state == "pending",
                deliveries.c.webhook_id == webhook_id,
                deliveries.c.due_at <= at,
                ~held_back,
            )
            .order_by(deliveries.c.due_at, deliveries.c.delivery_no)
            .limit(limit)
        )
        if skip:
            wanted = wanted.where(deliveries.c.delivery_no.not_in(sorted(skip)))
        if not live:
            wanted = wanted.where(deliveries.c.test)
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(wanted)]

    def waiting(self, at: datetime) -> dict[str, tuple[int, bool]]:
        """By webhook that has any: (deliveries that wait, whether one of them is due)."""
        columns = (deliveries.c.webhook_id, sa.func.count(), sa.func.min(deliveries.c.due_at))
        asked = sa.select(*columns).where(deliveries.c.state == "pending").group_by(deliveries.c.webhook_id)
        with self._database.read() as connection:
            rows = connection.execute(asked).all()
            return {webhook_id: (count, first <= at) for webhook_id, count, first in rows}

    def record(self, connection: sa.Connection, outcome: Outcome) -> bool:
        """Write what became of an attempt. False: the delivery is gone."""
        delivery = outcome.delivery
        values: dict[str, Any] = {
            "state": outcome.state,
            "tries": delivery.tries + 1,
            "attempts": [*delivery.attempts, outcome.attempt][-ATTEMPTS_KEPT:],
            "settled_at": None if outcome.state == "pending" else outcome.at,
            "due_at": outcome.due_at or delivery.due_at,
        }
        if outcome.state == "pending":  # it may have been given up meanwhile: the webhook was disabled
            values |= {"state": deliveries.c.state, "settled_at": deliveries.c.settled_at}
        done = sa.update(deliveries).where(deliveries.c.delivery_no == delivery.delivery_no).values(values)
        if not connection.execute(done).rowcount:
            return False
        if not delivery.test:
            self._note(connection, delivery.webhook_id, outcome)
        return True

    def _note(self, connection: sa.Connection, webhook_id: str, outcome: Outcome) -> None:
        """Since when it fails."""
        mine = sa.update(webhooks).where(webhooks.c.id == webhook_id)
        if outcome.state == "delivered":
            connection.execute(mine.where(webhooks.c.failing_since.is_not(None)).values(failing_since=None))
        else:
            connection.execute(mine.where(webhooks.c.failing_since.is_(None)).values(failing_since=outcome.at))

    def disable(self, connection: sa.Connection, webhook_id: str, reason: str, at: datetime) -> bool:
        """Switch a webhook off; what waits for it fails. False: it was off, or is gone."""
        off = (
            sa.update(webhooks)
            .where(webhooks.c.id == webhook_id, webhooks.c.state != "disabled")
            .values(state="disabled", disabled_reason=reason, disabled_at=at)
        )
        if not connection.execute(off).rowcount:
            return False
        waiting = sa.and_(
            deliveries.c.webhook_id == webhook_id, deliveries.c.state == "pending", deliveries.c.test.is_(False)
        )
        connection.execute(sa.update(deliveries).where(waiting).values(state="failed", settled_at=at))
        return True

    def page(self, webhook_id: str, *, state: str | None, before_no: int | None, limit: int) -> list[Delivery]:
        """The log of a webhook, newest first; `before_no`: only with lower numbers."""
        wanted = sa.select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        if state is not None:
            wanted = wanted.where(deliveries.c.state == state)
        if before_no is not None:
            wanted = wanted.where(deliveries.c.delivery_no < before_no)
        with self._database.read() as connection:
            rows = connection.execute(wanted.order_by(deliveries.c.delivery_no.desc()).limit(limit)).all()
        return [_delivery(row) for row in rows]

    def again(self, webhook_id: str, delivery_id: str) -> bool:
        """Send one again, at once, with all its tries. False: there is none of that id."""
        with self._database.write() as connection:
            mine = sa.and_(deliveries.c.webhook_id == webhook_id, deliveries.c.id == delivery_id)
            now = self._database.now(connection)
            values = {"state": "pending", "tries": 0, "due_at": now, "settled_at": None}
            return bool(connection.execute(sa.update(deliveries).where(mine).values(values)).rowcount)

    def purge(self, before: datetime) -> int:
        """Take what was settled before an instant out of the log; how many."""
        gone = 0
        while True:
            numbers = sa.select(deliveries.c.delivery_no).where(deliveries.c.settled_at < before)
            with self._database.write() as connection:
                some = numbers.limit(_PURGED_AT_A_TIME).scalar_subquery()
                count = connection.execute(sa.delete(deliveries).where(deliveries.c.delivery_no.in_(some))).rowcount
            gone += count
            if count < _PURGED_AT_A_TIME:
                return gone


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(**row._mapping)
