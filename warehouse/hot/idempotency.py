"""Answers by the key a client gave its request, so that a request sent twice is done once."""

from __future__ import annotations

import secrets
import time
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.metadata import METADATA, Instant

KEPT_HOURS: Final = 24
KEYS_MAX: Final = 100_000
"""Keys kept at most, of all owners together; beyond it the oldest go early."""
HELD_S: Final = 60.0
"""A request that has not finished after so long (its server died) no longer bars its key."""
_TIDY_EVERY_S: Final = 60.0

idempotency_keys: Final = sa.Table(
    "idempotency_keys",
    METADATA,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("claim", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=True),
    sa.Column("answer", sa.LargeBinary, nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("ix_idempotency_keys_expires_at", "expires_at"),
    sa.Index("ix_idempotency_keys_created_at", "created_at"),
)
"""One row is one key of one owner (token). fingerprint: of the request; claim: who is at it or was; status, answer
(zlib): what it was answered, NULL until then; expires_at: free again from then on."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The key is ours: do the work, then `finish` or `abandon`."""

    owner: str
    key: str
    token: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The same request was answered before."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Reused:
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class InUse:
    """The same request is being worked on."""


class IdempotencyKeys:
    """The keys of the last 24 hours. Every method is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tidied_at_s = 0.0

    def begin(self, owner: str, key: str, fingerprint: bytes) -> Claim | Answered | Reused | InUse:
        """Claim a key for a request with this fingerprint, or say what became of it before."""
        with self._database.write() as connection:
            now = self._database.now(connection)
            self._tidy(connection)
            claim = Claim(owner, key, secrets.token_hex(16))
            mine = self._row(owner, key)
            values = {
                "fingerprint": fingerprint,
                "claim": claim.token,
                "status": None,
                "answer": None,
                "created_at": now,
                "expires_at": now + timedelta(seconds=HELD_S),
            }
            taken = connection.execute(
                sa.update(idempotency_keys).where(mine, idempotency_keys.c.expires_at <= now).values(values)
            )
            if taken.rowcount:
                return claim
            insert = self._insert().values(owner=owner, key=key, **values)
            if connection.execute(insert.returning(idempotency_keys.c.key)).first() is not None:
                return claim
            found = connection.execute(sa.select(idempotency_keys).where(mine)).one_or_none()
        if found is None:  # gone again since: its request was given up
            return InUse()
        if found.fingerprint != fingerprint:
            return Reused()
        if found.status is None:
            return InUse()
        return Answered(found.status, zlib.decompress(found.answer))

    def finish(self, claim: Claim, status: int, body: bytes) -> None:
        """Keep the answer for 24 hours."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(idempotency_keys)
                .where(self._row(claim.owner, claim.key), idempotency_keys.c.claim == claim.token)
                .values(
                    status=status,
                    answer=zlib.compress(body, 1),
                    expires_at=self._database.now(connection) + timedelta(hours=KEPT_HOURS),
                )
            )

    def abandon(self, claim: Claim) -> None:
        """Free the key: nothing was done, the request may be made again."""
        with self._database.write() as connection:
            connection.execute(
                sa.delete(idempotency_keys).where(
                    self._row(claim.owner, claim.key), idempotency_keys.c.claim == claim.token
                )
            )

    def _row(self, owner: str, key: str) -> sa.ColumnElement[bool]:
        return sa.and_(idempotency_keys.c.owner == owner, idempotency_keys.c.key == key)

    def _insert(self) -> sa.Insert:
        if self._database.is_sqlite:
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(idempotency_keys).on_conflict_do_nothing()
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(idempotency_keys).on_conflict_do_nothing()

    def _tidy(self, connection: sa.Connection) -> None:
        """Once a minute: what has expired goes, and the oldest beyond KEYS_MAX."""
        if time.monotonic() - self._tidied_at_s < _TIDY_EVERY_S and self._tidied_at_s:
            return
        self._tidied_at_s = time.monotonic()
        now = self._database.now(connection)
        connection.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.expires_at <= now))
        oldest_kept = connection.execute(
            sa.select(idempotency_keys.c.created_at)
            .order_by(idempotency_keys.c.created_at.desc())
            .offset(KEYS_MAX)
            .limit(1)
        ).scalar_one_or_none()
        if oldest_kept is not None:
            connection.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.created_at <= oldest_kept))
