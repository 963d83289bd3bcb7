"""What became true with a write: events out of the rows before it and the rows after it. Pure, a column at a time.

of an execution     event
------------------  ------------------------------------------------------------------------------------------
new, or its status  execution.queued | .started (running) | .completed (success) | .failed | .cancelled | .timeout:
became another      one, of the status it has now; of one that had ended when it was first seen its ending alone
a node run ended    node.completed; again only when its status became that of another ending
new, with retry_of  execution.retried, of the execution that it repeats
gone                execution.deleted

Those of one execution follow each other, in this order: retried, queued or started, its node runs, its ending.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.hot.event_packing import stored
from warehouse.hot.event_schema import EVENT_TYPES, MESSAGE_CHARS, STATUS_EVENTS, EventType
from warehouse.hot.json_members import Column, constant
from warehouse.merge_details import flat
from warehouse.schema import FINISHED, INSTANT

StoredNodes = Callable[[pa.Array], pa.Table]
"""ids -> the node runs that these executions had (columns of NODE_RUNS)."""
Part = tuple[pa.Table, npt.NDArray[np.int64]]
"""Events, and beside them what they are ordered by: see _order."""

_FINISHED: Final = pa.array(FINISHED, pa.string())
_STATUSES: Final = pa.array([*FINISHED, *(one for one in STATUS_EVENTS if one not in FINISHED)], pa.string())
_KINDS: Final = np.array([EVENT_TYPES.index(STATUS_EVENTS[one]) for one in _STATUSES.to_pylist()], np.int8)
_RETRIED, _BEGUN, _NODES, _ENDED = range(4)
"""Order of the events of one execution."""
_ABOUT: Final = ("workflow_id", "workflow_name", "status", "mode")


def transitions(executions: pa.Table, node_runs: pa.Table, before: pa.Table, nodes_before: StoredNodes) -> pa.Table:
    """Events (event_packing.STORED) of a write, in the order of its executions.

    executions: as they are now, an id once; node_runs: those that are written with them, all of an execution or none;
    before: the same executions as they were, those that there were. 0.5 ms for 1,000 new ones.
    """
    place = pc.index_in(executions["id"], value_set=flat(before["id"])) if before.num_rows else None
    parts = [*_of_statuses(executions, before, place), *_retried(executions, place)]
    if node_runs.num_rows:
        parts.append(_of_nodes(executions, node_runs, before, nodes_before))
    events = pa.concat_tables([events for events, _ in parts]) if parts else stored(0)
    order = np.concatenate([order for _, order in parts]) if parts else np.zeros(0)
    return _taken(events, np.argsort(order, kind="stable")) if (np.diff(order) < 0).any() else events


def deletions(executions: pa.Table, at: datetime) -> pa.Table:
    """Events (event_packing.STORED) of executions that are gone; `executions`: as they were."""
    count = executions.num_rows
    executions = executions.sort_by("id")
    about = {name: executions[name] for name in _ABOUT}
    when = pa.repeat(pa.scalar(at, INSTANT), count)
    return stored(count, kind=_kind("execution.deleted", count), execution_id=executions["id"], at=when, **about)


def _of_statuses(executions: pa.Table, before: pa.Table, place: Column | None) -> list[Part]:
    """One event of each execution whose status is another now."""
    number = np.arange(executions.num_rows)
    if place is not None:
        was = before["status"].take(flat(place))
        became = pc.fill_null(pc.not_equal(executions["status"], was), pa.scalar(True))
        executions, number = executions.filter(became), number[became.to_numpy()]
    code = pc.index_in(executions["status"], value_set=_STATUSES).to_numpy()
    ended = code < len(FINISHED)
    if ended.all():
        return [_endings(executions, code, number)]
    if not ended.any():
        return [_beginnings(executions, code, number)]
    part = executions.filter(pa.array(ended))
    rest = executions.filter(pa.array(~ended))
    return [_endings(part, code[ended], number[ended]), _beginnings(rest, code[~ended], number[~ended])]


def _beginnings(rows: pa.Table, code: npt.NDArray[np.int32], number: npt.NDArray[np.int64]) -> Part:
    """execution.queued and execution.started."""
    running = pc.equal(rows["status"], constant("running"))
    events = stored(
        rows.num_rows,
        kind=pa.array(_KINDS[code]),
        execution_id=rows["id"],
        at=pc.if_else(running, pc.coalesce(rows["started_at"], rows["updated_at"]), rows["created_at"]),
        trigger=pc.coalesce(rows["trigger_source"], rows["trigger_type"]),
        retry_of=_where(pc.invert(running), rows["retry_of"]),
        **{name: rows[name] for name in _ABOUT},
    )
    return events, _order(number, _BEGUN)


def _endings(rows: pa.Table, code: npt.NDArray[np.int32], number: npt.NDArray[np.int64]) -> Part:
    """execution.completed, .failed, .cancelled and .timeout; why, where it did not succeed."""
    failed = pa.array(code != 0)
    why = {name: _where(failed, rows[name]) for name in ("error_type", "error_node_id", "retry_of", "retry_count")}
    events = stored(
        rows.num_rows,
        kind=pa.array(_KINDS[code]),
        execution_id=rows["id"],
        at=pc.coalesce(rows["stopped_at"], rows["updated_at"]),
        duration_s=rows["duration_s"],
        node_count=rows["node_count"],
        error_message=_cut(_where(failed, rows["error_message"])),
        **why,
        **{name: rows[name] for name in _ABOUT},
    )
    return events, _order(number, _ENDED)


def _retried(executions: pa.Table, place: Column | None) -> list[Part]:
    if executions["retry_of"].null_count == executions.num_rows:
        return []
    wanted = pc.is_valid(executions["retry_of"])
    if place is not None:
        wanted = pc.and_(wanted, pc.is_null(place))
    rows = executions.filter(wanted)
    events = stored(
        rows.num_rows,
        kind=_kind("execution.retried", rows.num_rows),
        execution_id=rows["retry_of"],
        workflow_id=rows["workflow_id"],
        workflow_name=rows["workflow_name"],
        at=rows["created_at"],
        retry_id=rows["id"],
        retry_count=rows["retry_count"],
    )
    return [(events, _order(np.flatnonzero(wanted.to_numpy()), _RETRIED))]


def _of_nodes(executions: pa.Table, node_runs: pa.Table, before: pa.Table, nodes_before: StoredNodes) -> Part:
    """One event of each node run that has ended now, or otherwise than before."""
    ids = flat(executions["id"])
    runs = node_runs.filter(pc.is_in(node_runs["status"], value_set=_FINISHED))
    if before.num_rows:
        had = flat(before["id"])
        old = nodes_before(had.filter(pc.is_in(had, value_set=flat(pc.unique(runs["execution_id"])))))
        if old.num_rows:
            runs = runs.filter(pc.invert(pc.is_in(_run_keys(runs, ids), value_set=flat(_run_keys(old, ids)))))
    place = flat(pc.index_in(runs["execution_id"], value_set=ids))
    assert not place.null_count, "node runs of executions that are not written"
    rows = executions.select(["workflow_id", "workflow_name", "mode", "updated_at"])
    rows = rows if rows.num_rows == 1 == runs.num_rows else _taken(rows, place)
    run_index = runs["run_index"]
    events = stored(
        runs.num_rows,
        kind=_kind("node.completed", runs.num_rows),
        execution_id=runs["execution_id"],
        status=runs["status"],
        at=pc.coalesce(runs["stopped_at"], rows["updated_at"]),
        node_id=runs["node_id"],
        node_name=runs["node_name"],
        duration_s=runs["duration_s"],
        run_index=_where(pc.not_equal(run_index, pa.scalar(0, pa.int32())), run_index),
        error_type=runs["error_type"],
        error_message=_cut(runs["error_message"]),
        **{name: rows[name] for name in ("workflow_id", "workflow_name", "mode")},
    )
    return events, _order(place.to_numpy(), _NODES, runs["order_index"].to_numpy())


def _run_keys(runs: pa.Table, ids: pa.Array) -> Column:
    """A text for each node run, equal for equal (execution, run, status, node) only."""
    place = pc.index_in(runs["execution_id"], value_set=ids).cast(pa.string())
    return pc.binary_join_element_wise(
        place, runs["run_index"].cast(pa.string()), runs["status"], runs["node_id"], constant(" ")
    )


def _order(
    number: npt.NDArray[np.int64], phase: int, position: int | npt.NDArray[np.int32] = 0
) -> npt.NDArray[np.int64]:
    """Place of its execution, then phase, then position in that, as one number."""
    found: npt.NDArray[np.int64] = ((number.astype(np.int64) * 4 + phase) << 32) + position
    return found


def _taken(rows: pa.Table, places: pa.Array | npt.NDArray[np.int64]) -> pa.Table:
    """The rows at these places; columns that hold nothing, most of a wide table, cost nothing."""
    at = places if isinstance(places, pa.Array) else pa.array(places)
    columns = [
        pa.nulls(len(at), column.type) if column.null_count == rows.num_rows else column.take(at)
        for column in rows.columns
    ]
    return pa.table(columns, schema=rows.schema)


def _kind(type: EventType, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(EVENT_TYPES.index(type), pa.int8()), count)


def _where(wanted: Column, values: Column) -> Column:
    """The values, NULL where they are not wanted."""
    return values if values.null_count == len(values) else pc.if_else(wanted, values, pa.scalar(None, values.type))


def _cut(messages: Column) -> Column:
    if messages.null_count == len(messages):
        return messages
    return pc.utf8_slice_codeunits(messages, 0, MESSAGE_CHARS)
