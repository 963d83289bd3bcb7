"""The hot store's current records as Parquet files of this process, so that whatever reads a lake reads them too.

Records lie in segments: a few thousand rows of one date, written once. What is new becomes a segment of its own, small
ones are joined as they grow in number, and a segment is written anew when a record of it is superseded or leaves for
the lake. Unfinished records, which will be superseded soon, are kept apart from finished ones. So the cost of a look
grows with what has changed since the last one, not with what is there.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.data_file import file_schema
from warehouse.merge_details import flat
from warehouse.schema import FINISHED, KEY_COLUMN, SCHEMAS, TableName
from warehouse.snapshot import DataFile
from warehouse.write_rows import sort_rows

if TYPE_CHECKING:
    from warehouse.hot.changes import HotChanges
    from warehouse.hot.store import HotStore

SEGMENT_ROWS: Final = 20_000
"""Segments are joined up to about so many executions: one is rewritten in some 20 ms."""

_FINISHED: Final = pa.array(FINISHED, pa.string())
_UNIQUE: Final = count(1)
_DICTIONARIES: Final = frozenset({"workflow_id", "workflow_name", "status", "mode", "source", "node_id", "level"})


@dataclass(frozen=True, slots=True)
class HotFiles:
    """The hot store at one change, as data files; they exist for as long as somebody holds this."""

    change_no: int
    files: Mapping[TableName, tuple[DataFile, ...]]
    """By table, those of the tables that were asked for, sorted by (date, name)."""
    rows: Mapping[str, pa.Table]
    """By the names of the files of `executions`, what is in them."""
    ids: tuple[frozenset[str], ...]
    """The executions, in parts."""
    held: tuple[object, ...]

    def __contains__(self, id: str) -> bool:
        return any(id in part for part in self.ids)


class _Slots:
    """Names for files, used again once a file is gone: DuckDB remembers the footer of every path it has seen."""

    def __init__(self) -> None:
        self._free: dict[str, deque[Path]] = {}
        self._written_ns = 0

    def take(self, folder: Path, stem: str) -> Path:
        """A path of this folder and stem that no file has."""
        free = self._free.setdefault(f"{folder}/{stem}", deque())
        try:
            return free.pop()
        except IndexError:
            return folder / f"{stem}-{next(_UNIQUE):08d}.parquet"

    def stamp(self, path: Path) -> None:
        """Give a file that was written an instant of its own, by which it differs from earlier ones of its name."""
        self._written_ns = max(time.time_ns(), self._written_ns + 1_000_000)
        os.utime(path, ns=(self._written_ns, self._written_ns))

    def hold(self, paths: Sequence[Path]) -> object:
        """Keeps these files for as long as it is held itself."""
        return _Held(self._give_back, tuple(paths))

    def _give_back(self, paths: Iterable[Path]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink()
            stem = path.name.rsplit("-", 1)[0]
            self._free.setdefault(f"{path.parent}/{stem}", deque()).append(path)


class _Held:
    """Calls back when nobody holds it any more."""

    __slots__ = ("__weakref__",)

    def __init__(self, give_back: Callable[[Sequence[Path]], None], paths: Sequence[Path]) -> None:
        weakref.finalize(self, give_back, paths)


@dataclass(slots=True, eq=False)
class _Segment:
    """Rows of one date; with `dead` ones, whose current record is elsewhere, it must be written anew."""

    day: date
    finished: bool
    ids: frozenset[str]
    executions: pa.Table
    unwritten: dict[TableName, pa.Table] | None
    """All its rows, until they are written."""
    dead: set[str] = field(default_factory=set)
    files: dict[TableName, DataFile] = field(default_factory=dict)
    held: object = None


@dataclass(slots=True)
class _Place:
    """Where the current record of an id lies: in the store, and here."""

    batch_no: int
    record_no: int
    seal_no: int | None
    segment: _Segment | None


class HotView:
    """The records of a hot store as this process last saw them. Safe for several threads."""

    def __init__(self, store: HotStore, folder: Path, tables: Sequence[TableName]) -> None:
        """A view that keeps its files in `folder`, which is this process's own.

        tables: which tables there are to be; `executions` is always among them.
        """
        self._store = store
        self._folder = folder
        self._tables = tuple(dict.fromkeys(("executions", *tables)))
        self._slots = _Slots()
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._batches: Counter[int] = Counter()
        self._sealed: dict[int, set[str]] = {}
        self._segments: list[_Segment] = []
        self._change_no = 0
        self._purged_seal_no = 0
        self._seal_no = -1
        self._shown: HotFiles | None = None

    def refresh(self, seal_no: int) -> HotFiles | None:
        """The hot records that a lake which contains seal `seal_no` lacks, as they are now.

        None: records that this lake lacks have left the hot store already; look at a newer lake and ask again.
        Some 0.3 ms when nothing has changed, else 5 ms and a millisecond for each 1,000 changed executions.
        """
        with self._lock:
            changes = self._store.changes_since(self._change_no, have=self._batches, tables=self._tables)
            if changes.purged_seal_no != self._purged_seal_no and not changes.complete:
                # Records have left that we may not have seen being sealed, and leave no trace: see what is there.
                changes = self._store.changes_since(0, have=self._batches, tables=self._tables)
            if changes.purged_seal_no > seal_no:
                return None
            if self._shown is None or changes.change_no != self._change_no or seal_no != self._seal_no:
                try:
                    self._apply(changes, seal_no)
                except BaseException:
                    self._clear()  # half a change must not be taken for the whole: the next look reads everything
                    raise
            return self._shown

    def close(self) -> None:
        """Forget everything; files go as soon as nobody reads them."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._places.clear()
        self._batches.clear()
        self._sealed.clear()
        self._segments.clear()
        self._change_no, self._purged_seal_no, self._seal_no, self._shown = 0, 0, -1, None

    def _apply(self, changes: HotChanges, seal_no: int) -> None:
        if changes.complete:
            for id_ in self._places.keys() - set(changes.pointers["id"].to_pylist()):
                self._drop(id_)
        fresh = self._note(changes, seal_no)
        for sealed in [number for number in self._sealed if number <= seal_no]:
            for id_ in self._sealed.pop(sealed):
                place = self._places.get(id_)
                if place is not None and place.seal_no == sealed:
                    self._drop(id_)
        self._rewrite_dirty()
        for day, finished, rows in self._fresh_rows(changes, fresh):
            self._add(day, finished, rows)
        for segment in self._segments:
            if segment.unwritten is not None:
                self._write(segment, segment.unwritten)
        self._change_no, self._purged_seal_no, self._seal_no = changes.change_no, changes.purged_seal_no, seal_no
        self._show()

    def _note(self, changes: HotChanges, seal_no: int) -> dict[int, list[int]]:
        """Take in the pointers; the records that are new here: record_nos by batch_no."""
        fresh: dict[int, list[int]] = {}
        columns = (changes.pointers[name].to_pylist() for name in ("id", "batch_no", "record_no", "seal_no", "deleted"))
        for id_, batch_no, record_no, sealed, deleted in zip(*columns, strict=True):
            place = self._places.get(id_)
            if place is not None and not deleted and (place.batch_no, place.record_no) == (batch_no, record_no):
                place.seal_no = sealed  # the record itself is as it was
            else:
                if place is not None:
                    self._drop(id_)
                if deleted or (sealed is not None and sealed <= seal_no):
                    continue
                self._places[id_] = _Place(batch_no, record_no, sealed, None)
                self._batches[batch_no] += 1
                fresh.setdefault(batch_no, []).append(record_no)
            if sealed is not None:
                self._sealed.setdefault(sealed, set()).add(id_)
        return fresh

    def _drop(self, id_: str) -> None:
        place = self._places.pop(id_)
        self._batches[place.batch_no] -= 1
        if not self._batches[place.batch_no]:
            del self._batches[place.batch_no]
        if place.segment is not None:
            place.segment.dead.add(id_)

    def _fresh_rows(
        self, changes: HotChanges, fresh: Mapping[int, list[int]]
    ) -> Iterable[tuple[date, bool, dict[TableName, pa.Table]]]:
        """(date, whether finished, rows by table) of what is new here."""
        if not fresh:
            return
        parts = [changes.batches[number].records(records, self._tables) for number, records in fresh.items()]
        rows = {
            table: pa.concat_tables([part[table] for part in parts]).select(SCHEMAS[table].names)
            for table in self._tables
        }
        executions = rows["executions"]
        groups = pa.table({"date": executions["date"], "finished": pc.is_in(executions["status"], value_set=_FINISHED)})
        for group in groups.group_by(["date", "finished"]).aggregate([]).to_pylist():
            day, finished = group["date"], group["finished"]
            chosen = pc.and_(pc.equal(groups["date"], pa.scalar(day)), pc.equal(groups["finished"], finished))
            mine = executions.filter(chosen)
            yield (
                day,
                finished,
                {
                    table: mine if table == "executions" else _of(table, rows[table], mine["id"])
                    for table in self._tables
                },
            )

    def _add(self, day: date, finished: bool, rows: dict[TableName, pa.Table]) -> None:
        """Put rows into a segment, together with smaller ones of their kind."""
        size = rows["executions"].num_rows
        joined: list[_Segment] = []
        for segment in [one for one in self._segments if (one.day, one.finished) == (day, finished)][::-1]:
            if len(segment.ids) > 2 * size or len(segment.ids) + size > SEGMENT_ROWS:
                break
            joined.append(segment)
            size += len(segment.ids)
        if joined:
            parts = [self._rows(segment) for segment in joined]
            rows = {table: pa.concat_tables([part[table] for part in parts] + [rows[table]]) for table in rows}
            self._segments = [one for one in self._segments if one not in joined]
        self._make(day, finished, rows)

    def _rewrite_dirty(self) -> None:
        dirty = [segment for segment in self._segments if segment.dead]
        self._segments = [segment for segment in self._segments if not segment.dead]
        for segment in dirty:
            live = pa.array(segment.ids - segment.dead, pa.string())
            if len(live):
                rows = {table: _of(table, part, live) for table, part in self._rows(segment).items()}
                self._make(segment.day, segment.finished, rows)

    def _rows(self, segment: _Segment) -> dict[TableName, pa.Table]:
        """The rows of a segment; what hangs on its executions is read from its files."""
        if segment.unwritten is not None:
            return segment.unwritten
        rows: dict[TableName, pa.Table] = {"executions": segment.executions}
        for table in self._tables[1:]:
            file = segment.files.get(table)
            if file is None:
                rows[table] = SCHEMAS[table].empty_table()
            else:
                read = pq.read_table(file.path, schema=file_schema(table), partitioning=None)
                day = pa.array([segment.day], pa.date32()).take(pa.array([0] * read.num_rows, pa.int64()))
                rows[table] = read.append_column(SCHEMAS[table].field("date"), day).cast(SCHEMAS[table])
        return rows

    def _make(self, day: date, finished: bool, rows: dict[TableName, pa.Table]) -> None:
        """A new segment of these rows of one date, still to be written."""
        executions = _in_order(rows["executions"])
        ids = frozenset(executions["id"].to_pylist())
        segment = _Segment(day, finished, ids, executions, {**rows, "executions": executions})
        self._segments.append(segment)
        for id_ in ids:
            self._places[id_].segment = segment

    def _write(self, segment: _Segment, rows: dict[TableName, pa.Table]) -> None:
        paths: list[Path] = []
        try:
            for table, part in rows.items():
                if part.num_rows:
                    part = part if table == "executions" else sort_rows(table, part.combine_chunks())
                    path = self._slots.take(self._folder / f"date={segment.day}", table)
                    paths.append(path)
                    file = _write_file(path, self._folder, table, segment.day, part)
                    self._slots.stamp(path)
                    segment.files[table] = file
        finally:
            segment.held = self._slots.hold(paths)
        segment.unwritten = None

    def _show(self) -> None:
        files: dict[TableName, tuple[DataFile, ...]] = {}
        for table in self._tables:
            found = [one for segment in self._segments if (one := segment.files.get(table)) is not None]
            files[table] = tuple(sorted(found, key=lambda file: (file.date, file.name)))
        ids = tuple(segment.ids for segment in self._segments)
        rows = {segment.files["executions"].name: segment.executions for segment in self._segments}
        held = tuple(segment.held for segment in self._segments)
        self._shown = HotFiles(self._change_no, files, rows, ids, held)


def _in_order(executions: pa.Table) -> pa.Table:
    """Rows of one date by the instant that places them, ties by id: lists take them as they lie."""
    keys = {"at": pc.coalesce(executions["started_at"], executions["created_at"]), "id": executions["id"]}
    order = pc.sort_indices(pa.table(keys), sort_keys=[("at", "ascending"), ("id", "ascending")])
    return executions.take(order).combine_chunks()


def _of(table: TableName, rows: pa.Table, ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.filter(pc.is_in(rows[KEY_COLUMN[table]], value_set=flat(ids)))


def _write_file(path: Path, folder: Path, table: TableName, day: date, rows: pa.Table) -> DataFile:
    """One file in a hurry: not compressed, not synced; it does not outlive the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = file_schema(table).remove_metadata()
    key = KEY_COLUMN[table]
    pq.write_table(
        rows.select(schema.names).cast(schema),
        path,
        compression="none",
        use_dictionary=[name for name in schema.names if name in _DICTIONARIES],
        write_statistics=[key],
        store_schema=False,
    )
    ends = pc.min_max(rows[key]).as_py()
    newest_at = pc.max(rows["updated_at"]).as_py() if table == "executions" else None
    return DataFile(
        table,
        f"hot/{folder.name}/{next(_UNIQUE)}/date={day}",
        str(path),
        day,
        rows.num_rows,
        path.stat().st_size,
        ends["min"],
        ends["max"],
        newest_at,
        hot=True,
    )
