"""The table behind warehouse.hot.event_log."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from warehouse.hot.metadata import METADATA, Instant

hot_events: Final = sa.Table(
    "hot_events",
    METADATA,
    sa.Column("last_no", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_no", sa.BigInteger, nullable=False),
    sa.Column("written_at", Instant, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("events", sa.LargeBinary, nullable=False),
)
"""One row a transaction that made events: those with the numbers first_no .. last_no (event_packing.pack). Rows follow
each other without a gap; the newest number is hot_clock.event_no. written_at: by the database's clock, never lower than
that of the row before, so that the primary key finds an instant too (event_log)."""
