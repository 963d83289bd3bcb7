"""The checked rows of the contract put together to a batch: refused records out, keys in, sorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import (
    flat,
    hashes,
    numbers,
    position_in_group,
    run_in_order,
    take,
    truth,
    valid,
    xor_by_group,
)
from ingest.format import NormaliseOptions
from ingest.parsed import Parsed
from ingest.piece import Ints
from ingest.redact import arrow_texts, mask_series
from warehouse.duck import Session
from warehouse.schema import Batch, TableName, batch_schema

_INPUT: Final = 0
_OUTPUT: Final = 1
_TRIGGER: Final = 2
_KINDS: Final = pa.array(["input", "output", "trigger"])


@dataclass(frozen=True, slots=True)
class Checked:
    """What the SQL made of a block, row for row; `reject` of each is not looked at here any more."""

    executions: pa.Table
    nodes: pa.Table
    lines: pa.Table


def assemble(session: Session, parsed: Parsed, checked: Checked, rejects: pa.Table, options: NormaliseOptions) -> Batch:
    """The batch of the records without a reject; each table sorted by the execution's (date, instant, id)."""
    order, rank = _ranks(parsed.record_no, checked.executions, rejects)
    count = len(order)
    executions = take(checked.executions, order)
    node_rows = _sorted_rows(rank[parsed.nodes.position])
    node_rank = rank[parsed.nodes.position][node_rows]
    nodes = take(checked.nodes, node_rows)
    payloads = _payloads(parsed, checked.nodes, rank, options)
    numbered = payloads.append_column("payload_no", pa.array(np.arange(len(payloads))))
    sizes = run_in_order(session, "contract_payloads", "payload_no", payloads=numbered)
    payload_rank = numbers(payloads.column("rank"))
    payload_counts = np.bincount(payload_rank, minlength=count)

    columns = _columns(executions)
    columns["workflow_name"] = _names(executions, options)
    columns["error_fingerprint"] = _fingerprints(session, executions)
    columns["nodes_hash"] = _hash(
        xor_by_group(hashes(nodes.column("node_hash")), node_rank, count), valid(parsed.fields["executionData"])[order]
    )
    columns["payloads_hash"] = _hash(
        xor_by_group(hashes(sizes.column("payload_hash")), payload_rank, count), payload_counts > 0
    )
    done = _shaped("executions", columns, count)
    return Batch(
        done,
        _child("node_runs", _columns(nodes), node_rank, done),
        _child("payloads", {**_columns(payloads), "data_bytes": sizes.column("data_bytes")}, payload_rank, done),
        _logs(parsed, checked.lines, rank, done),
    )


def _ranks(record_no: pa.Array, executions: pa.Table, rejects: pa.Table) -> tuple[Ints, Ints]:
    """(positions of the accepted records in the order of the lake, place in that order by position or -1)."""
    accepted = np.ones(executions.num_rows, bool)
    if rejects.num_rows:
        accepted = ~truth(pc.is_in(record_no, value_set=flat(rejects.column("record_no"))))
    rows: Ints = np.flatnonzero(accepted)
    placed = flat(pc.coalesce(executions.column("started_at"), executions.column("created_at")))
    placed_us = numbers(pc.fill_null(placed.view(pa.int64()), 0))[rows]
    if len(rows) > 1 and not (np.diff(placed_us) > 0).all():
        keys = pa.table({"placed": placed_us, "id": flat(executions.column("id")).take(pa.array(rows))})
        ordered = pc.sort_indices(keys, [("placed", "ascending"), ("id", "ascending")])
        rows = rows[ordered.to_numpy(zero_copy_only=False)]
    rank: Ints = np.full(executions.num_rows, -1, np.int64)
    rank[rows] = np.arange(len(rows))
    return rows, rank


def _sorted_rows(rank: Ints, *then: Ints) -> Ints:
    """Rows with a rank, by rank and then by the other keys, otherwise as they came."""
    rows: Ints = np.flatnonzero(rank >= 0)
    keys = [key[rows] for key in (*reversed(then), rank)]
    if len(then) == 0 and (len(rows) < 2 or (np.diff(keys[0]) >= 0).all()):
        return rows
    return rows[np.lexsort(keys)]


def _payloads(parsed: Parsed, nodes: pa.Table, rank: Ints, options: NormaliseOptions) -> pa.Table:
    """The payloads as they will be stored, with the `rank` of their execution, in order."""
    runs: Ints = np.arange(nodes.num_rows)
    none: Ints = np.full(len(rank), -1, np.int64)
    node_rank = rank[parsed.nodes.position]
    of_run = parsed.nodes.table
    sources = [
        (of_run.column("inputData"), node_rank, runs, _INPUT),
        (of_run.column("outputData"), node_rank, runs, _OUTPUT),
        (parsed.fields["inputData"], rank, none, _INPUT),
        (parsed.fields["outputData"], rank, none, _OUTPUT),
        (parsed.fields["trigger.payload"], rank, none, _TRIGGER),
    ]
    there = [valid(column) & (ranks >= 0) & (options.payloads != "drop") for column, ranks, _, _ in sources]
    starts = np.cumsum([0, *(len(column) for column, *_ in sources)])
    row = np.concatenate([np.flatnonzero(rows) + start for rows, start in zip(there, starts[:-1], strict=True)])
    ranks = np.concatenate([ranks[rows] for (_, ranks, _, _), rows in zip(sources, there, strict=True)])
    run = np.concatenate([runs[rows] for (_, _, runs, _), rows in zip(sources, there, strict=True)])
    kind = np.repeat([code for *_, code in sources], [np.count_nonzero(rows) for rows in there])
    # By execution, its own before those of its runs, which come in order; by kind.
    order = np.argsort((ranks * (nodes.num_rows + 1) + run + 1) * len(_KINDS) + kind, kind="stable")
    # As views (polars) the texts are sorted and masked without being copied, and copied once in the end.
    texts = pl.concat([pl.Series(values=column, dtype=pl.String) for column, *_ in sources]).gather(row[order])
    if options.payloads == "redact":
        texts = mask_series(texts, options.secret_keys, free_text=False)
    run = pa.array(run[order], mask=run[order] < 0)
    return pa.table(
        {
            "data": arrow_texts(texts),
            "rank": ranks[order],
            "node_id": flat(nodes.column("node_id")).take(run),
            "run_index": pc.fill_null(flat(nodes.column("run_index")).take(run), 0),
            "kind": _KINDS.take(pa.array(kind[order])),
        }
    )


def _logs(parsed: Parsed, lines: pa.Table, rank: Ints, executions: pa.Table) -> pa.Table:
    """The log lines; `seq` counts those of one execution and instant in the order they came."""
    line_rank = rank[parsed.lines.position]
    logged_us = numbers(pc.fill_null(flat(lines.column("logged_at")).view(pa.int64()), 0))
    rows = _sorted_rows(line_rank, logged_us)
    columns = _columns(take(lines, rows))
    line_rank, logged_us = line_rank[rows], logged_us[rows]
    _, instant = np.unique(logged_us, return_inverse=True)
    columns["seq"] = pa.array(position_in_group(line_rank * (len(rows) + 1) + instant).astype(np.int32))
    return _child("logs", columns, line_rank, executions)


def _names(executions: pa.Table, options: NormaliseOptions) -> pa.ChunkedArray:
    """The records' own workflow names, else those of the workflows file."""
    own = executions.column("workflow_name")
    if not options.workflow_names:
        return own
    at = pc.index_in(executions.column("workflow_id"), value_set=pa.array(list(options.workflow_names), pa.string()))
    return pc.coalesce(own, pa.array(list(options.workflow_names.values()), pa.string()).take(flat(at)))


def _fingerprints(session: Session, executions: pa.Table) -> pa.ChunkedArray:
    """The groups of the errors. NULL: there is no error."""
    texts = executions.select(["error_type", "error_message"])
    there = valid(texts.column("error_type")) | valid(texts.column("error_message"))
    rows = np.flatnonzero(there)
    errors = texts.take(pa.array(rows)).append_column("error_no", pa.array(np.arange(len(rows))))
    found = run_in_order(session, "contract_fingerprints", "error_no", errors=errors).column("error_fingerprint")
    place: Ints = np.full(len(there), -1, np.int64)
    place[rows] = np.arange(len(rows))
    return found.take(pa.array(place, mask=place < 0))


def _hash(values: npt.NDArray[np.uint64], there: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values.view(np.int64), mask=~there)


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {name: table.column(name) for name in table.column_names}


def _child(table: TableName, columns: dict[str, pa.ChunkedArray], rank: Ints, executions: pa.Table) -> pa.Table:
    """Rows that hang on executions, with what they take from them."""
    keys = {"record_no": "record_no", "execution_id": "id", "workflow_id": "workflow_id", "date": "date"}
    taken = {name: own for name, own in keys.items() if name in batch_schema(table).names}
    held = take(executions.select(list(taken.values())), rank)
    columns = {**columns, **{name: held.column(own) for name, own in taken.items()}}
    return _shaped(table, columns, len(rank))


def _shaped(name: TableName, columns: dict[str, pa.ChunkedArray], rows: int) -> pa.Table:
    """Exactly the columns of batch_schema(name); one that is not given is NULL."""
    schema = batch_schema(name)
    arrays = [
        columns[field.name].cast(field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
