"""What the engine still has to be told: a queue of commands with leases, in the hot store.

A command is written in the transaction that records the decision it carries out, so neither is there without the
other. A collector takes commands under a lease; one that is not acknowledged in time is handed out again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.event_schema import NewEvent
from warehouse.hot.metadata import METADATA, Instant

CommandKind = Literal["cancel", "retry"]
CommandState = Literal["open", "held", "done", "failed"]
"""open: to be collected (again) from due_at on; held: told to the engine right now, by whoever wrote it; the others:
acknowledged."""

KEPT_DAYS: Final = 7
"""How long a command that was acknowledged can still be looked up."""
_ID_BYTES: Final = 12

commands: Final = sa.Table(
    "commands",
    METADATA,
    sa.Column("command_no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("execution_id", sa.Text, nullable=False),
    sa.Column("workflow_id", sa.Text, nullable=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("claim", sa.Text, nullable=True, unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("deliveries", sa.Integer, nullable=False),
    sa.Column("settled_at", Instant, nullable=True),
    sa.Column("message", sa.Text, nullable=True),
    sa.Column("engine_execution_id", sa.Text, nullable=True),
    sa.Index("ix_commands_state_due_at", "state", "due_at"),
    sa.Index("ix_commands_settled_at", "settled_at"),
)
"""One row a command, in the order of command_no. body: JSON object, what else the engine must know. claim: not NULL
while it alone may be under way for its execution. due_at: open: collectable from then on; held: given up after it."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it stands."""

    kind: CommandKind
    execution_id: str
    """cancel: the execution to stop; retry: the new, queued one."""
    workflow_id: str | None
    created_at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"cmd_{secrets.token_hex(_ID_BYTES)}")
    state: CommandState = "open"
    due_at: datetime | None = None
    """None: at once."""
    deliveries: int = 0
    """How often it was handed out."""
    settled_at: datetime | None = None
    message: str | None = None
    """What the engine said about it."""
    engine_execution_id: str | None = None
    """The id the engine gave the execution."""

    def told(self) -> dict[str, Any]:
        """What the engine is told, but for the instant, as JSON can say it."""
        found = {
            "id": self.id,
            "type": self.kind,
            "executionId": self.execution_id,
            "workflowId": self.workflow_id,
        }
        return found | {key: value for key, value in self.body.items() if key != "before"}

    def event(self) -> NewEvent:
        """That it was created."""
        return NewEvent("command.created", self.created_at, self.told(), self.execution_id, self.workflow_id)


class Commands:
    """The queue. Every method is one transaction of its own, except those that take a connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, connection: sa.Connection, new: Sequence[Command]) -> None:
        """Write commands inside the caller's transaction; drops the acknowledged ones that are too old."""
        rows = [_row(one) for one in new]
        if rows:
            connection.execute(sa.insert(commands), rows)
            kept_since = self._database.now(connection) - timedelta(days=KEPT_DAYS)
            connection.execute(sa.delete(commands).where(commands.c.settled_at < kept_since))

    def claim(self, limit: int, lease_s: float, workflow_ids: Sequence[str] = ()) -> list[Command]:
        """Take up to `limit` collectable commands, oldest first, for `lease_s` seconds; nobody else gets them then.

        `workflow_ids`: only those of these workflows; empty: all. Looks without writing first, so that asking often is
        cheap while there is nothing.
        """
        with self._database.read() as connection:
            if not self._due(connection, 1, workflow_ids):
                return []
        with self._database.write() as connection:
            now = self._database.now(connection)
            numbers = self._due(connection, limit, workflow_ids, lock=True)
            taken = (
                sa.update(commands)
                .where(commands.c.command_no.in_(numbers))
                .values(due_at=now + timedelta(seconds=lease_s), deliveries=commands.c.deliveries + 1)
                .returning(*commands.c)
            )
            rows = connection.execute(taken).all() if numbers else []
        return [_command(row) for row in sorted(rows, key=lambda row: row.command_no)]

    def find(self, id: str, workflow_ids: Sequence[str] = ()) -> Command | None:
        """One command. None: there is none of that id (for these workflows)."""
        with self._database.read() as connection:
            return _found(connection, id, workflow_ids)

    def settle(
        self,
        connection: sa.Connection,
        id: str,
        state: Literal["done", "failed"],
        message: str | None = None,
        engine_execution_id: str | None = None,
    ) -> bool:
        """Acknowledge a command inside the caller's transaction. False: it was acknowledged before."""
        settled = (
            sa.update(commands)
            .where(commands.c.id == id, commands.c.settled_at.is_(None))
            .values(
                state=state,
                claim=None,
                settled_at=self._database.now(connection),
                message=message,
                engine_execution_id=engine_execution_id,
            )
        )
        return bool(connection.execute(settled).rowcount)

    def hold(self, command: Command, claim: str, hold_s: float) -> bool:
        """Write a command that its writer tells the engine itself. False: another with this claim is under way.

        A claim whose writer died counts no more after `hold_s` seconds.
        """
        with self._database.write() as connection:
            now = self._database.now(connection)
            dead = sa.and_(commands.c.claim == claim, commands.c.due_at <= now)
            connection.execute(
                sa.update(commands)
                .where(dead)
                .values(claim=None, state="failed", settled_at=now, message="no answer was recorded")
            )
            held = {**_row(command), "state": "held", "claim": claim, "due_at": now + timedelta(seconds=hold_s)}
            insert = self._insert().values(held).returning(commands.c.id)
            return connection.execute(insert).first() is not None

    def settled(self, id: str, state: Literal["done", "failed"], message: str | None = None) -> None:
        """`settle` in a transaction of its own."""
        with self._database.write() as connection:
            self.settle(connection, id, state, message)

    def _insert(self) -> sa.Insert:
        """An INSERT that does nothing where another holds the claim."""
        if self._database.is_sqlite:
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(commands).on_conflict_do_nothing()
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(commands).on_conflict_do_nothing()

    def _due(
        self, connection: sa.Connection, limit: int, workflow_ids: Sequence[str], *, lock: bool = False
    ) -> list[int]:
        due = (
            sa.select(commands.c.command_no)
            .where(commands.c.state == "open", commands.c.due_at <= self._database.now(connection))
            .order_by(commands.c.command_no)
            .limit(limit)
        )
        if workflow_ids:
            due = due.where(commands.c.workflow_id.in_(workflow_ids))
        if lock:
            due = due.with_for_update(skip_locked=True)  # nothing on SQLite, which has one writer anyway
        return list(connection.execute(due).scalars())


def _row(command: Command) -> dict[str, Any]:
    return {
        "id": command.id,
        "kind": command.kind,
        "execution_id": command.execution_id,
        "workflow_id": command.workflow_id,
        "body": json.dumps(dict(command.body)),
        "state": command.state,
        "created_at": command.created_at,
        "due_at": command.due_at or command.created_at,
        "deliveries": 0,
    }


def _found(connection: sa.Connection, id: str, workflow_ids: Sequence[str]) -> Command | None:
    wanted = sa.select(commands).where(commands.c.id == id)
    if workflow_ids:
        wanted = wanted.where(commands.c.workflow_id.in_(workflow_ids))
    row = connection.execute(wanted).first()
    return None if row is None else _command(row)


def _command(row: sa.Row[Any]) -> Command:
    return Command(
        kind=row.kind,
        execution_id=row.execution_id,
        workflow_id=row.workflow_id,
        created_at=row.created_at,
        body=json.loads(row.body),
        id=row.id,
        state=row.state,
        due_at=row.due_at,
        deliveries=row.deliveries,
        settled_at=row.settled_at,
        message=row.message,
        engine_execution_id=row.engine_execution_id,
    )
