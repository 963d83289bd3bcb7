"""Changing records where they lie in the lake, past the hot store: under a claim, and with the events that it makes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from warehouse.errors import HotStoreError
from warehouse.hot import tick
from warehouse.hot.event_packing import NO_EVENTS, PackedEvents
from warehouse.hot.intents import abandon_intent, add_intent, claimed, intent_holds, promise_events, remove_intent
from warehouse.hot.look import Moved, Waiting
from warehouse.hot.pointers import live_among
from warehouse.hot.state import HotState
from warehouse.id_index import id_hashes
from warehouse.snapshot import Snapshot
from warehouse.tables import Change, LakeTables

Outcome = TypeVar("Outcome")


def change_in_lake(
    state: HotState,
    lake: LakeTables,
    ids: pa.Array,
    plan: Callable[[Snapshot], tuple[Change[Outcome], PackedEvents]],
    *,
    alone: bool = True,
) -> Outcome:
    """Make one change of the lake that touches these ids only, and write its events; what `plan` says came of it.

    Raises Moved when one of the ids is live in the hot store; with `alone` Waiting when another claims one of them.
    A crash at any moment leaves a claim that says what is to be settled: see intents.
    """
    intent_id = _claim(state, ids, alone=alone)
    events = NO_EVENTS
    may_be_committed = False

    def claimed_plan(snapshot: Snapshot) -> Change[Outcome]:
        nonlocal events, may_be_committed
        may_be_committed = False
        if not intent_holds(state.database, intent_id):
            raise Moved
        change, found = plan(snapshot)
        if found.rows or events.rows:
            markers = promise_events(state.database, intent_id, snapshot.version + 1, found)
            if markers is None:
                raise Moved
            change = replace(change, markers={**change.markers, **markers})
        events, may_be_committed = found, True
        return change

    try:
        outcome = lake.change(claimed_plan)
        with state.database.write() as connection:
            tick.tick(connection)
            remove_intent(state.database, connection, intent_id, events)
    except BaseException:
        with suppress(HotStoreError):
            _give_up(state, intent_id, may_be_committed=may_be_committed)
        raise
    return outcome


def _claim(state: HotState, ids: pa.Array, *, alone: bool) -> str:
    hashes = id_hashes(ids)
    with state.database.write() as connection:
        tick.tick(connection)
        if len(live_among(connection, ids)):
            raise Moved
        if alone and claimed(hashes, state.intents(connection)):
            raise Waiting
        return add_intent(state.database, connection, hashes)


def _give_up(state: HotState, intent_id: str, *, may_be_committed: bool) -> None:
    """After a failure. What became of a commit that was tried is not always known."""
    if may_be_committed:
        abandon_intent(state.database, intent_id)
        return
    with state.database.write() as connection:
        tick.tick(connection)
        remove_intent(state.database, connection, intent_id)
