"""Schedules of reports: rules, runs, deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "report_schedules",
        sa.Column("schedule_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("rule", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "report_runs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("schedule_id", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("missed", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger, nullable=True),
        sa.Column("report", sa.Text, nullable=True),
        sa.Column("model", sa.LargeBinary, nullable=True),
        sa.Column("failure", sa.Text, nullable=True),
    )
    op.create_index("ix_report_runs_schedule_id", "report_runs", ["schedule_id", "at"])
    op.create_index("ix_report_runs_state", "report_runs", ["state", "due_at"])
    op.create_table(
        "report_deliveries",
        sa.Column("delivery_id", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("schedule_id", sa.Text, nullable=False),
        sa.Column("target_no", sa.Integer, nullable=False),
        sa.Column("target", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger, nullable=True),
        sa.Column("place", sa.Text, nullable=True),
        sa.Column("failure", sa.Text, nullable=True),
    )
    op.create_index("ix_report_deliveries_run_id", "report_deliveries", ["run_id", "target_no"])
    op.create_index("ix_report_deliveries_state", "report_deliveries", ["state", "due_at"])
