"""Recording decisions about executions: with the commands that carry them out, and only while they hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa

from warehouse.duck import read_sql
from warehouse.errors import ExecutionEndedError
from warehouse.hot.commands import Command, Commands
from warehouse.hot.store import HotStore
from warehouse.schema import Batch
from warehouse.tables import LakeTables


class Settlement(NamedTuple):
    """The acknowledgement of a command."""

    id: str
    state: Literal["done", "failed"]
    message: str | None = None
    engine_execution_id: str | None = None


def fingerprint_of(lake: LakeTables, type: str, message: str) -> str:
    """The group that an error belongs to, as ingest would find it."""
    session = lake.session.fork()
    try:
        found: str = session.rows(read_sql("warehouse", "fingerprint_of"), {"type": type, "message": message})[0][0]
        return found
    finally:
        session.close()


def decide(
    store: HotStore,
    lake: LakeTables,
    commands: Commands,
    batch: Batch,
    *,
    unfinished: Collection[str] = (),
    new_commands: Sequence[Command] = (),
    settles: Settlement | None = None,
    gone: Collection[str] = (),
) -> dict[str, str | None]:
    """Write records, commands with their events, an acknowledgement and deletions.

    Records, commands and acknowledgement are one transaction (but for records that the lake holds: those are written
    before). `unfinished`: ids that must not have ended; else nothing is written, and the answer says of each that has
    what its status is (None: it is gone). Raises what HotStore.write and HotStore.delete raise.
    """

    def also(connection: sa.Connection) -> None:
        commands.add(connection, new_commands)
        if new_commands:
            store.events.append(connection, [command.event() for command in new_commands])
        if settles is not None:
            commands.settle(connection, *settles)

    try:
        if batch.executions.num_rows:
            store.write(lake, batch, also, unfinished=unfinished)
        else:
            with store.database.write() as connection:
                also(connection)
    except ExecutionEndedError as error:
        return dict(error.statuses)
    if gone:
        store.delete(lake, gone)
    return {}
