"""The one collection of the hot store's tables, and the types they share.

Each topic declares its tables in a module of its own under this metadata; migrations/versions makes them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Key: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""A text that is looked up: compared byte by byte on every database."""

_ESCAPE: Final = "\x1a"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 UTC of a timezone-aware instant; exact."""
    return (instant - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The instant so many microseconds after 1970 UTC; exact."""
    return _EPOCH + timedelta(microseconds=us)


def to_stored(text: str) -> str:
    """A text of the engine's as the database keeps it: PostgreSQL and SQLite's JSON know no NUL. Exact both ways."""
    if "\0" not in text and _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE, _ESCAPE + "1").replace("\0", _ESCAPE + "0")


def from_stored(text: str) -> str:
    """The text again."""
    return text if _ESCAPE not in text else text.replace(_ESCAPE + "0", "\0").replace(_ESCAPE + "1", _ESCAPE)


class EngineText(sa.types.TypeDecorator[str]):
    """A text that an engine gave and that is looked up: any characters, compared byte by byte."""

    impl = Key
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Python to database."""
        return None if value is None else to_stored(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Database to Python."""
        return None if value is None else from_stored(value)


class Instant(sa.types.TypeDecorator[datetime]):
    """A timezone-aware UTC instant, kept as a BIGINT of microseconds: the same on every database, exact, sortable."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Python to database."""
        return None if value is None else to_us(value)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        """Database to Python."""
        return None if value is None else from_us(value)
