"""The tables behind warehouse.hot.tokens and warehouse.hot.probe."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from warehouse.hot.metadata import METADATA, Instant

_LIVE: Final = sa.text("revoked_at IS NULL")

tokens: Final = sa.Table(
    "tokens",
    METADATA,
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("workflow_ids", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=True),
    sa.Column("revoked_at", Instant, nullable=True),
    sa.Column("last_used_at", Instant, nullable=True),
    sa.Index("ix_tokens_live_name", "name", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)
"""One row a token that was ever made. secret_sha256: of its secret, which is kept nowhere. workflow_ids NULL: not bound
to workflows. expires_at NULL: never. revoked_at NULL: not revoked; a name is given once among those. last_used_at:
exact to a minute; NULL: never used."""

write_probes: Final = sa.Table(
    "write_probes",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("written_at", Instant, nullable=False),
)
"""When somebody last proved that the database takes writes."""
