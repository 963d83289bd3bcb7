"""The rollup of one immutable file of executions: built once, stored as Arrow, mapped into memory.

Four levels of cells are kept, each with the status as a key and a histogram of durations:
the file, its hours, its workflows, and hour x workflow x mode. Beside them the workflows' names, the error groups and
the newest `updated_at`. A rollup is a pure function of its file, so it can never be stale.

Stored as an uncompressed Arrow IPC file of one row whose columns are lists (some 5 bytes an execution); reading it maps
the file and copies nothing but words.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.cells import MEASURES, NOTHING_MAX, NOTHING_MIN, Array, Cells, run_starts
from warehouse.duck import DuckSettings, Session, connect, read_sql
from warehouse.errors import LakeCorruptError
from warehouse.histogram import BUCKETS, Ints
from warehouse.scan import attach_files
from warehouse.schema import MODES, STATUSES
from warehouse.snapshot import DataFile

FORMAT: Final = "1"
"""Changes with the layout, the histogram or the meaning of a column; rollups of another format are built again."""

Level = Literal["file", "hour", "workflow", "cell"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
_KEYS: Final[dict[Level, tuple[str, ...]]] = {
    "file": ("status",),
    "hour": ("hour", "status"),
    "workflow": ("workflow", "status"),
    "cell": ("workflow", "hour", "status", "mode"),
}
"""Cells are sorted by these, workflows in the order of `Rollup.workflow_ids`."""

_INT32_MEASURES: Final = ("executions", "timed", "queued")
_MEMORY_LIMIT_MB: Final = 512
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Rollup:
    """What is known of one file without opening it."""

    levels: dict[Level, Cells]
    """Key `workflow` is a position in workflow_ids, `hour` 0..23 of the file's UTC date, `mode` one in MODES."""
    workflow_ids: list[str | None]
    """The workflows of the file, ascending, None last."""
    workflow_names: list[str | None]
    """The name each had last in the file. None: it never had one."""
    named_at_us: Array
    """When the execution with that name is placed; smallest int64 where there is none."""
    errors: list[tuple[str, int, int, int]]
    """(fingerprint, executions, first placed, last placed, microseconds since 1970) of unsuccessful executions."""
    updated_at_us: int | None
    """Newest state of knowledge in the file. None: it has no row."""
    nbytes: int
    """Bytes it maps."""


def build_rollup(file: DataFile) -> bytes:
    """The rollup of one file, as it is stored.

    Pure and with plain values in and out: runs in a thread, a process or on another machine that sees the file's path.
    Costs some 0.2 s for 100,000 executions on one thread.

    Raises:
        LakeCorruptError: a row is not on the file's date, or has an unknown status or mode.
        QueryError: the file cannot be read.
    """
    session = worker_session()
    attach_files(session, "rollup_source", "executions", [file])
    names = session.table(read_sql("warehouse", "rollup_names"))
    errors = session.table(read_sql("warehouse", "rollup_errors"))
    finest = session.table(read_sql("warehouse", "rollup"))
    columns: dict[str, pa.Array] = {
        "workflow_ids": names["workflow_id"].combine_chunks(),
        "workflow_names": names["workflow_name"].combine_chunks(),
        "named_at_us": _filled(names["named_at_us"], NOTHING_MAX),
        "updated_at_us": pa.array([pc.max(names["updated_at_us"]).as_py()] if len(names) else [], pa.int64()),
    }
    for name in ("fingerprint", "executions", "first_at_us", "last_at_us"):
        columns[f"errors.{name}"] = errors[name].combine_chunks()
    numbers = _numbers(finest, columns["workflow_ids"], file)
    for level in LEVELS:
        for name, values in _level(numbers, level).items():
            columns[f"{level}.{name}"] = pa.array(values)
    return _stored(columns, file)


def load_rollup(path: Path, file: DataFile) -> Rollup:
    """Map a stored rollup.

    Raises:
        OSError, pa.ArrowException, KeyError, LakeCorruptError: there is none, or it is not one of this file.
    """
    with pa.memory_map(str(path)) as source:
        # The arrays keep the mapping alive; closing the file only gives its descriptor back.
        return read_rollup(source, file)


def read_rollup(source: pa.NativeFile, file: DataFile) -> Rollup:
    """A rollup from what `build_rollup` gave; raises what load_rollup raises."""
    size = source.size()
    batch = pa.ipc.open_file(source).get_batch(0)
    if (batch.schema.metadata or {}) != _metadata(file):
        raise LakeCorruptError(f"what is stored is not the rollup of {file.name} in format {FORMAT}")
    columns = {name: batch.column(name).values for name in batch.schema.names}
    levels = {level: _cells(columns, level) for level in LEVELS}
    if int(levels["file"].measures["executions"].sum()) != file.rows:
        raise LakeCorruptError(f"the rollup of {file.name} does not count the {file.rows} rows of the file")
    errors = (
        columns[f"errors.{name}"].to_pylist() for name in ("fingerprint", "executions", "first_at_us", "last_at_us")
    )
    updated_at_us = columns["updated_at_us"].to_pylist()
    return Rollup(
        levels,
        columns["workflow_ids"].to_pylist(),
        columns["workflow_names"].to_pylist(),
        columns["named_at_us"].to_numpy(),
        list(zip(*errors, strict=True)),
        updated_at_us[0] if updated_at_us else None,
        size,
    )


def read_hours(
    session: Session, file: DataFile, hours: Sequence[int], workflow_ids: list[str | None]
) -> dict[int, Cells]:
    """The executions of some hours (0..23) of the file, a cell each, keys workflow, hour, status, mode, `at_us`.

    Every hour asked for is in the answer. Costs a scan of seven columns of the file.
    """
    with session.tables():  # keeps other threads from attaching theirs in between
        attach_files(session, "rollup_source", "executions", [file])
        table = session.table(read_sql("warehouse", "rollup_rows"), {"hours": list(hours)})
    keys = _keys(table, pa.array(workflow_ids, pa.string()), file)
    keys["at_us"] = table["at_us"].to_numpy()
    bucket = _filled(table["bucket"], -1).to_numpy().astype(np.int64)
    timed = bucket >= 0
    queue = table["queue_us"].combine_chunks()
    measures = {
        "executions": np.ones(len(table), np.int64),
        "timed": timed.astype(np.int64),
        "total_us": _filled(table["duration_us"], 0).to_numpy(),
        "min_us": _filled(table["duration_us"], NOTHING_MIN).to_numpy(),
        "max_us": _filled(table["duration_us"], NOTHING_MAX).to_numpy(),
        "queued": queue.is_valid().to_numpy(zero_copy_only=False).astype(np.int64),
        "queue_us": _filled(table["queue_us"], 0).to_numpy(),
    }
    cells = Cells(keys, measures, np.cumsum(timed), bucket[timed], np.ones(int(timed.sum()), np.int64))
    ends = np.searchsorted(keys["hour"], np.arange(25))
    return {hour: cells.part(int(ends[hour]), int(ends[hour + 1])) for hour in hours}


def worker_session() -> Session:
    """This thread's own session, one DuckDB thread: the executor is what runs several files at once."""
    if not hasattr(_local, "session"):
        _local.session = connect(DuckSettings(threads=1, memory_limit_mb=_MEMORY_LIMIT_MB, time_limit_s=0))
    session: Session = _local.session
    return session


def _keys(table: pa.Table, workflow_ids: pa.Array, file: DataFile) -> dict[str, Array]:
    """The words of the rows as numbers."""
    words = {"workflow": ("workflow_id", workflow_ids), "status": ("status", STATUSES), "mode": ("mode", MODES)}
    hours = table["hour"].to_numpy()
    if len(hours) and (hours.min() < 0 or hours.max() > 23):
        raise LakeCorruptError(f"{file.path} holds executions that are not placed on its date {file.date}")
    keys: dict[str, Array] = {"hour": hours.astype(np.int8)}
    for key, (column, allowed) in words.items():
        codes = pc.index_in(table[column], value_set=pa.array(allowed, pa.string()))
        if codes.null_count:
            unknown = table[column].filter(codes.is_null())[0].as_py()
            raise LakeCorruptError(f"{file.path} holds the {key} {unknown!r}; allowed: {', '.join(map(str, allowed))}")
        keys[key] = codes.to_numpy().astype(np.int32 if key == "workflow" else np.int8)
    return keys


def _numbers(finest: pa.Table, workflow_ids: pa.Array, file: DataFile) -> dict[str, Ints]:
    """The finest cells as 64-bit columns; bucket -1: without a duration."""
    numbers = {key: values.astype(np.int64) for key, values in _keys(finest, workflow_ids, file).items()}
    numbers["bucket"] = _filled(finest["bucket"], -1).to_numpy().astype(np.int64)
    fills = {"min_us": NOTHING_MIN, "max_us": NOTHING_MAX}
    for name in ("executions", "total_us", "min_us", "max_us", "queued", "queue_us"):
        numbers[name] = _filled(finest[name], fills.get(name, 0)).to_numpy()
    numbers["timed"] = np.where(numbers["bucket"] >= 0, numbers["executions"], 0)
    return numbers


def _level(numbers: dict[str, Ints], level: Level) -> dict[str, Array]:
    """Add the finest cells up to one level; arrays as they are stored."""
    sizes = {
        "workflow": int(numbers["workflow"].max(initial=0)) + 1,
        "hour": 24,
        "status": len(STATUSES),
        "mode": len(MODES),
    }
    group = np.zeros(len(numbers["bucket"]), np.int64)
    for key in _KEYS[level]:
        group = group * sizes[key] + numbers[key]
    fine = group * (BUCKETS + 1) + numbers["bucket"] + 1
    order = np.argsort(fine)
    fine, group = fine[order], group[order]
    cell_starts, entry_starts = run_starts(group), run_starts(fine)
    stored: dict[str, Array] = {}
    for key in _KEYS[level]:
        values = numbers[key][order][cell_starts]
        stored[key] = values.astype(np.int32 if key == "workflow" else np.int8)
    for name in MEASURES:
        add = {"min_us": np.minimum, "max_us": np.maximum}.get(name, np.add)
        values = add.reduceat(numbers[name][order], cell_starts) if len(order) else numbers[name]
        stored[name] = values.astype(np.int32) if name in _INT32_MEASURES else values
    bucket = numbers["bucket"][order][entry_starts]
    count = np.add.reduceat(numbers["executions"][order], entry_starts) if len(order) else bucket
    timed = bucket >= 0
    owner = np.searchsorted(cell_starts, entry_starts[timed], side="right") - 1
    stored["entry_ends"] = np.cumsum(np.bincount(owner, minlength=len(cell_starts))).astype(np.int32)
    stored["bucket"] = bucket[timed].astype(np.uint16)
    stored["count"] = count[timed].astype(np.int32)
    return stored


def _cells(columns: dict[str, pa.Array], level: Level) -> Cells:
    def array(name: str) -> Array:
        values: Array = columns[f"{level}.{name}"].to_numpy(zero_copy_only=True)
        return values

    return Cells(
        {key: array(key) for key in _KEYS[level]},
        {name: array(name) for name in MEASURES},
        array("entry_ends"),
        array("bucket"),
        array("count"),
    )


def _stored(columns: dict[str, pa.Array], file: DataFile) -> bytes:
    lists = [pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values) for values in columns.values()]
    batch = pa.RecordBatch.from_arrays(lists, names=list(columns)).replace_schema_metadata(_metadata(file))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    stored: bytes = sink.getvalue().to_pybytes()
    return stored


def _metadata(file: DataFile) -> dict[bytes, bytes]:
    return {b"runlake.rollup": FORMAT.encode(), b"file": file.name.encode(), b"rows": str(file.rows).encode()}


def _filled(column: pa.ChunkedArray, value: int) -> pa.Array:
    """64-bit numbers without NULL."""
    return pc.fill_null(column.cast(pa.int64()), value).combine_chunks()
