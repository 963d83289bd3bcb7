"""The event log, and what a claim must remember of the events its write to the lake makes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table and the columns."""
    op.add_column("hot_clock", sa.Column("event_no", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("hot_intents", sa.Column("lake_version", sa.BigInteger, nullable=True))
    op.add_column("hot_intents", sa.Column("event_rows", sa.Integer, nullable=True))
    op.add_column("hot_intents", sa.Column("events", sa.LargeBinary, nullable=True))
    op.create_table(
        "hot_events",
        sa.Column("last_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("first_no", sa.BigInteger, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
    )
