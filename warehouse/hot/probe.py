"""Proof that the hot store takes writes."""

from __future__ import annotations

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.token_tables import write_probes

_NAME = "readiness"


def prove_writable(database: Database) -> None:
    """Write one row durably; costs what a small commit costs.

    Raises HotStoreBusyError, HotStoreFullError, HotStoreUnavailableError.
    """
    with database.write() as connection:
        now = database.now(connection)
        mine = write_probes.c.name == _NAME
        if connection.execute(sa.update(write_probes).where(mine).values(written_at=now)).rowcount == 0:
            if database.is_sqlite:
                from sqlalchemy.dialects.sqlite import insert
            else:
                from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
            connection.execute(insert(write_probes).values(name=_NAME, written_at=now).on_conflict_do_nothing())
