"""Webhooks as they are registered: made, changed, looked up, deleted. For what is sent see webhook_deliveries."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.tables import hot_clock
from warehouse.hot.webhook_tables import webhook_deliveries, webhooks

WebhookState = Literal["enabled", "paused", "disabled"]
"""paused: by whoever manages it; disabled: by the server, because of its receiver."""

OLD_SECRET_FOR: Final = timedelta(hours=24)
"""How long the secret before is valid after a rotation."""
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook as it stands."""

    id: str
    url: str
    events: tuple[str, ...]
    """Types; at least one."""
    workflow_ids: tuple[str, ...]
    """Only events of these; empty: of all, and those of no workflow."""
    statuses: tuple[str, ...]
    modes: tuple[str, ...]
    description: str | None
    state: WebhookState
    disabled_reason: str | None
    disabled_at: datetime | None
    secret: str = field(repr=False)
    old_secret: str | None = field(repr=False)
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime
    position_no: int
    failing_since: datetime | None
    missed_events: int
    missed_at: datetime | None

    def secrets(self, at: datetime) -> tuple[str, ...]:
        """The secrets that are valid at an instant, the newest first."""
        if self.old_secret is None or self.old_secret_until is None or self.old_secret_until <= at:
            return (self.secret,)
        return (self.secret, self.old_secret)


def new_secret() -> str:
    """A key of 32 random bytes, as Standard Webhooks writes it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


class Webhooks:
    """The registered webhooks. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, fields: Mapping[str, Any], *, limit: int) -> Webhook | None:
        """Register a webhook that is told of what happens from now on. None: there are `limit` of them already.

        `fields`: url, events, workflow_ids, statuses, modes, description, state.
        """
        with self.database.write() as connection:
            if not self.database.is_sqlite:  # READ COMMITTED: two could both count too few
                connection.execute(sa.text("LOCK TABLE webhooks IN SHARE ROW EXCLUSIVE MODE"))
            if connection.execute(sa.select(sa.func.count()).select_from(webhooks)).scalar_one() >= limit:
                return None
            now = self.database.now(connection)
            row = {
                **fields,
                "id": f"wh_{secrets.token_hex(_ID_BYTES)}",
                "secret": new_secret(),
                "created_at": now,
                "updated_at": now,
                "position_no": _newest(connection),
                "missed_events": 0,
            }
            made = connection.execute(sa.insert(webhooks).values(row).returning(*webhooks.c)).one()
            return _webhook(made)

    def all(self) -> list[Webhook]:
        """All webhooks, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(sa.select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id)).all()
        return [_webhook(row) for row in rows]

    def find(self, id: str) -> Webhook | None:
        """One webhook. None: there is none of that id."""
        with self.database.read() as connection:
            row = connection.execute(sa.select(webhooks).where(webhooks.c.id == id)).first()
        return None if row is None else _webhook(row)

    def change(self, id: str, fields: Mapping[str, Any]) -> Webhook | None:
        """Set some of the fields of `add`. None: it is gone.

        One that was disabled and is enabled begins with what happens from now on; one that was paused goes on where it
        stopped, as far as events are kept.
        """
        with self.database.write() as connection:
            found = connection.execute(sa.select(webhooks).where(webhooks.c.id == id).with_for_update()).first()
            if found is None:
                return None
            values = {**fields, "updated_at": self.database.now(connection)}
            if fields.get("state", found.state) != "disabled" and found.state == "disabled":
                values |= {"position_no": _newest(connection), "failing_since": None}
                values |= {"disabled_reason": None, "disabled_at": None}
            changed = sa.update(webhooks).where(webhooks.c.id == id).values(values).returning(*webhooks.c)
            return _webhook(connection.execute(changed).one())

    def rotate(self, id: str) -> Webhook | None:
        """Give it a new secret; the one before stays valid for a day. None: it is gone."""
        with self.database.write() as connection:
            now = self.database.now(connection)
            changed = (
                sa.update(webhooks)
                .where(webhooks.c.id == id)
                .values(
                    old_secret=webhooks.c.secret,
                    old_secret_until=now + OLD_SECRET_FOR,
                    secret=new_secret(),
                    updated_at=now,
                )
                .returning(*webhooks.c)
            )
            row = connection.execute(changed).first()
        return None if row is None else _webhook(row)

    def remove(self, id: str) -> bool:
        """Delete it with its log. False: it was gone."""
        with self.database.write() as connection:
            gone = connection.execute(sa.delete(webhooks).where(webhooks.c.id == id)).rowcount
            connection.execute(sa.delete(webhook_deliveries).where(webhook_deliveries.c.webhook_id == id))
        return bool(gone)

    def pending(self) -> dict[str, int]:
        """How many deliveries wait, by webhook that has any. One index scan over what waits."""
        columns = (webhook_deliveries.c.webhook_id, sa.func.count())
        waiting = sa.select(*columns).where(webhook_deliveries.c.state == "pending").group_by(columns[0])
        with self.database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(waiting)}


def _newest(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(hot_clock.c.event_no)).scalar_one())


def _webhook(row: sa.Row[Any]) -> Webhook:
    lists = {name: tuple(getattr(row, name)) for name in ("events", "workflow_ids", "statuses", "modes")}
    return Webhook(**{**row._mapping, **lists})
