"""Errors of the database drivers as ours: what a caller can act on, without the driver's text, paths or statements."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import sqlalchemy as sa

from warehouse.errors import HotStoreBusyError, HotStoreError, HotStoreFullError, HotStoreUnavailableError

_PRIMARY_CODE: Final = 0xFF
"""The low byte of SQLite's extended result codes is the kind."""
_SPACE_LEFT_BYTES: Final = 4 << 20
"""With less free than this, an input/output error of SQLite is a full disk."""

_BUSY_STATES: Final = ("40001", "40P01", "55P03", "57014", "53300", "25P03", "25P04")
"""Serialisation, deadlock, lock timeout, cancelled, too many connections, idle and transaction timeouts."""
_FULL_STATES: Final = ("53100",)
_UNAVAILABLE_CLASSES: Final = ("08", "57", "58", "53", "28", "3D", "XX")
"""Connection, operator intervention, system error, no resources, not authorised, no such database, internal error."""


@contextmanager
def errors_as_ours(url: sa.URL) -> Iterator[None]:
    """Inside the block what the database refuses raises HotStoreError; a mistake of ours stays what it is."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise HotStoreBusyError("all connections to the hot store are in use; try again later") from error
    except sa.exc.DBAPIError as error:
        ours = translated(url, error.orig)
        if ours is None:
            raise
        raise ours from error
    except (sqlite3.Error, psycopg.Error) as error:  # statements given to the driver itself
        ours = translated(url, error)
        if ours is None:
            raise
        raise ours from error


def translated(url: sa.URL, error: BaseException | None) -> HotStoreError | None:
    """Our error for a driver's. None: no failure of the database, but of the statement."""
    if isinstance(error, sqlite3.Error):
        return _sqlite(url, error)
    if isinstance(error, psycopg.Error):
        return _postgresql(error)
    return None


def _sqlite(url: sa.URL, error: sqlite3.Error) -> HotStoreError | None:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return HotStoreBusyError("the hot store is being written to by other processes; try again later")
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _disk_is_full(url)):
        return HotStoreFullError("the disk of the hot store is full: nothing was written; free some space, try again")
    if code in (
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    ):
        return HotStoreUnavailableError(f"the hot store cannot be used ({name}); see that its file is whole and ours")
    return None


def _disk_is_full(url: sa.URL) -> bool:
    if url.database is None:
        return False
    try:
        disk = os.statvfs(Path(url.database).parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _SPACE_LEFT_BYTES


def _postgresql(error: psycopg.Error) -> HotStoreError | None:
    state = error.sqlstate
    if state is None:  # the connection broke, or never was
        if not isinstance(error, psycopg.OperationalError):
            return None
        return HotStoreUnavailableError("the hot store's PostgreSQL does not answer; see that it runs, try again")
    if state in _BUSY_STATES:
        return HotStoreBusyError(f"the hot store is busy (PostgreSQL says {state}); try again later")
    if state in _FULL_STATES:
        return HotStoreFullError("the disk of the hot store is full: nothing was written; free some space, try again")
    if state[:2] in _UNAVAILABLE_CLASSES or state == "25006":
        return HotStoreUnavailableError(f"the hot store's PostgreSQL cannot be used (it says {state})")
    return None
