"""The tables of the hot tier itself: records not yet in the lake, who claims what, and the server's secrets.

The store is log-structured. One write transaction makes one row of `hot_batches` (Arrow tables, whole and immutable)
and points `hot_executions` at its records: one row an id, the record's one current version. Change numbers are given
under a lock on the one row of `hot_clock`, so they are in the order of commits: who has seen change n has seen all
changes up to n.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from warehouse.hot.metadata import METADATA, EngineText, Instant, Key

hot_clock: Final = sa.Table(
    "hot_clock",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("change_no", sa.BigInteger, nullable=False),
    sa.Column("seal_no", sa.BigInteger, nullable=False),
    sa.Column("purged_seal_no", sa.BigInteger, nullable=False),
    sa.Column("forgotten_change_no", sa.BigInteger, nullable=False),
    sa.Column("lake_no", sa.BigInteger, nullable=False),
    sa.Column("store_id", sa.Text, nullable=False),
    sa.Column("event_no", sa.BigInteger, nullable=False, server_default="0"),
)
"""One row (one = 1). change_no: of the newest change; seal_no: of the newest seal; purged_seal_no: of the newest seal
that is in the lake with its records gone from here; forgotten_change_no: of the newest deletion whose trace is gone:
who saw less must read all anew; lake_no: counts what went into the lake past this store or out of it, so that who
looked into the lake knows whether the look still holds; store_id: this store's own, for the marker of its seals;
event_no: of the newest event."""

hot_batches: Final = sa.Table(
    "hot_batches",
    METADATA,
    sa.Column("batch_no", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("live_rows", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("executions", sa.LargeBinary, nullable=False),
    sa.Column("node_runs", sa.LargeBinary, nullable=True),
    sa.Column("payloads", sa.LargeBinary, nullable=True),
    sa.Column("logs", sa.LargeBinary, nullable=True),
)
"""The records one transaction wrote: see batches.encode; NULL: no rows. batch_no is the number of the change that wrote
it. live_rows: the pointers to it; it goes with the last of them. Rows without a pointer may go before."""

hot_executions: Final = sa.Table(
    "hot_executions",
    METADATA,
    sa.Column("id", EngineText, primary_key=True),
    sa.Column("change_no", sa.BigInteger, nullable=False),
    sa.Column("batch_no", sa.BigInteger, nullable=False),
    sa.Column("record_no", sa.Integer, nullable=False),
    sa.Column("workflow_id", EngineText, nullable=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("finished", sa.Boolean, nullable=False),
    sa.Column("placed_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("written_at", Instant, nullable=False),
    sa.Column("seal_no", sa.BigInteger, nullable=True),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Index("ix_hot_executions_change_no", "change_no"),
)
"""One row an id: where its current version lies (batch_no, record_no), since which change, and the seal that takes it
to the lake (NULL: none yet). deleted: the id is gone (batch_no 0), the row tells readers who knew it."""

hot_intents: Final = sa.Table(
    "hot_intents",
    METADATA,
    sa.Column("intent_id", Key, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("id_hashes", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.Column("lake_version", sa.BigInteger, nullable=True),
    sa.Column("event_rows", sa.Integer, nullable=True),
    sa.Column("events", sa.LargeBinary, nullable=True),
)
"""Ids on their way straight into the lake, or out of it: sorted little-endian 64-bit hashes (id_index.id_hashes). Hot
writers of those ids wait. revoked: its holder may not commit any more. events: so many (event_rows) become true with
the commit that makes this version of the lake (event_packing.pack); NULL: none do."""

leases: Final = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", Key, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)
"""Who alone may do a thing until when, by the database's clock."""

server_secrets: Final = sa.Table(
    "server_secrets",
    METADATA,
    sa.Column("name", Key, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)
"""Keys the server makes for itself at first use (signing of cursors, …)."""
