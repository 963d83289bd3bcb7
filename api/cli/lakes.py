"""Settings and lakes for the verbs: the only place of the command that reads the environment and the folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.config import Config
    from warehouse import Warehouse
    from warehouse.errors import LakeNotFoundError
    from warehouse.hot.database import Database
    from warehouse.lake import Lake


def configure(**flags: Any) -> Config:
    """The settings of this run; a flag that is None was not given."""
    from api.config import load_config

    return load_config(flags, os.environ, Path.cwd(), Path.home())


@contextmanager
def warehouse_of(config: Config) -> Iterator[Warehouse]:
    """The lake of the settings, opened for reading; an error says how to make one."""
    import warehouse
    from warehouse.errors import LakeNotFoundError

    try:
        house = warehouse.open(config.lake, config.lake_settings())
    except LakeNotFoundError as error:
        raise no_lake(config) from error
    try:
        yield house
    finally:
        house.close()


@contextmanager
def lake_of(config: Config, *, create: bool = False) -> Iterator[Lake]:
    """The lake of the settings, opened for writing and care; made first where `create` says so."""
    from warehouse.errors import LakeNotFoundError
    from warehouse.lake import Lake

    try:
        lake = Lake.open(config.lake, config.lake_settings(), create=create)
    except LakeNotFoundError as error:
        raise no_lake(config) from error
    try:
        yield lake
    finally:
        lake.close()


@contextmanager
def hot_store_of(
    lake: str | None, hot_url: str | None, *, if_missing: str, create: bool = False
) -> Iterator[tuple[Database, Config]]:
    """The hot store of the settings, and these; made where there is none only to put something in (`create`).

    `if_missing`: what an error says when there is none.
    """
    from warehouse.errors import HotStoreUnavailableError
    from warehouse.hot.database import Database

    config = configure(lake=lake, hot_url=hot_url)
    if config.hot_url is None:
        with lake_of(config):  # a hot store without its lake would be a folder that looks like one
            pass
    try:
        database = Database.open(config.hot_url_or_default(), migrate=create)
    except HotStoreUnavailableError as error:
        if create:
            raise
        raise HotStoreUnavailableError(f"{if_missing} ({error})") from error
    try:
        yield database, config
    finally:
        database.close()


def no_lake(config: Config, *, or_else: str = "try `runlake demo`") -> LakeNotFoundError:
    """The error that says how to make a lake."""
    from warehouse.errors import LakeNotFoundError

    return LakeNotFoundError(
        f"there is no lake at {config.lake}; name another with --lake or RUNLAKE_HOME, "
        f"load records with `runlake ingest PATH --lake {config.lake}`, or {or_else}"
    )
