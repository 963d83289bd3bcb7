"""Bringing the hot store's tables to this release, one opener at a time.

The steps are alembic revisions in migrations/versions, `m<revision>_<what>.py`, numbered in order.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from warehouse.errors import HotStoreUnavailableError, HotStoreVersionError

_STEP: Final = re.compile(r"m(\d{4})_\w+\.py")
_LOCK_KEY: Final = 0x72756E6C616B65
"""PostgreSQL's advisory lock of whoever migrates."""
_ONE_AT_A_TIME: Final = threading.Lock()
"""alembic keeps its context in module globals."""


@cache
def known_versions() -> tuple[str, ...]:
    """The revisions of this release, oldest first."""
    folder = resources.files("warehouse.hot") / "migrations" / "versions"
    return tuple(sorted(match[1] for step in folder.iterdir() if (match := _STEP.fullmatch(step.name))))


def migrate_database(engine: sa.Engine) -> None:
    """Make or change the tables; nothing is written when they are those of this release already."""
    with engine.connect().execution_options(runlake_begin="BEGIN DEFERRED") as connection, connection.begin():
        if _version(connection) == known_versions()[-1]:
            return
    with _ONE_AT_A_TIME, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
        version = _version(connection)
        if version == known_versions()[-1]:
            return
        if version is not None and version not in known_versions():
            raise _foreign(version)
        _run_steps(connection)


def check_version(engine: sa.Engine) -> None:
    """Raises HotStoreVersionError, or HotStoreUnavailableError where there are no tables yet."""
    with engine.connect().execution_options(runlake_begin="BEGIN DEFERRED") as connection, connection.begin():
        version = _version(connection)
    if version is None:
        raise HotStoreUnavailableError(
            "the hot store's database is empty; `runlake serve` or `runlake ingest` makes it"
        )
    if version != known_versions()[-1]:
        raise _foreign(version)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _foreign(version: str) -> HotStoreVersionError:
    if version in known_versions():
        return HotStoreVersionError(
            f"the hot store's tables are of an older release ({version}, this one has {known_versions()[-1]}); "
            "open it for writing once (runlake seal) to bring them up to date"
        )
    return HotStoreVersionError(
        f"the hot store's tables are of a newer release ({version}, this one knows up to {known_versions()[-1]}); "
        "use that release"
    )


def _run_steps(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    with resources.as_file(resources.files("warehouse.hot") / "migrations") as folder:
        config.set_main_option("script_location", str(Path(folder)).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
