"""The one door to the hot store's database: SQLite or PostgreSQL, transactions, its clock, its errors as ours.

    database = Database.open("sqlite:////srv/lake/state.db")
    with database.write() as connection: ...   # committed and durable when the block ends, undone when it raises
    with database.read() as connection: ...    # one consistent snapshot

No error of a driver leaves this module: see `errors_as_ours`.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import PoolProxiedConnection

from warehouse import clock
from warehouse.errors import BadInputError, HotStoreBusyError, HotStoreUnavailableError
from warehouse.hot.failures import errors_as_ours
from warehouse.hot.migrate import check_version, migrate_database

BUSY_TIMEOUT_S: Final = 30.0
"""How long a transaction waits for others before it gives up."""
STALLED_TIMEOUT_S: Final = 60.0
"""PostgreSQL ends a transaction of ours that has been idle for so long: a stopped process must not hold the others."""
_PRAGMAS: Final = (
    "synchronous = FULL",  # the log is synced with every commit: an acknowledged record survives a loss of power
    "foreign_keys = ON",
    "cache_size = -16384",
    # Four times the default: the log goes into the file more rarely, and the same page less often.
    "wal_autocheckpoint = 4000",
    "journal_size_limit = 67108864",
)
_MARKS: Final = "runlake_marks"
CONNECTIONS_KEPT: Final = 8
CONNECTIONS_MAX: Final = 48


class Database:
    """An open hot store. Safe to share between threads; not between processes (each opens its own)."""

    def __init__(self, engine: sa.Engine, *, busy_timeout_s: float) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.busy_timeout_s = busy_timeout_s
        self.event_listeners: list[Callable[[], None]] = []
        """Called after each commit that wrote events: see EventLog.on_written. They do not raise."""
        # SQLite has one writer at a time and makes the others poll: those of this process queue here instead.
        self._writer = threading.Lock()

    @classmethod
    def open(cls, url: str, *, migrate: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Self:
        """The database at a URL such as `sqlite:////srv/lake/state.db` or `postgresql://user@host/name`.

        With `migrate` an SQLite file is made where there is none, and the tables are brought to this release, under a
        lock. Without, nothing is written. Costs some 10 ms when nothing is to be done, half a second else.
        Raises BadInputError (URL), HotStoreUnavailableError, HotStoreBusyError, HotStoreVersionError (tables of a newer
        release; without `migrate` of an older one too).
        """
        engine = _engine(parse_url(url), busy_timeout_s, create=migrate)
        database = cls(engine, busy_timeout_s=busy_timeout_s)
        try:
            with errors_as_ours(engine.url):
                if migrate:
                    migrate_database(engine)
                else:
                    check_version(engine)
        except BaseException:
            engine.dispose()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database for the whole block, and writes nothing."""
        with errors_as_ours(self.engine.url), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.execution_options(runlake_begin="BEGIN DEFERRED")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that is durable when the block ends, and undone when it raises.

        SQLite: no other writer meanwhile, so do nothing slow inside. PostgreSQL: READ COMMITTED; lock what counts.
        Raises HotStoreBusyError, HotStoreFullError, HotStoreUnavailableError.
        """
        with self._transaction() as connection:
            # The driver's connection goes back to the others with its info: this set is this transaction's own.
            marks: set[str] = set()
            connection.info[_MARKS] = marks
            yield connection
        if marks:
            for listener in tuple(self.event_listeners):
                listener()

    def events_written(self, connection: sa.Connection) -> None:
        """Have the listeners told, once this transaction (of `write`) is committed."""
        connection.info[_MARKS].add("events")

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if not self.is_sqlite:
            with errors_as_ours(self.engine.url), self.engine.begin() as connection:
                yield connection
            return
        if not self._writer.acquire(timeout=self.busy_timeout_s):
            raise HotStoreBusyError(
                f"the hot store has been written to by others for {self.busy_timeout_s:g} s; try again later"
            )
        try:
            with errors_as_ours(self.engine.url), self.engine.connect() as connection:
                connection.execution_options(runlake_begin="BEGIN IMMEDIATE")
                with connection.begin():
                    yield connection
        finally:
            self._writer.release()

    def now(self, connection: sa.Connection) -> datetime:
        """The database's clock, UTC: the same for all processes that share it (SQLite: that of the machine)."""
        if self.is_sqlite:
            return clock.now()
        found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return found

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def parse_url(url: str) -> sa.URL:
    """The URL with the driver we use. Raises BadInputError; a password is never part of the message."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise BadInputError(
            "hot_url is not the URL of a database; give sqlite:////absolute/path/state.db or "
            "postgresql://user:password@host:5432/name",
            field="hot_url",
        ) from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    shown = parsed.render_as_string(hide_password=True)
    if backend != "sqlite":
        raise BadInputError(
            f"hot_url is {shown!r}; allowed are sqlite:///… and postgresql://…", field="hot_url", value=shown
        )
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise BadInputError(
            f"hot_url is {shown!r}, which names no file; give sqlite:////absolute/path/state.db",
            field="hot_url",
            value=shown,
        )
    return parsed.set(drivername="sqlite+pysqlite", database=str(Path(parsed.database).expanduser().absolute()))


def _engine(url: sa.URL, busy_timeout_s: float, *, create: bool) -> sa.Engine:
    sizes: dict[str, Any] = {
        "pool_size": CONNECTIONS_KEPT,
        "max_overflow": CONNECTIONS_MAX - CONNECTIONS_KEPT,
        "pool_timeout": busy_timeout_s,
    }
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        path = Path(url.database)
        if not path.exists():
            if not create:
                raise HotStoreUnavailableError(f"there is no hot store at {path}")
            path.parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url, connect_args={"timeout": busy_timeout_s, "check_same_thread": False}, **sizes)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = {
        "lock_timeout": f"{busy_timeout_s * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{STALLED_TIMEOUT_S * 1000:.0f}",
        "TimeZone": "UTC",
    }
    arguments = {
        "connect_timeout": 10,
        "application_name": "runlake",
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }
    engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True, **sizes)
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    _to_wal(connection)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _to_wal(connection: Any) -> None:
    """Readers beside a writer. Of two first openers at once SQLite tells one, without waiting, that it is busy."""
    deadline_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline_s:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("runlake_begin", "BEGIN IMMEDIATE"))


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # What we acknowledge survives a loss of power, whatever the server's default is.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def driver_connection(connection: sa.Connection) -> Any:
    """The driver's own connection below, inside the same transaction: for bulk statements."""
    proxied: PoolProxiedConnection = connection.connection
    return proxied.driver_connection
