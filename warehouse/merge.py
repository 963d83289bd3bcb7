"""What becomes of a batch of records where some of their ids are stored already: in the lake or in the hot store.

The rules (merge_versions.sql, merge_details.py) are the same wherever the stored rows come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.duck import Session, read_sql
from warehouse.merge_details import DetailMerge, StoredDetails, flat
from warehouse.schema import FINISHED, TABLES, Batch, batch_schema

OutcomeWord = Literal["unchanged", "updated", "new"]
OUTCOMES: Final[tuple[OutcomeWord, ...]] = get_args(OutcomeWord)
UNCHANGED, UPDATED, NEW = range(3)

_FINISHED: Final = pa.array(FINISHED, pa.string())


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """What became of the records of a batch; the three add up to its number of records."""

    new: int
    """Ids that the lake did not have."""
    updated: int
    """Ids whose record, or what hangs on it, is now another."""
    unchanged: int
    """Records that changed nothing: already there, or older than another record of the same id."""

    def __add__(self, other: WriteCounts) -> WriteCounts:
        """Of two batches together."""
        return WriteCounts(self.new + other.new, self.updated + other.updated, self.unchanged + other.unchanged)


@dataclass(frozen=True, slots=True)
class WriteOutcomes:
    """What became of each record of a batch; of several records of one id only the one that prevailed counts."""

    record_no: npt.NDArray[np.int64]
    """In the order of the batch's executions."""
    outcome: npt.NDArray[np.int8]
    """Beside it: which of OUTCOMES."""

    @property
    def counts(self) -> WriteCounts:
        """How many of each."""
        unchanged, updated, new = np.bincount(self.outcome, minlength=3).tolist()
        return WriteCounts(new, updated, unchanged)

    def words(self) -> dict[int, OutcomeWord]:
        """By record_no."""
        codes = self.outcome.tolist()
        return {number: OUTCOMES[code] for number, code in zip(self.record_no.tolist(), codes, strict=True)}

    @classmethod
    def all_of(cls, executions: pa.Table, outcome: int) -> WriteOutcomes:
        """The same for each record."""
        return cls(record_numbers(executions), np.full(executions.num_rows, outcome, np.int8))


@dataclass(frozen=True, slots=True)
class Merged:
    """A batch held against what is stored."""

    outcomes: WriteOutcomes
    fresh: pa.Table
    """Rows of the batch (record_no and the columns of `executions`) that came once and are stored as they came: their
    ids are new, or (with `whole`) nothing of what is stored of them stays."""
    merged: pa.Table | None
    """The other ids, as merge_versions.sql gives them, those that changed nothing at all left out. None: there are
    none, so that the batch is what must be stored."""
    touched: pa.Table | None
    """Those of `merged` whose row, or what hangs on it, is another now."""
    details: DetailMerge | None
    """What hangs on them."""

    @property
    def changes(self) -> bool:
        """Is there anything to store?"""
        return bool(self.fresh.num_rows or (self.touched is not None and self.touched.num_rows))


def merge(
    session: Session,
    batch: Batch,
    stored_of: Callable[[pa.ChunkedArray], pa.Table],
    details_of: StoredDetails,
    *,
    whole: bool = False,
) -> Merged:
    """Hold a batch against the stored rows of its ids.

    stored_of: ids -> their stored rows (the columns of `executions`). details_of: see merge_details.StoredDetails.
    whole: stored node runs, payloads and lines of an id that changes are written anew with it, instead of staying
    where they are.
    """
    ids = batch.executions.column("id")
    twice = _repeated(ids)
    stored = stored_of(ids)
    if twice is None and not stored.num_rows:
        return Merged(WriteOutcomes.all_of(batch.executions, NEW), batch.executions, None, None, None)
    contested = flat(pc.unique(pa.chunked_array([*stored["id"].chunks, *([] if twice is None else [twice])])))
    outcomes = WriteOutcomes.all_of(batch.executions, UNCHANGED)
    plain = superseding(batch, stored, twice, details_of) if whole else ids.slice(0, 0).combine_chunks()
    if len(plain) == batch.executions.num_rows:
        return Merged(WriteOutcomes.all_of(batch.executions, UPDATED), batch.executions, None, None, None)
    same = plain.slice(0, 0) if whole else _same(session, batch, stored, twice)
    if len(same) == batch.executions.num_rows:
        return Merged(outcomes, batch.executions.slice(0, 0), stored.slice(0, 0), stored.slice(0, 0), None)
    settled = pa.concat_arrays([same, plain])
    contested = contested.filter(pc.invert(pc.is_in(contested, value_set=settled)))
    stored = stored.filter(pc.invert(pc.is_in(stored["id"], value_set=settled)))
    if whole and not len(contested):
        _note(outcomes, batch.executions, batch.executions, stored, plain)
        return Merged(outcomes, batch.executions, None, None, None)
    part = without_ids(batch, same)
    is_contested = pc.is_in(part.executions.column("id"), value_set=contested)
    fresh = part.executions.filter(pc.invert(is_contested))
    incoming = part.executions.filter(is_contested)
    merged = session.table_over(read_sql("warehouse", "merge_versions"), incoming=incoming, stored=stored)
    details = DetailMerge(session, details_of, part, fresh, merged, whole=whole)
    touched = merged.filter(pc.or_(merged.column("changed"), pc.is_in(merged.column("id"), value_set=details.log_ids)))
    _note(outcomes, batch.executions, fresh, touched, plain)
    return Merged(outcomes, fresh, merged, touched, details)


def superseding(batch: Batch, stored: pa.Table, twice: pa.Array | None, details_of: StoredDetails) -> pa.Array:
    """Ids whose record replaces the stored one as it came, told without SQL: the bulk of what an engine reports.

    The same rules as merge_versions.sql, where they are simple: the record is newer, comes from the same kind of
    source, carries node runs and payloads where the stored one has some, and the stored one has no lines.
    """
    place = pc.index_in(batch.executions["id"], value_set=flat(stored["id"]))
    known = pc.is_valid(place)
    if twice is not None:
        known = pc.and_(known, pc.invert(pc.is_in(batch.executions["id"], value_set=twice)))
    came = batch.executions.filter(known)
    held = stored.take(flat(place.filter(known)))
    lines = details_of("logs", stored.select(["id"]))["execution_id"]
    conditions = [
        pc.greater(_rank(came), _rank(held)),
        pc.invert(pc.is_in(came["id"], value_set=flat(pc.unique(lines)))),
        pc.is_null(held["retry_success_id"]),
        pc.not_equal(came["source"], "n8n"),
        pc.not_equal(held["source"], "n8n"),
    ]
    for part in ("nodes", "payloads"):
        new, old = came[f"{part}_hash"], held[f"{part}_hash"]
        conditions += [pc.is_null(came[f"{part}_rank"]), pc.or_(pc.is_valid(new), pc.is_null(old))]
        conditions.append(pc.fill_null(pc.not_equal(new, old), True))
    plain = conditions[0]
    for condition in conditions[1:]:
        plain = pc.and_(plain, condition)
    return flat(came["id"].filter(plain))


def _rank(executions: pa.Table) -> pa.ChunkedArray:
    """What merge_versions.sql calls core_rank, for sources other than n8n."""
    finished = pc.is_in(executions["status"], value_set=_FINISHED).cast(pa.int64())
    return pc.add(pc.multiply(executions["updated_at"].cast(pa.int64()), 2), finished)


def record_numbers(rows: pa.Table) -> npt.NDArray[np.int64]:
    """The column record_no."""
    found: npt.NDArray[np.int64] = rows["record_no"].to_numpy().astype(np.int64, copy=False)
    return found


def records_of(batch: Batch, executions: pa.Table) -> Batch:
    """The part of a batch that these of its rows of executions make."""
    numbers = flat(executions["record_no"])
    tables = (batch.table(table) for table in TABLES[1:])
    return Batch(executions, *(rows.filter(pc.is_in(rows["record_no"], value_set=numbers)) for rows in tables))


def without_ids(batch: Batch, ids: pa.Array) -> Batch:
    """The batch without the records of these ids."""
    if not len(ids):
        return batch
    return records_of(batch, batch.executions.filter(pc.invert(pc.is_in(batch.executions["id"], value_set=ids))))


def joined(batches: list[Batch]) -> Batch:
    """Several batches as one, their records numbered anew."""
    tables: dict[str, list[pa.Table]] = {table: [] for table in TABLES}
    first = 0
    for batch in batches:
        old = flat(batch.executions["record_no"])
        for table in TABLES:
            rows = batch.table(table)
            if rows.num_rows or table == "executions":
                new = pc.add(pc.index_in(flat(rows["record_no"]), value_set=old).cast(pa.int64()), first)
                tables[table].append(rows.set_column(0, batch_schema(table).field(0), new))
        first += len(old)
    return Batch(
        *(pa.concat_tables(tables[name]) if tables[name] else batch_schema(name).empty_table() for name in TABLES)
    )


def _note(outcomes: WriteOutcomes, executions: pa.Table, fresh: pa.Table, touched: pa.Table, plain: pa.Array) -> None:
    """Mark the records that were new, and of each id that changed the record that made the difference."""
    order = np.argsort(outcomes.record_no, kind="stable")
    ascending = outcomes.record_no[order]

    def places(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        found: npt.NDArray[np.intp] = order[np.searchsorted(ascending, numbers)]
        return found

    is_plain = pc.is_in(fresh["id"], value_set=plain).to_numpy()
    outcomes.outcome[places(record_numbers(fresh))] = np.where(is_plain, UPDATED, NEW)
    if not touched.num_rows:
        return
    first = pc.index_in(touched["id"], value_set=flat(executions["id"]))
    chosen = flat(executions["record_no"]).take(flat(first)).to_numpy().astype(np.int64)
    for giver in ("payloads_record", "nodes_record", "core_record"):
        given = pc.fill_null(touched[giver], -1).to_numpy()
        chosen = np.where(given >= 0, given, chosen)
    is_new = pc.is_null(touched["stored_date"]).to_numpy()
    outcomes.outcome[places(chosen)] = np.where(is_new, NEW, UPDATED)


def _same(session: Session, batch: Batch, stored: pa.Table, twice: pa.Array | None) -> pa.Array:
    """Ids of records that are stored exactly so: the bulk of a second load, told apart cheaply."""
    unclear = pc.unique(batch.logs["execution_id"])
    if twice is not None:
        unclear = pa.concat_arrays([unclear, twice])
    clear = pc.invert(pc.is_in(batch.executions["id"], value_set=unclear))
    incoming = batch.executions.filter(clear)
    return flat(session.table_over(read_sql("warehouse", "merge_same"), incoming=incoming, stored=stored)["id"])


def _repeated(ids: pa.ChunkedArray) -> pa.Array | None:
    """The ids that occur more than once. None: there are none."""
    if pc.count_distinct(ids).as_py() == len(ids):
        return None
    counts = pc.value_counts(ids)
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))
