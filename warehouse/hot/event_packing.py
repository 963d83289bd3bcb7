"""Events as they lie in the database: one Arrow batch a transaction, of plain columns.

Numbers follow each other, so they are not stored; neither is the JSON of `data`: making it costs a writer more than
all else about events, and a reader that makes it of many transactions at once hardly anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from warehouse.hot.event_schema import EVENT_TYPES, EVENTS, NewEvent
from warehouse.hot.json_members import Column, constant, number_of, objects, text_of
from warehouse.schema import INSTANT

_LEVEL: Final = 1
_FORM: Final = b"\x01"
"""The first byte of what is stored: which columns these are."""

STORED: Final = pa.schema(
    [
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("execution_id", pa.string()),
        pa.field("workflow_id", pa.string()),
        pa.field("workflow_name", pa.string()),
        pa.field("status", pa.string()),
        pa.field("mode", pa.string()),
        pa.field("at", INSTANT, nullable=False),
        pa.field("trigger", pa.string()),
        pa.field("node_id", pa.string()),
        pa.field("node_name", pa.string()),
        pa.field("duration_s", pa.float64()),
        pa.field("node_count", pa.int32()),
        pa.field("run_index", pa.int32()),
        pa.field("error_type", pa.string()),
        pa.field("error_message", pa.string()),
        pa.field("error_node_id", pa.string()),
        pa.field("retry_of", pa.string()),
        pa.field("retry_count", pa.int32()),
        pa.field("retry_id", pa.string()),
        pa.field("data", pa.string()),
    ]
)
"""One row is one event without its number. kind: its place in EVENT_TYPES; data: its JSON, where another part than the
write path made it; from `trigger` on: members of that JSON else, NULL where it has none."""

_TYPES: Final = pa.array(EVENT_TYPES, pa.string())
_BEGUN: Final = pa.array([EVENT_TYPES.index("execution.queued"), EVENT_TYPES.index("execution.started")], pa.int8())
"""Their data says the mode; that of the others the status, where they have one."""
_DELETED: Final = pa.scalar(EVENT_TYPES.index("execution.deleted"), pa.int8())
"""Its data says nothing."""


@dataclass(frozen=True, slots=True)
class PackedEvents:
    """Events that wait for their numbers; `rows` of them."""

    rows: int
    data: bytes
    """Of the columns STORED; empty when there are none."""


NO_EVENTS: Final = PackedEvents(0, b"")


def stored(count: int, **columns: Column) -> pa.Table:
    """So many events with these columns, the others NULL."""
    arrays = [columns[one.name] if one.name in columns else pa.nulls(count, one.type) for one in STORED]
    return pa.table(arrays, schema=STORED)


def pack(events: pa.Table) -> PackedEvents:
    """Encode events (STORED), in the order in which they get their numbers."""
    if not events.num_rows:
        return NO_EVENTS
    batch = events.combine_chunks().to_batches()[0]
    return PackedEvents(batch.num_rows, _FORM + zstandard.ZstdCompressor(level=_LEVEL).compress(batch.serialize()))


def pack_new(events: Sequence[NewEvent]) -> PackedEvents:
    """The same of single events."""
    rows: list[dict[str, Any]] = [
        {
            "kind": EVENT_TYPES.index(one.type),
            **{name: getattr(one, name) for name in ("execution_id", "workflow_id", "workflow_name")},
            **{name: getattr(one, name) for name in ("status", "mode", "at")},
            "data": _json(one.data),
        }
        for one in events
    ]
    return pack(pa.Table.from_pylist(rows, STORED))


def unpack(packed: Iterable[tuple[int, bytes]]) -> pa.Table:
    """Events again, with EVENTS, of (number of the first, what is stored) of any number of transactions."""
    numbers, batches = [], []
    unzip = zstandard.ZstdDecompressor()
    for first_no, data in packed:
        assert data[:1] == _FORM
        batches.append(pa.ipc.read_record_batch(pa.py_buffer(unzip.decompress(memoryview(data)[1:])), STORED))
        numbers.append(np.arange(first_no, first_no + batches[-1].num_rows))
    if not batches:
        return EVENTS.empty_table()
    rows = pa.Table.from_batches(batches, STORED).combine_chunks()
    about = [rows[name] for name in ("execution_id", "workflow_id", "workflow_name", "status", "mode", "at")]
    return pa.table([np.concatenate(numbers), _TYPES.take(rows["kind"]), *about, _data(rows)], schema=EVENTS)


def _data(rows: pa.Table) -> Column:
    """The JSON of each event."""
    if not rows["data"].null_count:
        return rows["data"]
    begun = pc.is_in(rows["kind"], value_set=_BEGUN)
    none = constant(None)
    deleted = pc.equal(rows["kind"], _DELETED)
    status = pc.if_else(pc.or_(begun, deleted), none, rows["status"])
    error = objects(
        ("type", text_of(rows["error_type"])),
        ("message", text_of(rows["error_message"])),
        ("nodeId", text_of(rows["error_node_id"])),
    )
    made = objects(
        ("mode", text_of(pc.if_else(begun, rows["mode"], none))),
        ("trigger", text_of(rows["trigger"])),
        ("nodeId", text_of(rows["node_id"])),
        ("nodeName", text_of(rows["node_name"])),
        ("status", text_of(status)),
        ("duration", number_of(rows["duration_s"])),
        ("nodeCount", number_of(rows["node_count"])),
        ("runIndex", number_of(rows["run_index"])),
        ("error", pc.if_else(pc.equal(error, constant("{}")), none, error)),
        ("retryOf", text_of(rows["retry_of"])),
        ("retryExecutionId", text_of(rows["retry_id"])),
        ("retryCount", number_of(rows["retry_count"])),
    )
    return pc.coalesce(rows["data"], made)


def _json(data: dict[str, object]) -> str:
    """JSON text without members that are None."""
    given = {key: value for key, value in data.items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
