"""Tokens for tests: made in the hot store of a lake, sent as a header."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from api.config import Config
from warehouse.hot.database import Database
from warehouse.hot.tokens import create_token, revoke_token


def made_token(
    lake: str | Path,
    name: str,
    *scopes: str,
    workflow_ids: Collection[str] | None = None,
    expires_at: datetime | None = None,
) -> str:
    """The text of a new token."""
    database = Database.open(Config(lake=str(lake)).hot_url_or_default())
    try:
        return create_token(database, name, scopes, workflow_ids=workflow_ids, expires_at=expires_at)[1]
    finally:
        database.close()


def revoke(lake: str | Path, name: str) -> None:
    database = Database.open(Config(lake=str(lake)).hot_url_or_default())
    try:
        revoke_token(database, name)
    finally:
        database.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
