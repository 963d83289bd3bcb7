"""Tokens of the API, and a row to prove with that the database takes a write."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tokens",
        sa.Column("token_id", KEY, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("workflow_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.Column("revoked_at", sa.BigInteger, nullable=True),
        sa.Column("last_used_at", sa.BigInteger, nullable=True),
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index("ix_tokens_live_name", "tokens", ["name"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_table(
        "write_probes",
        sa.Column("name", KEY, primary_key=True),
        sa.Column("written_at", sa.BigInteger, nullable=False),
    )
