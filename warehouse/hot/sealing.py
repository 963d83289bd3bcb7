"""Finished executions from the hot store into the lake, exactly once through crashes.

(1) One transaction gives the records to be moved the next seal number. (2) They are written to the lake, and the
commit carries the number. (3) One transaction takes them out of the hot store and says so. Who dies before (2) is
done leaves a set that the next sealer writes; who dies after it leaves a number in the lake that says so, and the
next sealer only does (3). Nobody changes a record between (1) and (3).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from warehouse.duck import Session
from warehouse.hot import tick
from warehouse.hot.batches import read_batches, release_rows
from warehouse.hot.intents import settle_dead_intents
from warehouse.hot.lease import Lease
from warehouse.hot.pointers import Pointer, by_batch, counted
from warehouse.hot.state import HotState
from warehouse.hot.tables import hot_batches, hot_executions
from warehouse.hot.trim import trim
from warehouse.merge import UNCHANGED, WriteOutcomes, joined
from warehouse.schema import TABLES, Batch
from warehouse.snapshot import Snapshot
from warehouse.tables import Change, LakeTables
from warehouse.upsert import plan_write

LEASE_S: Final = 120.0
"""Two sealers at once would only do the same work twice, so nothing hangs on it."""
ROWS_MAX: Final = 200_000
BYTES_MAX: Final = 64 << 20
"""What one seal takes at most, in executions and in encoded bytes (unpacked some ten times as much in memory)."""
TRACE_KEPT_S: Final = 3600.0
"""How long a deletion is told to readers who come back."""

_SEALABLE: Final = sa.and_(
    hot_executions.c.finished.is_(True), hot_executions.c.seal_no.is_(None), hot_executions.c.deleted.is_(False)
)


@dataclass(frozen=True, slots=True)
class SealReport:
    """What one call of `seal` did."""

    seals: int = 0
    """Commits to the lake; 0: there was nothing to do, or another sealer is at it."""
    rows: int = 0
    """Executions that are in the lake now."""
    elapsed_s: float = 0.0


def seal(state: HotState, lake: LakeTables, *, min_rows: int = 1, min_age_s: float | None = None) -> SealReport:
    """Move finished executions to the lake, when there are enough of them or the oldest waits long enough."""
    started_s = time.perf_counter()
    settle_dead_intents(state.database, lake)  # their events wait for it, and perhaps nobody else comes by
    lake.watch(state.seal_marker)
    lease = Lease(state.database, "sealer", LEASE_S)
    if not _due(state, min_rows, min_age_s) or not lease.acquire():
        return SealReport(elapsed_s=time.perf_counter() - started_s)
    try:
        rows = _finish(state, lake)  # of a sealer that died
        seals = 1 if rows else 0
        more = True
        while more:
            taken, more = _begin(state, lake)
            if taken:
                rows += _finish(state, lake)
                seals += 1
                lease.acquire()
    finally:
        lease.release()
    trim(state)
    return SealReport(seals, rows, time.perf_counter() - started_s)


def recover(state: HotState, lake: LakeTables) -> None:
    """Finish the seal that somebody left behind; nothing happens while its sealer lives."""
    with state.database.read() as connection:
        now = tick.look(connection)
    if now.seal_no == now.purged_seal_no:
        return
    lake.watch(state.seal_marker)
    lease = Lease(state.database, "sealer", LEASE_S)
    if lease.acquire():
        try:
            _finish(state, lake)
        finally:
            lease.release()


def _due(state: HotState, min_rows: int, min_age_s: float | None) -> bool:
    with state.database.read() as connection:
        now = tick.look(connection)
        if now.seal_no != now.purged_seal_no:
            return True
        columns = (sa.func.count(), sa.func.min(sa.type_coerce(hot_executions.c.written_at, sa.BigInteger)))
        rows, oldest_us = connection.execute(sa.select(*columns).where(_SEALABLE)).one()
        if not rows:
            return False
        if rows >= min_rows:
            return True
        return min_age_s is not None and _age_s(state, connection, oldest_us) >= min_age_s


def _age_s(state: HotState, connection: sa.Connection, written_us: int) -> float:
    return state.database.now(connection).timestamp() - written_us / 1e6


def _begin(state: HotState, lake: LakeTables) -> tuple[int, bool]:
    """(1): how many records got the next seal number, and whether there are more for another one."""
    marker = lake.snapshot().marker(state.seal_marker)
    with state.database.write() as connection:
        now = tick.tick(connection)
        if now.seal_no != now.purged_seal_no:
            return 0, False  # another sealer began meanwhile
        # A store brought back from a backup may be behind the lake: a number is never used twice.
        seal_no = max(now.seal_no, marker) + 1
        batch_nos, more = _batches_to_seal(connection)
        if not batch_nos:
            return 0, False
        taken = connection.execute(
            sa.update(hot_executions)
            .where(_SEALABLE, hot_executions.c.batch_no <= batch_nos[-1])
            .values(seal_no=seal_no, change_no=now.change_no)
        )
        tick.put(connection, seal_no=seal_no)
        return taken.rowcount, more


def _batches_to_seal(connection: sa.Connection) -> tuple[list[int], bool]:
    """The oldest batches with records to be sealed, as many as one seal takes, ascending; whether there are more."""
    counts = (
        sa.select(hot_executions.c.batch_no, sa.func.count().label("rows"))
        .where(_SEALABLE)
        .group_by(hot_executions.c.batch_no)
        .subquery()
    )
    wanted = (
        sa.select(counts.c.batch_no, counts.c.rows, hot_batches.c.size_bytes)
        .join(hot_batches, hot_batches.c.batch_no == counts.c.batch_no)
        .order_by(counts.c.batch_no)
    )
    found: list[int] = []
    rows = size_bytes = 0
    for batch_no, batch_rows, batch_bytes in connection.execute(wanted):
        rows, size_bytes = rows + batch_rows, size_bytes + batch_bytes
        if found and (rows > ROWS_MAX or size_bytes > BYTES_MAX):
            return found, True
        found.append(batch_no)
    return found, False


def _finish(state: HotState, lake: LakeTables) -> int:
    """(2) and (3) of the seal that is under way; how many records went to the lake or were found there."""
    with state.database.read() as connection:
        now = tick.look(connection)
    if now.seal_no == now.purged_seal_no:
        return 0
    if lake.snapshot().marker(state.seal_marker) < now.seal_no:
        _write(state, lake, now.seal_no)
    return _purge(state, now.seal_no)


def _write(state: HotState, lake: LakeTables, seal_no: int) -> None:
    """(2)"""
    with state.database.read() as connection:
        if tick.look(connection).purged_seal_no >= seal_no:
            return  # another sealer has done it all meanwhile
        pointers = _sealed(connection, seal_no)
        wanted = by_batch(pointers)
        batches = read_batches(connection, list(wanted))
    parts = []
    for number, records in wanted.items():
        tables = batches.pop(number).records(records)
        parts.append(Batch(*(tables[table] for table in TABLES)))
    batch = joined(parts)
    del parts
    session = lake.session.fork()
    try:
        lake.change(lambda snapshot: _plan(state, lake, session, snapshot, batch, seal_no))
    finally:
        session.close()


def _plan(
    state: HotState, lake: LakeTables, session: Session, snapshot: Snapshot, batch: Batch, seal_no: int
) -> Change[WriteOutcomes]:
    if snapshot.marker(state.seal_marker) >= seal_no:
        return Change(WriteOutcomes.all_of(batch.executions, UNCHANGED))
    return replace(plan_write(lake, session, snapshot, batch), markers={state.seal_marker: seal_no})


def _purge(state: HotState, seal_no: int) -> int:
    """(3): how many records left the hot store."""
    with state.database.write() as connection:
        now = tick.tick(connection)
        pointers = _sealed(connection, seal_no)
        connection.execute(sa.delete(hot_executions).where(hot_executions.c.seal_no == seal_no))
        release_rows(connection, counted(pointers))
        tick.put(connection, purged_seal_no=max(now.purged_seal_no, seal_no))
        tick.lake_changed(connection)
        _forget_deletions(state, connection, now)
    return len(pointers)


def _sealed(connection: sa.Connection, seal_no: int) -> Sequence[Pointer]:
    columns = ("id", "change_no", "batch_no", "record_no", "seal_no", "deleted")
    wanted = sa.select(*(hot_executions.c[name] for name in columns)).where(hot_executions.c.seal_no == seal_no)
    return [Pointer(*row) for row in connection.execute(wanted)]


def _forget_deletions(state: HotState, connection: sa.Connection, now: tick.Tick) -> None:
    """Take away the traces of deletions that every reader has seen, or must read all anew to see."""
    before = state.database.now(connection) - timedelta(seconds=TRACE_KEPT_S)
    old = sa.and_(hot_executions.c.deleted.is_(True), hot_executions.c.written_at < before)
    newest = connection.execute(sa.select(sa.func.max(hot_executions.c.change_no)).where(old)).scalar_one()
    if newest is not None:
        connection.execute(sa.delete(hot_executions).where(old))
        tick.put(connection, forgotten_change_no=max(now.forgotten_change_no, newest))
