"""A lease: one holder at a time of a named task, across processes, by the database's clock."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.tables import leases


def holder_name() -> str:
    """A name that no other holder has: the machine, the process, and chance."""
    return f"{_machine()}|{os.getpid()}|{_started(os.getpid())}|{secrets.token_hex(8)}"


def holder_is_gone(holder: str) -> bool:
    """Is the process of that name surely dead? Only its own machine can tell; elsewhere False."""
    machine, pid, started, _ = holder.split("|")
    return machine == _machine() and _started(int(pid)) != started


@cache
def _machine() -> str:
    """This machine since it was started, and which of its worlds of process numbers (containers have their own)."""
    world = Path("/proc/self/ns/pid").stat().st_ino if Path("/proc/self/ns/pid").exists() else 0
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()}/{boot.read_text().strip() if boot.exists() else ''}/{world}"


def _started(pid: int) -> str:
    """When the process began, in the kernel's ticks: a number may be given again. Empty: there is none of it."""
    try:
        # The name of the program stands in brackets and may hold anything; the start is 20 fields behind it.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _started_elsewhere(pid)
    return "" if state == "Z" else fields[18]


def _started_elsewhere(pid: int) -> str:
    """The same where the kernel has no /proc: only whether it lives."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"


@dataclass(slots=True)
class Lease:
    """The right to do `name` alone for `duration_s` seconds, renewable; who dies loses it when it expires."""

    database: Database
    name: str
    duration_s: float = 60.0
    holder: str = field(default_factory=holder_name)

    def acquire(self) -> bool:
        """Take it, or renew it when it is ours; False: another holds it."""
        with self.database.write() as connection:
            return self.acquire_in(connection)

    def acquire_in(self, connection: sa.Connection) -> bool:
        """The same inside a transaction of the caller's."""
        now = self.database.now(connection)
        until = now + timedelta(seconds=self.duration_s)
        free = sa.or_(leases.c.holder == self.holder, leases.c.expires_at <= now)
        other = connection.execute(sa.select(leases.c.holder).where(leases.c.name == self.name)).scalar_one_or_none()
        if other is not None and holder_is_gone(other):
            free = sa.or_(free, leases.c.holder == other)
        taken = connection.execute(
            sa.update(leases).where(leases.c.name == self.name, free).values(holder=self.holder, expires_at=until)
        )
        if taken.rowcount:
            return True
        insert = self._insert().values(name=self.name, holder=self.holder, expires_at=until)
        return connection.execute(insert.returning(leases.c.name)).first() is not None

    def held_in(self, connection: sa.Connection) -> bool:
        """Is it still ours? Locks it for this transaction, so that nobody takes it before the commit."""
        now = self.database.now(connection)
        mine = sa.and_(leases.c.name == self.name, leases.c.holder == self.holder, leases.c.expires_at > now)
        return bool(connection.execute(sa.update(leases).where(mine).values(holder=self.holder)).rowcount)

    def release(self) -> None:
        """Give it back; nothing happens when it is not ours any more."""
        with self.database.write() as connection:
            connection.execute(sa.delete(leases).where(leases.c.name == self.name, leases.c.holder == self.holder))

    def _insert(self) -> sa.Insert:
        if self.database.is_sqlite:
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(leases).on_conflict_do_nothing()
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(leases).on_conflict_do_nothing()
