"""Records into the hot store: merged with what is there, durable when it returns; those the lake holds go there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from warehouse.duck import Session
from warehouse.errors import ExecutionEndedError
from warehouse.hot import tick
from warehouse.hot.batches import HotBatch, encode_batch, insert_batch, release_rows
from warehouse.hot.claimed_change import change_in_lake
from warehouse.hot.event_log import put_events
from warehouse.hot.event_packing import NO_EVENTS, PackedEvents, pack
from warehouse.hot.intents import claimed
from warehouse.hot.look import Look, Moved, Waiting, ids_in_lake, look_at
from warehouse.hot.pointers import counted, statuses_of, write_pointers
from warehouse.hot.state import HotState
from warehouse.hot.transitions import transitions
from warehouse.hot.wait import Patience
from warehouse.id_index import id_hashes
from warehouse.merge import NEW, UNCHANGED, WriteOutcomes, merge, records_of
from warehouse.merge_details import flat
from warehouse.rewrite import rows_of
from warehouse.schema import EXECUTIONS, FINISHED, TABLES, Batch, TableName, batch_schema
from warehouse.snapshot import Snapshot
from warehouse.tables import Change, LakeTables
from warehouse.upsert import Written, plan_write

Also = Callable[[sa.Connection], None]
"""What else must be true exactly when the records are: runs in their transaction, again when that is tried again."""

_NEW_BATCH: Final = 0
"""The number of a batch before its transaction gave it one."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one transaction has to write."""

    outcomes: WriteOutcomes
    look: Look
    executions: pa.Table | None
    """record_no and the columns of `executions`: what pointers are made of. None: there is nothing to write."""
    batch: HotBatch | None
    events: PackedEvents = NO_EVENTS


def write(
    state: HotState, lake: LakeTables, batch: Batch, also: Also | None = None, unfinished: frozenset[str] = frozenset()
) -> WriteOutcomes:
    """Upsert a batch by id; see HotStore.write."""
    state.meet(lake)
    total = WriteOutcomes.all_of(batch.executions, UNCHANGED)
    if not batch.executions.num_rows:
        _do(state, also)
        return total
    rest = batch
    patience = Patience(state, lake)
    while True:
        try:
            look = look_at(state, lake, _ids(rest))
            if look.in_lake:
                mine = pc.is_in(rest.executions["id"], value_set=pa.array(sorted(look.in_lake), pa.string()))
                hot_too = rest.executions.filter(pc.invert(mine))
                last = None if hot_too.num_rows else also
                part = records_of(rest, rest.executions.filter(mine))
                note_part(total, write_to_lake(state, lake, part, last, unfinished & look.in_lake))
                unfinished -= look.in_lake
                if not hot_too.num_rows:
                    return total
                rest = records_of(rest, hot_too)
                continue
            note_part(total, _write_hot(state, lake, rest, look, also, unfinished))
            return total
        except Waiting:
            patience.wait()
        except Moved:
            patience.again()


def write_to_lake(
    state: HotState,
    lake: LakeTables,
    batch: Batch,
    also: Also | None = None,
    unfinished: frozenset[str] = frozenset(),
    *,
    news: bool = True,
) -> WriteOutcomes:
    """Upsert records straight into the lake, under a claim; without `news` no events are made of them.

    Raises Moved when one of them is live in the hot store, Waiting when another is about to change one.
    """
    with lake.lent_session() as session:

        def plan(snapshot: Snapshot) -> tuple[Change[WriteOutcomes], PackedEvents]:
            _require_unfinished(unfinished, _statuses_in(session, lake, snapshot, unfinished))
            written: list[Written] = []
            change = plan_write(lake, session, snapshot, batch, written.append if news else None)
            events = [transitions(one.executions, one.node_runs, one.before, one.nodes_before) for one in written]
            return change, pack(events[0]) if events else NO_EVENTS

        outcomes = change_in_lake(state, lake, flat(pc.unique(batch.executions["id"])), plan, alone=news)
    _do(state, also)
    return outcomes


def _write_hot(
    state: HotState, lake: LakeTables, batch: Batch, look: Look, also: Also | None, unfinished: frozenset[str]
) -> WriteOutcomes:
    plan = _plan(lake, batch, look)
    if plan.executions is None:
        if also is not None:
            with state.database.write() as connection:
                _require_unfinished(unfinished, statuses_of(connection, unfinished))
                also(connection)
        return plan.outcomes
    with state.database.write() as connection:
        change_no = _commit(state, lake, connection, plan, unfinished)
        if also is not None:
            also(connection)
    assert plan.batch is not None
    state.cache.put(change_no, HotBatch(change_no, plan.batch.data))
    return plan.outcomes


def _plan(lake: LakeTables, batch: Batch, look: Look) -> _Plan:
    """What the records become, held against what the look found."""
    if not look.live and len(_ids(batch)) == batch.executions.num_rows:
        outcomes = WriteOutcomes.all_of(batch.executions, NEW)
        return _planned(outcomes, look, batch, EXECUTIONS.empty_table())
    with lake.lent_session() as session:
        return _merged(session, batch, look)


def _merged(session: Session, batch: Batch, look: Look) -> _Plan:
    def details_of(table: TableName, merged: pa.Table) -> pa.Table:
        return look.rows(table, merged["id"].to_pylist())

    before = look.rows("executions", list(look.live))
    found = merge(session, batch, lambda _: before, details_of, whole=True)
    if not found.changes:
        return _Plan(found.outcomes, look, None, None)
    if found.merged is None:
        return _planned(found.outcomes, look, batch, before)
    assert found.touched is not None
    rows = pa.concat_tables([part.select(EXECUTIONS.names).cast(EXECUTIONS) for part in (found.fresh, found.touched)])
    ids = rows["id"].combine_chunks()
    tables = {"executions": _numbered("executions", rows, pa.array(np.arange(len(ids)), pa.int64()))}
    for table in TABLES[1:]:
        assert found.details is not None
        details, _ = found.details.rows(table)
        number = pc.index_in(details["execution_id"], value_set=ids)
        kept = pc.is_valid(number)
        tables[table] = _numbered(table, details.filter(kept), number.filter(kept).cast(pa.int64()))
    return _planned(found.outcomes, look, Batch(*(tables[table] for table in TABLES)), before)


def _planned(outcomes: WriteOutcomes, look: Look, new: Batch, before: pa.Table) -> _Plan:
    """To write these records, whole; `before`: what the look found of them."""
    events = transitions(new.executions, new.node_runs, before, lambda ids: look.rows("node_runs", ids.to_pylist()))
    return _Plan(outcomes, look, new.executions, encode_batch(_NEW_BATCH, new), pack(events))


def _commit(
    state: HotState, lake: LakeTables, connection: sa.Connection, plan: _Plan, unfinished: frozenset[str]
) -> int:
    """Write what was planned, if all that was looked at still holds; the number of the change."""
    assert plan.executions is not None
    assert plan.batch is not None
    ids = plan.executions["id"].to_pylist()
    now = tick.tick(connection, events=plan.events.rows)
    _require_unfinished(unfinished, statuses_of(connection, unfinished))
    if claimed(id_hashes(ids), state.intents(connection)):
        raise Waiting
    seen = {id_: pointer for id_ in ids if (pointer := plan.look.pointers.get(id_)) is not None}
    elsewhere = [id_ for id_ in ids if id_ not in seen or seen[id_].deleted]
    # Looked at again under the lock: nobody can bring anything there past us before we commit.
    if now.lake_no != plan.look.lake_no and ids_in_lake(lake, elsewhere):
        raise Moved
    if not write_pointers(state.database, connection, plan.executions, seen, change_no=now.change_no):
        raise Moved
    insert_batch(connection, HotBatch(now.change_no, plan.batch.data), len(ids))
    release_rows(connection, counted(list(seen.values())))
    if plan.events.rows:
        put_events(state.database, connection, plan.events, now.event_no)
    return now.change_no


def _require_unfinished(ids: frozenset[str], statuses: dict[str, str]) -> None:
    ended = {id_: statuses.get(id_) for id_ in ids if statuses.get(id_, FINISHED[0]) in FINISHED}
    if ended:
        raise ExecutionEndedError(ended)


def _statuses_in(session: Session, lake: LakeTables, snapshot: Snapshot, ids: frozenset[str]) -> dict[str, str]:
    """Status by id, of those that the lake holds."""
    if not ids:
        return {}
    wanted = pa.array(sorted(ids), pa.string())
    files = lake.id_index.candidates(session, snapshot.files["executions"], wanted)
    rows = rows_of(session, "executions", list(files), wanted)
    return dict(zip(rows["id"].to_pylist(), rows["status"].to_pylist(), strict=True))


def _numbered(table: TableName, rows: pa.Table, numbers: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.add_column(0, batch_schema(table).field(0), numbers).cast(batch_schema(table))


def _do(state: HotState, also: Also | None) -> None:
    """What else there is to do, where no record is written with it."""
    if also is not None:
        with state.database.write() as connection:
            also(connection)


def note_part(total: WriteOutcomes, part: WriteOutcomes) -> None:
    """The outcomes of some of the records into those of all."""
    order = np.argsort(total.record_no, kind="stable")
    places = order[np.searchsorted(total.record_no[order], part.record_no)]
    total.outcome[places] = part.outcome


def _ids(batch: Batch) -> list[str]:
    found: list[str] = pc.unique(batch.executions["id"]).to_pylist()
    return found
