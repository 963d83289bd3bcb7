"""The hot store's own counters, and the order they give to its transactions."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from warehouse.hot.tables import hot_clock


@dataclass(frozen=True, slots=True)
class Tick:
    """The one row of hot_clock as a transaction saw or made it; see there."""

    change_no: int
    seal_no: int
    purged_seal_no: int
    forgotten_change_no: int
    lake_no: int
    event_no: int


_COLUMNS = (
    hot_clock.c.change_no,
    hot_clock.c.seal_no,
    hot_clock.c.purged_seal_no,
    hot_clock.c.forgotten_change_no,
    hot_clock.c.lake_no,
    hot_clock.c.event_no,
)
_SELECT = sa.select(*_COLUMNS)
_NEXT = (
    sa.update(hot_clock)
    .values(
        change_no=hot_clock.c.change_no + 1, event_no=hot_clock.c.event_no + sa.bindparam("events", type_=sa.Integer)
    )
    .returning(*_COLUMNS)
)


def look(connection: sa.Connection) -> Tick:
    """As it stands."""
    return Tick(*connection.execute(_SELECT).one())


def tick(connection: sa.Connection, *, events: int = 0) -> Tick:
    """The next change number, and that of the last of so many events, which this transaction must write.

    Everybody else who changes the hot tier waits until this transaction ends.
    """
    return Tick(*connection.execute(_NEXT, {"events": events}).one())


def put(connection: sa.Connection, **values: int) -> None:
    """Set counters; only after `tick` in the same transaction."""
    connection.execute(sa.update(hot_clock).values(**values))


def lake_changed(connection: sa.Connection) -> None:
    """Say that ids went into the lake; only after `tick` in the same transaction."""
    connection.execute(sa.update(hot_clock).values(lake_no=hot_clock.c.lake_no + 1))
