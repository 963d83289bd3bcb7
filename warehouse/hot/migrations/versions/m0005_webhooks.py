"""Webhooks, and the log of what they were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "webhooks",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("workflow_ids", sa.JSON, nullable=False),
        sa.Column("statuses", sa.JSON, nullable=False),
        sa.Column("modes", sa.JSON, nullable=False),
        sa.Column("description", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("disabled_reason", sa.Text, nullable=True),
        sa.Column("disabled_at", sa.BigInteger, nullable=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("old_secret", sa.Text, nullable=True),
        sa.Column("old_secret_until", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("position_no", sa.BigInteger, nullable=False),
        sa.Column("failing_since", sa.BigInteger, nullable=True),
        sa.Column("missed_events", sa.BigInteger, nullable=False),
        sa.Column("missed_at", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column(
            "delivery_no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("id", KEY, nullable=False, unique=True),
        sa.Column("webhook_id", KEY, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("execution_id", KEY, nullable=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger, nullable=True),
        sa.Column("attempts", sa.JSON, nullable=False),
    )
    for name, columns in {
        "state": ["state", "webhook_id", "due_at"],
        "webhook_id": ["webhook_id", "delivery_no"],
        "execution_id": ["webhook_id", "execution_id", "state"],
        "settled_at": ["settled_at"],
    }.items():
        op.create_index(f"ix_webhook_deliveries_{name}", "webhook_deliveries", columns)
