"""Records that arrive in bodies: a body taken apart, and many bodies normalised as one batch.

A body is one record, an array, a page or lines (NDJSON); what the records of it are and in which order is all that is
kept of its form. Bodies are normalised together because a query costs much more than a record does; each gets its own
outcome back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import numbers, position_in_group
from ingest.format import RECORDS, Format, NormaliseOptions
from ingest.piece import NO_INDEX, Flaw, Ints, Piece
from ingest.split import split
from ingest.strict import refuse_loose
from warehouse.duck import Session
from warehouse.schema import TABLES, Batch

RejectKind = Literal["invalid", "too_large", "foreign"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ID_MAX_CHARS: Final = 512
_TOO_LARGE: Final = re.compile(r"the record has \d+ bytes, at most \d+ are allowed")
_KEYS: Final = {"id": "id", "workflow_id": "workflowId"}
_OLDEST: Final = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a record was refused."""

    field: str | None
    """The contract's name of the field. None: the whole record."""
    reason: str
    value: str | None = None
    """The value found, shortened. None: it is missing."""
    kind: RejectKind = "invalid"


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one body (or one piece of a stream)."""

    raw: pa.ChunkedArray
    """The JSON texts that can be given to a format."""
    place: Ints
    """Place of each of them among all records of the body, from 0."""
    flaws: dict[int, Flaw]
    """The others by place: refused before any format looked at them."""
    size_bytes: int

    def __len__(self) -> int:
        return len(self.raw) + len(self.flaws)


@dataclass(slots=True)
class BodyRows:
    """What became of one body's records by being normalised; places count from 0."""

    first_no: int
    """`record_no` of its first text; the text in row r has first_no + r."""
    records: Records
    rejects: dict[int, Reject] = field(default_factory=dict)
    """By place."""

    def ids(self, found: dict[int, str]) -> list[str | None]:
        """The id of each record by place; `found`: those of accepted ones, by record_no. None: it has no usable id."""
        ids: list[str | None] = [None] * len(self.records)
        for row, place in enumerate(self.records.place.tolist()):
            ids[place] = found.get(self.first_no + row) or _id_in(self.records.raw[row].as_py())
        for place, flaw in self.records.flaws.items():
            ids[place] = _id_in(flaw.raw.decode("utf-8", "replace"))
        return ids


def read_records(data: bytes, max_record_bytes: int) -> Records:
    """The records of a whole body. Raises nothing for what the bytes are."""
    pieces = [refuse_loose(piece) for piece in split([data.removeprefix(_BYTE_ORDER_MARK)], max_record_bytes)]
    raw = pa.chunked_array([piece.raw for piece in pieces], pa.string())
    flaws = [flaw for piece in pieces for flaw in piece.flaws]
    if not flaws:
        return Records(raw, np.arange(len(raw)), {}, len(data))
    line_no: Ints = np.concatenate([np.zeros(0, np.int64), *(piece.line_no for piece in pieces)])
    index = np.concatenate([np.zeros(0, np.int64), *(_index(piece) for piece in pieces)])
    lines = np.concatenate([line_no, np.array([flaw.line_no for flaw in flaws], np.int64)])
    indexes = np.concatenate([index, np.array([flaw.index for flaw in flaws], np.int64)])
    order = np.lexsort((indexes, lines))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    flawed = place[len(raw) :].tolist()
    return Records(raw, place[: len(raw)], dict(zip(flawed, flaws, strict=True)), len(data))


def normalise_together(
    session: Session, form: Format, bodies: Sequence[Records], options: NormaliseOptions
) -> tuple[Batch, list[BodyRows]]:
    """One batch of the accepted records of all bodies, and what was refused, body by body in their order.

    Costs some 25 ms of queries whatever comes, and about 9 microseconds a narrow record.
    """
    firsts = np.cumsum([0, *(len(body.raw) for body in bodies)])
    chunks = [chunk for body in bodies for chunk in body.raw.chunks]
    numbers_ = pa.array(np.arange(firsts[-1]))
    table = pa.table([numbers_, pa.chunked_array(chunks, pa.string())], schema=RECORDS)
    done = form.normalise(session, table, options)
    found = [
        BodyRows(int(first), body, {place: _reject(flaw) for place, flaw in body.flaws.items()})
        for first, body in zip(firsts[:-1], bodies, strict=True)
    ]
    for reject in done.rejects.to_pylist():
        reason = Reject(reject["field"], reject["reason"], reject["value"])
        _refuse(found, firsts, reject["record_no"], reason)
    batch = done.batch
    for column, name in _KEYS.items():
        # No database takes such a text for a key.
        bad = pc.fill_null(pc.match_substring(batch.executions.column(column), "\0"), False)
        if pc.any(bad).as_py():
            refused = numbers(batch.executions.column("record_no").filter(bad))
            for number in refused.tolist():
                _refuse(found, firsts, number, Reject(name, "the id holds the character U+0000"))
            batch = without_records(batch, refused)
    return batch, found


def _refuse(bodies: Sequence[BodyRows], firsts: Ints, record_no: int, reject: Reject) -> None:
    rows = bodies[int(np.searchsorted(firsts, record_no, side="right")) - 1]
    rows.rejects[int(rows.records.place[record_no - rows.first_no])] = reject


def refuse_foreign(batch: Batch, rows: BodyRows, allowed: frozenset[str], reject: Reject) -> Batch:
    """The batch without those records of one body whose workflow is not among `allowed` (nor known), each refused."""
    no = numbers(batch.executions.column("record_no"))
    own = (no >= rows.first_no) & (no < rows.first_no + len(rows.records.raw))
    inside = pc.is_in(batch.executions.column("workflow_id"), value_set=pa.array(sorted(allowed), pa.string()))
    foreign = no[own & ~np.asarray(inside)]
    for number in foreign.tolist():
        rows.rejects[int(rows.records.place[number - rows.first_no])] = reject
    return without_records(batch, foreign)


def without_records(batch: Batch, record_nos: Ints) -> Batch:
    """The batch without these records and what hangs on them."""
    if not len(record_nos):
        return batch
    gone = pa.array(record_nos)
    tables = (batch.table(name) for name in TABLES)
    return Batch(*(rows.filter(pc.invert(pc.is_in(rows.column("record_no"), value_set=gone))) for rows in tables))


def oversize_record(head: bytes, size_bytes: int, max_record_bytes: int) -> Records:
    """One record that was too large to be kept whole."""
    reason = f"the record has {size_bytes} bytes, at most {max_record_bytes} are allowed"
    none: Ints = np.zeros(0, np.int64)
    return Records(pa.chunked_array([], pa.string()), none, {0: Flaw(head, 1, NO_INDEX, reason)}, len(head))


def line_records(lines: Records, execution_id: str) -> Records:
    """Log lines of the contract as records of their execution, a line each.

    Each is older than any record of an engine, so that nothing but the line counts of it.
    """
    flaws = dict(lines.flaws)
    texts: list[str] = []
    places: list[int] = []
    head = json.dumps({"id": execution_id, "status": "queued", "mode": "manual", "createdAt": _OLDEST})[:-1]
    for place, text in zip(lines.place.tolist(), lines.raw.to_pylist(), strict=True):
        try:
            # Only a text that is an object by itself: it must not end the list it is put into and go on.
            msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
            flaws[place] = Flaw(text.encode(), 1, NO_INDEX, f"not a log line, which is a JSON object: {error}")
            continue
        texts.append(f'{head}, "updatedAt": "{_OLDEST}", "logs": [{text}]}}')
        places.append(place)
    raw = pa.chunked_array([texts], pa.string())
    return Records(raw, np.array(places, np.int64), flaws, lines.size_bytes)


def lines_as_one(batch: Batch, rows: BodyRows, execution_id: str) -> Batch:
    """The batch with one body's log lines (see line_records) hanging on one record instead of one each."""
    first_no, end_no = rows.first_no, rows.first_no + len(rows.records.raw)
    for place, reject in rows.rejects.items():
        if reject.field is not None:
            rows.rejects[place] = replace(reject, field=reject.field.removeprefix("logs[0]."))
    executions, logs = batch.executions, batch.logs
    no = numbers(executions.column("record_no"))
    own = np.flatnonzero((no >= first_no) & (no < end_no))
    assert set(executions.column("id").take(pa.array(own)).to_pylist()) <= {execution_id}
    if len(own) < 2:
        return batch
    keep = np.ones(len(no), bool)
    keep[own[1:]] = False
    log_no = numbers(logs.column("record_no"))
    mine = (log_no >= first_no) & (log_no < end_no)
    order = np.lexsort((log_no, numbers(logs.column("logged_at")), ~mine))[: np.count_nonzero(mine)]
    _, instant = np.unique(numbers(logs.column("logged_at"))[order], return_inverse=True)
    seq = numbers(logs.column("seq")).copy()
    seq[order] = position_in_group(instant)
    log_no = np.where(mine, no[own[0]], log_no)
    for name, values in (("record_no", log_no), ("seq", seq.astype(np.int32))):
        at = logs.schema.get_field_index(name)
        logs = logs.set_column(at, logs.schema.field(at), pa.array(values))
    return Batch(executions.filter(pa.array(keep)), batch.node_runs, batch.payloads, logs)


def _reject(flaw: Flaw) -> Reject:
    """A flaw in the words of an answer: of what is too large nothing is kept here."""
    return Reject(
        None, flaw.reason.split("; kept here")[0], None, "too_large" if _TOO_LARGE.match(flaw.reason) else "invalid"
    )


def _index(piece: Piece) -> Ints:
    return np.full(len(piece), NO_INDEX, np.int64) if piece.index is None else piece.index


def _id_in(text: str) -> str | None:
    """The id that a refused record names, as far as it can be read."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = record.get("id") if isinstance(record, dict) else None
    usable = isinstance(found, str | int) and not isinstance(found, bool)
    # JSON can name half a character, which no answer can.
    return str(found)[:_ID_MAX_CHARS].encode("utf-8", "replace").decode() if usable else None
