"""The tables behind warehouse.hot.webhooks and warehouse.hot.webhook_deliveries."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from warehouse.hot.metadata import METADATA, EngineText, Instant, Key

webhooks: Final = sa.Table(
    "webhooks",
    METADATA,
    sa.Column("id", Key, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.JSON, nullable=False),
    sa.Column("workflow_ids", sa.JSON, nullable=False),
    sa.Column("statuses", sa.JSON, nullable=False),
    sa.Column("modes", sa.JSON, nullable=False),
    sa.Column("description", sa.Text, nullable=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("disabled_reason", sa.Text, nullable=True),
    sa.Column("disabled_at", Instant, nullable=True),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("old_secret", sa.Text, nullable=True),
    sa.Column("old_secret_until", Instant, nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("position_no", sa.BigInteger, nullable=False),
    sa.Column("failing_since", Instant, nullable=True),
    sa.Column("missed_events", sa.BigInteger, nullable=False),
    sa.Column("missed_at", Instant, nullable=True),
)
"""One row a webhook. workflow_ids, statuses, modes: lists, empty for all. state: enabled, paused, disabled (by the
server; disabled_reason says why). position_no: every event up to this number has been looked at. failing_since: of the
first failed attempt since the last good one; NULL: the last was good. missed_events: events that the log forgot before
they were looked at, matching or not."""

webhook_deliveries: Final = sa.Table(
    "webhook_deliveries",
    METADATA,
    sa.Column("delivery_no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", Key, nullable=False, unique=True),
    sa.Column("webhook_id", Key, nullable=False),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("execution_id", EngineText, nullable=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("test", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("settled_at", Instant, nullable=True),
    sa.Column("attempts", sa.JSON, nullable=False),
    sa.Index("ix_webhook_deliveries_state", "state", "webhook_id", "due_at"),
    sa.Index("ix_webhook_deliveries_webhook_id", "webhook_id", "delivery_no"),
    sa.Index("ix_webhook_deliveries_execution_id", "webhook_id", "execution_id", "state"),
    sa.Index("ix_webhook_deliveries_settled_at", "settled_at"),
)
"""One row an event that a webhook is to be told, or was told, of. id: the webhook and the event say it. body: what is
sent, to the letter. test: asked for by hand; tried once, in any state of the webhook. state: pending, delivered,
failed. tries: since it was made or sent again. due_at: of the next try. attempts: a list of objects, oldest first, the
last ones."""
