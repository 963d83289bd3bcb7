"""Alerts: rules with their state, firings, messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    engine_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "alert_rules",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("workflow_id", engine_text, nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("rule", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("firing_id", sa.Text, nullable=True),
        sa.Column("fired_at", sa.BigInteger, nullable=True),
        sa.Column("below_since", sa.BigInteger, nullable=True),
        sa.Column("evaluated_at", sa.BigInteger, nullable=True),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("failure", sa.Text, nullable=True),
    )
    op.create_table(
        "alert_firings",
        sa.Column("firing_id", sa.Text, primary_key=True),
        sa.Column("alert_id", sa.Text, nullable=False),
        sa.Column("fired_at", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger, nullable=True),
        sa.Column("fired", sa.JSON, nullable=False),
        sa.Column("resolved", sa.JSON, nullable=True),
    )
    op.create_index("ix_alert_firings_alert_id", "alert_firings", ["alert_id", "fired_at"])
    op.create_table(
        "alert_mails",
        sa.Column("mail_id", sa.Text, primary_key=True),
        sa.Column("firing_id", sa.Text, nullable=False),
        sa.Column("alert_id", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("message", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("settled_at", sa.BigInteger, nullable=True),
        sa.Column("failure", sa.Text, nullable=True),
    )
    op.create_index("ix_alert_mails_state_due_at", "alert_mails", ["state", "due_at"])
    op.create_index("ix_alert_mails_firing_id", "alert_mails", ["firing_id"])
