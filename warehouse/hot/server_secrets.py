"""Keys that the server makes for itself at first use and that all its processes share."""

from __future__ import annotations

import secrets
from typing import Final

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.tables import server_secrets

SECRET_BYTES: Final = 32


def server_secret(database: Database, name: str) -> bytes:
    """The 32 random bytes kept under this name; made by whoever asks first."""
    wanted = sa.select(server_secrets.c.value).where(server_secrets.c.name == name)
    with database.read() as connection:
        found: bytes | None = connection.execute(wanted).scalar_one_or_none()
    if found is not None:
        return bytes(found)
    with database.write() as connection:
        if database.is_sqlite:
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
        now = database.now(connection)
        value = secrets.token_bytes(SECRET_BYTES)
        connection.execute(
            insert(server_secrets).values(name=name, value=value, created_at=now).on_conflict_do_nothing()
        )
        return bytes(connection.execute(wanted).scalar_one())
