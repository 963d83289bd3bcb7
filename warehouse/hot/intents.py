"""Claims of those who bring ids straight into the lake, past the hot store: so that no id is ever live in both.

A claim is made in a transaction that sees that none of its ids is live in the hot store; hot writers of those ids
wait until it is gone. Before it commits to the lake its holder looks whether the claim still holds. Whoever finds a
claim whose holder died revokes it, moves the lake on by a commit of its own (so that a commit planned before must be
planned again, and sees the revocation), and only then takes the claim away.

A commit to the lake can make events. They are written with the claim before it, together with the version that the
commit will make; the commit carries a number of the claim's; and they get their own numbers in the transaction that
takes the claim away. Whoever takes away a dead holder's claim asks that version of the lake whether it carries the
number: so there are events exactly where there was a commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from warehouse.hot import tick
from warehouse.hot.database import Database
from warehouse.hot.event_log import add_events
from warehouse.hot.event_packing import NO_EVENTS, PackedEvents
from warehouse.hot.lease import holder_is_gone, holder_name
from warehouse.hot.tables import hot_intents
from warehouse.tables import Change, LakeTables

Hashes = npt.NDArray[np.uint64]

LASTS_S: Final = 600.0
"""After so long a claim may be revoked though its holder lives; it loses nothing but its work."""
BARRIER_MARKER: Final = "runlake.barrier"
EVENTS_MARKER: Final = "runlake.events"
_NONE: Final = {"lake_version": None, "event_rows": None, "events": None}


def open_intents(connection: sa.Connection, known: dict[str, Hashes]) -> dict[str, Hashes]:
    """All claims: sorted hashes by intent_id; `known` ones are not read again."""
    ids = list(connection.execute(sa.select(hot_intents.c.intent_id)).scalars())
    new = [one for one in ids if one not in known]
    read: dict[str, Hashes] = {}
    if new:
        wanted = sa.select(hot_intents.c.intent_id, hot_intents.c.id_hashes).where(hot_intents.c.intent_id.in_(new))
        read = {one: np.frombuffer(data, "<u8") for one, data in connection.execute(wanted)}
    return {one: read[one] if one in read else known[one] for one in ids}


def claimed(hashes: Hashes, intents: Collection[Hashes]) -> bool:
    """Does any claim cover any of these ids?"""
    return any(bool(np.isin(hashes, one).any()) for one in intents)


def add_intent(database: Database, connection: sa.Connection, hashes: Hashes) -> str:
    """A new claim on these ids; its intent_id."""
    intent_id = secrets.token_hex(12)
    connection.execute(
        sa.insert(hot_intents),
        [
            {
                "intent_id": intent_id,
                "holder": holder_name(),
                "id_hashes": np.sort(hashes).astype("<u8").tobytes(),
                "expires_at": database.now(connection) + timedelta(seconds=LASTS_S),
                "revoked": False,
            }
        ],
    )
    return intent_id


def intent_holds(database: Database, intent_id: str) -> bool:
    """May its holder still commit?"""
    with database.read() as connection:
        wanted = sa.select(hot_intents.c.revoked).where(hot_intents.c.intent_id == intent_id)
        return connection.execute(wanted).scalar_one_or_none() is False


def promise_events(
    database: Database, intent_id: str, lake_version: int, events: PackedEvents
) -> dict[str, int] | None:
    """Note the events of the commit that will make this version of the lake; the markers that it must carry.

    None: the claim was revoked, so there must be no commit.
    """
    pending = {"lake_version": lake_version, "event_rows": events.rows, "events": events.data} if events.rows else _NONE
    with database.write() as connection:
        mine = sa.and_(hot_intents.c.intent_id == intent_id, hot_intents.c.revoked.is_(False))
        if not connection.execute(sa.update(hot_intents).where(mine).values(pending)).rowcount:
            return None
    return {EVENTS_MARKER: _number(intent_id)} if events.rows else {}


def remove_intent(
    database: Database, connection: sa.Connection, intent_id: str, events: PackedEvents = NO_EVENTS
) -> None:
    """Take the claim away; after `tick`. What it covered may be in the lake now, and these events have come true.

    Nothing happens where another has taken it away (and settled its events) already.
    """
    gone = connection.execute(sa.delete(hot_intents).where(hot_intents.c.intent_id == intent_id)).rowcount
    tick.lake_changed(connection)
    if gone and events.rows:
        add_events(database, connection, events)


def abandon_intent(database: Database, intent_id: str) -> None:
    """Leave the claim to whoever comes next: its holder does not know what became of its commit."""
    with database.write() as connection:
        now = database.now(connection)
        connection.execute(sa.update(hot_intents).where(hot_intents.c.intent_id == intent_id).values(expires_at=now))


def settle_dead_intents(database: Database, lake: LakeTables) -> int:
    """Take away the claims whose holders died or took too long; how many. Cheap when there are none."""
    with database.read() as connection:
        now = database.now(connection)
        columns = (hot_intents.c.intent_id, hot_intents.c.holder, hot_intents.c.expires_at)
        rows = connection.execute(sa.select(*columns)).all()
    dead = [one for one, holder, expires_at in rows if expires_at <= now or holder_is_gone(holder)]
    for intent_id in dead:
        with database.write() as connection:
            tick.tick(connection)
            connection.execute(sa.update(hot_intents).where(hot_intents.c.intent_id == intent_id).values(revoked=True))
        lake.change(lambda snapshot: Change(None, markers={BARRIER_MARKER: snapshot.version + 1}))
        events = _events_of(database, lake, intent_id)
        with database.write() as connection:
            tick.tick(connection)
            remove_intent(database, connection, intent_id, events)
    return len(dead)


def _events_of(database: Database, lake: LakeTables, intent_id: str) -> PackedEvents:
    """The events that have come true of a claim whose holder can commit no more."""
    columns = (hot_intents.c.lake_version, hot_intents.c.event_rows, hot_intents.c.events)
    with database.read() as connection:
        found = connection.execute(sa.select(*columns).where(hot_intents.c.intent_id == intent_id)).first()
    if found is None or found.events is None:
        return NO_EVENTS
    committed = lake.marker_at(found.lake_version, EVENTS_MARKER) == _number(intent_id)
    return PackedEvents(found.event_rows, found.events) if committed else NO_EVENTS


def _number(intent_id: str) -> int:
    """The claim's own number, of 60 bits."""
    return int(intent_id[:15], 16)
