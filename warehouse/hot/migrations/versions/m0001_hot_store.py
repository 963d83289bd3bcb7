"""The hot tier: records not yet in the lake, claims, leases, the server's secrets."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    clock = op.create_table(
        "hot_clock",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("change_no", sa.BigInteger, nullable=False),
        sa.Column("seal_no", sa.BigInteger, nullable=False),
        sa.Column("purged_seal_no", sa.BigInteger, nullable=False),
        sa.Column("forgotten_change_no", sa.BigInteger, nullable=False),
        sa.Column("lake_no", sa.BigInteger, nullable=False),
        sa.Column("store_id", sa.Text, nullable=False),
    )
    zero = {"change_no": 0, "seal_no": 0, "purged_seal_no": 0, "forgotten_change_no": 0, "lake_no": 0}
    op.bulk_insert(clock, [{"one": 1, "store_id": secrets.token_hex(8)} | zero])
    op.create_table(
        "hot_batches",
        sa.Column("batch_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("live_rows", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("executions", sa.LargeBinary, nullable=False),
        sa.Column("node_runs", sa.LargeBinary, nullable=True),
        sa.Column("payloads", sa.LargeBinary, nullable=True),
        sa.Column("logs", sa.LargeBinary, nullable=True),
    )
    op.create_table(
        "hot_executions",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("change_no", sa.BigInteger, nullable=False),
        sa.Column("batch_no", sa.BigInteger, nullable=False),
        sa.Column("record_no", sa.Integer, nullable=False),
        sa.Column("workflow_id", sa.Text, nullable=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("placed_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.Column("seal_no", sa.BigInteger, nullable=True),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_index("ix_hot_executions_change_no", "hot_executions", ["change_no"])
    op.create_table(
        "hot_intents",
        sa.Column("intent_id", KEY, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("id_hashes", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", KEY, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "server_secrets",
        sa.Column("name", KEY, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
