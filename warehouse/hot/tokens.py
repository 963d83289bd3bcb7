"""Tokens of the API: made, listed, revoked, looked up. What a secret is worth is decided by whoever asks (api/auth).

A token is `rl_<id>_<secret>`: the id is 48 random bits and public, the secret 256 random bits, kept only as its
SHA-256 (it is random, so that a slow hash would add nothing).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from warehouse.errors import BadInputError
from warehouse.hot.database import Database
from warehouse.hot.token_tables import tokens

USE_NOTED_EVERY: Final = timedelta(minutes=1)
_FORM: Final = re.compile(r"rl_([0-9a-f]{12})_([0-9a-f]{64})")
_NAME_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored."""

    token_id: str
    name: str
    secret_sha256: bytes = field(repr=False)
    scopes: frozenset[str]
    workflow_ids: frozenset[str] | None
    """None: not bound to workflows."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """Exact to a minute. None: never used."""

    def opens(self, secret: str) -> bool:
        """Whether this is its secret; takes the same time whatever is wrong with it."""
        return hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), self.secret_sha256)

    def lives(self, at: datetime) -> bool:
        """Whether it is neither revoked nor expired at an instant."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def split_token(text: str) -> tuple[str, str] | None:
    """(id, secret) of a token's text. None: it does not look like one."""
    match = _FORM.fullmatch(text)
    return (match[1], match[2]) if match else None


def create_token(
    database: Database,
    name: str,
    scopes: Collection[str],
    *,
    workflow_ids: Collection[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token; the second value is its text, which nothing can show again.

    Raises BadInputError for a name that is empty, too long, or that of a live token, and for no scopes or workflows.
    """
    _check(name, scopes, workflow_ids)
    with database.write() as connection:
        return _insert(database, connection, name, scopes, workflow_ids, expires_at)


def create_first_token(database: Database, name: str, scopes: Collection[str]) -> tuple[Token, str] | None:
    """Make a token where there never was one. None: there is or was, nothing is made. Once among racing processes."""
    with database.write() as connection:
        if not database.is_sqlite:  # READ COMMITTED: two processes could both find none
            connection.execute(sa.text("LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE"))
        if connection.execute(sa.select(tokens.c.token_id).limit(1)).first() is not None:
            return None
        return _insert(database, connection, name, scopes, None, None)


def list_tokens(database: Database) -> list[Token]:
    """All tokens that were ever made, oldest first."""
    with database.read() as connection:
        rows = connection.execute(sa.select(tokens).order_by(tokens.c.created_at, tokens.c.token_id))
        return [_token(row) for row in rows.mappings()]


def find_token(database: Database, token_id: str) -> Token | None:
    """The token of an id, living or not. None: there never was one. A look into an index."""
    with database.read() as connection:
        row = connection.execute(sa.select(tokens).where(tokens.c.token_id == token_id)).mappings().first()
    return None if row is None else _token(row)


def revoke_token(database: Database, id_or_name: str) -> Token:
    """Revoke a live token; every process refuses it within two seconds. Raises BadInputError when there is none."""
    with database.write() as connection:
        mine = (tokens.c.token_id == id_or_name) | (tokens.c.name == id_or_name)
        found = connection.execute(sa.select(tokens).where(mine, tokens.c.revoked_at.is_(None))).mappings().all()
        # A name may look like another token's id: the id is meant then.
        row = next((one for one in found if one["token_id"] == id_or_name), found[0] if found else None)
        if row is None:
            raise BadInputError(
                f"there is no live token with the id or name {id_or_name!r}; `runlake token list` shows them",
                field="token",
                value=id_or_name,
            )
        now = database.now(connection)
        connection.execute(sa.update(tokens).where(tokens.c.token_id == row["token_id"]).values(revoked_at=now))
    return _token({**row, "revoked_at": now})


def note_uses(database: Database, used_at: Mapping[str, datetime]) -> None:
    """Remember when tokens (by id) were last used; a use less than a minute after the noted one is not written."""
    if not used_at:
        return
    with database.write() as connection:
        for token_id, at in sorted(used_at.items()):
            older = sa.or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= at - USE_NOTED_EVERY)
            connection.execute(sa.update(tokens).where(tokens.c.token_id == token_id, older).values(last_used_at=at))


def _check(name: str, scopes: Collection[str], workflow_ids: Collection[str] | None) -> None:
    if not name.strip() or len(name) > _NAME_CHARS or not name.isprintable():
        raise BadInputError(
            f"the token's name is {name[:200]!r}; allowed are 1 to {_NAME_CHARS} printable characters",
            field="name",
            value=name,
        )
    if not scopes:
        raise BadInputError("a token needs at least one scope", field="scope")
    if workflow_ids is not None and not (workflow_ids and all(workflow_ids)):
        raise BadInputError(
            "a token is bound to at least one workflow id, none of them empty, or to none at all", field="workflow"
        )


def _insert(
    database: Database,
    connection: sa.Connection,
    name: str,
    scopes: Collection[str],
    workflow_ids: Collection[str] | None,
    expires_at: datetime | None,
) -> tuple[Token, str]:
    token_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    row: dict[str, Any] = {
        "token_id": token_id,
        "name": name,
        "secret_sha256": hashlib.sha256(secret.encode()).digest(),
        "scopes": sorted(set(scopes)),
        "workflow_ids": None if workflow_ids is None else sorted(set(workflow_ids)),
        "created_at": database.now(connection),
        "expires_at": expires_at,
        "revoked_at": None,
        "last_used_at": None,
    }
    taken = sa.select(tokens.c.token_id).where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
    if connection.execute(taken).first() is not None:
        raise BadInputError(
            f"there is a live token named {name!r} already; choose another name, or revoke that one first",
            field="name",
            value=name,
        )
    connection.execute(sa.insert(tokens).values(row))
    return _token(row), f"rl_{token_id}_{secret}"


def _token(row: Mapping[Any, Any]) -> Token:
    bound = row["workflow_ids"]
    return Token(
        token_id=row["token_id"],
        name=row["name"],
        secret_sha256=bytes(row["secret_sha256"]),
        scopes=frozenset(row["scopes"]),
        workflow_ids=None if bound is None else frozenset(bound),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
