"""The event log: what became true, in the order in which it was committed; readers follow it by its numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa
import sqlalchemy as sa

from warehouse.hot.database import Database
from warehouse.hot.event_packing import PackedEvents, pack_new, unpack
from warehouse.hot.event_schema import NewEvent
from warehouse.hot.event_tables import hot_events
from warehouse.hot.metadata import to_us
from warehouse.hot.tables import hot_clock

READ_ROWS: Final = 10_000
_FORGET_AT_A_TIME: Final = 1_000
"""Rows of hot_events that one transaction takes away, since writers wait for it."""
_LOG: Final = logging.getLogger("runlake.events")


@dataclass(frozen=True, slots=True)
class EventGauges:
    """How full the log is."""

    newest_no: int
    oldest_no: int
    """First number still kept; newest_no + 1 when none is."""
    oldest_at: datetime | None
    """When that one was written. None: none is kept."""


class EventLog:
    """The events of a hot store. Safe to share between threads; any number of them on one database say the same.

    Numbers begin with 1, have no gaps and are in the order of commits: who has read up to n misses none up to n.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> int:
        """Number of the newest event; 0: there never was one. One look at one row: some 0.3 ms."""
        with self._database.read() as connection:
            found: int = connection.execute(_NEWEST).scalar_one()
        return found

    def oldest(self) -> int:
        """Number of the first event that is still kept; newest() + 1 when none is."""
        with self._database.read() as connection:
            return _oldest(connection)

    def read(self, after_no: int, *, limit: int = READ_ROWS) -> pa.Table:
        """Events (EVENTS) with higher numbers than this, in their order.

        Whole transactions of them: at least one, where there is any, and more until there are `limit` events. So
        there can be more than `limit`; none at all means that `after_no` is the newest (or a higher number).
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}; it must be 1 or more")
        with self._database.read() as connection:
            found = connection.execute(_READ, {"after_no": after_no, "until_no": after_no + limit}).all()
        events = unpack((first_no, data) for first_no, data in found)
        return events.slice(max(0, after_no + 1 - found[0].first_no)) if found else events

    def after_time(self, at: datetime) -> int:
        """Number of the last event whose transaction was written before `at`; reading after it replays since then.

        Where all of these are forgotten: the number before the oldest. Some 20 look-ups by primary key.
        """
        with self._database.read() as connection:
            return _last_before(connection, at)

    def append(self, connection: sa.Connection, events: Sequence[NewEvent]) -> int:
        """Write events inside the caller's write transaction; the number of the last one (of the newest, if none).

        Everybody else who makes events waits from here on until that transaction ends.
        """
        if not events:
            return int(connection.execute(_NEWEST).scalar_one())
        return add_events(self._database, connection, pack_new(events))

    def forget(self, before: datetime) -> int:
        """Take away the events that were written before this instant; how many. The newest number stays what it is."""
        upto = self.after_time(before)
        gone = 0
        while self.oldest() <= upto:
            with self._database.write() as connection:
                numbers = connection.execute(_OLDEST, {"upto": upto}).scalars().all()
                if not numbers:  # another process was at it too
                    break
                taken = sa.delete(hot_events).where(hot_events.c.last_no <= numbers[-1]).returning(hot_events.c.rows)
                gone += sum(connection.execute(taken).scalars())
        return gone

    def gauges(self) -> EventGauges:
        """Which numbers are kept; as cheap as newest()."""
        columns = (hot_events.c.first_no, hot_events.c.written_at)
        with self._database.read() as connection:
            newest_no = int(connection.execute(_NEWEST).scalar_one())
            first = connection.execute(sa.select(*columns).order_by(hot_events.c.last_no).limit(1)).first()
        return EventGauges(newest_no, newest_no + 1, None) if first is None else EventGauges(newest_no, *first)

    def on_written(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each commit of this process that made events; call the answer to end that.

        It runs in the thread that wrote, through whichever EventLog of the same Database, and must be quick; what it
        raises is logged and goes no further. Other processes' events are not told: look at newest() for those.
        """

        def told() -> None:
            try:
                callback()
            except Exception:  # noqa: BLE001 - whatever it is, the write has succeeded
                _LOG.exception("a listener for events failed")

        def end() -> None:
            with suppress(ValueError):
                self._database.event_listeners.remove(told)

        self._database.event_listeners.append(told)
        return end


def _oldest(connection: sa.Connection) -> int:
    first = connection.execute(_FIRST).scalar_one_or_none()
    return int(connection.execute(_NEWEST).scalar_one()) + 1 if first is None else int(first)


def _last_before(connection: sa.Connection, at: datetime) -> int:
    """By bisection, since rows are as old as their numbers say: an index would cost every writer a page."""
    low, high = _oldest(connection), int(connection.execute(_NEWEST).scalar_one()) + 1
    while low < high:  # events before low were written before `at`, those from high on were not
        row = connection.execute(_HOLDS, {"event_no": (low + high) // 2}).one()
        if row.written_at < at:
            low = row.last_no + 1
        else:
            high = row.first_no
    return low - 1


def add_events(database: Database, connection: sa.Connection, packed: PackedEvents) -> int:
    """Give these events (at least one) their numbers and write them; the last number. After `tick`, or in its place."""
    taken = sa.update(hot_clock).values(event_no=hot_clock.c.event_no + packed.rows).returning(hot_clock.c.event_no)
    last_no: int = connection.execute(taken).scalar_one()
    put_events(database, connection, packed, last_no)
    return last_no


def put_events(database: Database, connection: sa.Connection, packed: PackedEvents, last_no: int) -> None:
    """Write events whose last number is `last_no`, in the transaction in which hot_clock.event_no came to be that."""
    row = {"last": last_no, "first": last_no - packed.rows + 1, "count": packed.rows, "data": packed.data}
    if database.is_sqlite:
        connection.execute(_PUT_AT, row | {"now_us": to_us(database.now(connection))})
    else:
        connection.execute(_PUT, row)
    database.events_written(connection)


def _put(now_us: sa.ColumnElement[int]) -> sa.Insert:
    """An INSERT whose written_at never goes back, though the clock may: the log is searched by either."""
    written_us = sa.type_coerce(hot_events.c.written_at, sa.BigInteger)
    newest = sa.select(written_us).order_by(hot_events.c.last_no.desc()).limit(1).scalar_subquery()
    return sa.insert(hot_events).from_select(
        ["last_no", "first_no", "written_at", "rows", "events"],
        sa.select(
            sa.bindparam("last", type_=sa.BigInteger),
            sa.bindparam("first", type_=sa.BigInteger),
            sa.case((newest > now_us, newest), else_=now_us),
            sa.bindparam("count", type_=sa.Integer),
            sa.bindparam("data", type_=sa.LargeBinary),
        ),
    )


_PUT_AT: Final = _put(sa.bindparam("now_us", type_=sa.BigInteger))
_PUT: Final = _put(sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger))
_NEWEST: Final = sa.select(hot_clock.c.event_no)
_FIRST: Final = sa.select(hot_events.c.first_no).order_by(hot_events.c.last_no).limit(1)
_HOLDS: Final = (
    sa.select(hot_events.c.last_no, hot_events.c.first_no, hot_events.c.written_at)
    .where(hot_events.c.last_no >= sa.bindparam("event_no", type_=sa.BigInteger))
    .order_by(hot_events.c.last_no)
    .limit(1)
)
"""The row that the event of this number lies in."""
_OLDEST: Final = (
    sa.select(hot_events.c.last_no)
    .where(hot_events.c.last_no <= sa.bindparam("upto", type_=sa.BigInteger))
    .order_by(hot_events.c.last_no)
    .limit(_FORGET_AT_A_TIME)
)
_REACHES: Final = (
    sa.select(hot_events.c.last_no)
    .where(hot_events.c.last_no >= sa.bindparam("until_no", type_=sa.BigInteger))
    .order_by(hot_events.c.last_no)
    .limit(1)
    .scalar_subquery()
)
_READ: Final = (
    sa.select(hot_events.c.first_no, hot_events.c.events)
    .where(
        hot_events.c.last_no > sa.bindparam("after_no", type_=sa.BigInteger),
        hot_events.c.last_no <= sa.func.coalesce(_REACHES, sa.bindparam("until_no", type_=sa.BigInteger)),
    )
    .order_by(hot_events.c.last_no)
)
