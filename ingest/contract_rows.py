"""The checked rows of the contract put together to a batch: refused records out, keys in, sorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import (
    flat,
    hashes,
    in_batches,
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
from ingest.redact import mask_json
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
    with session.tables(payloads=in_batches(payloads.append_column("payload_no", pa.array(np.arange(len(payloads)))))):
        sizes = run_in_order(session, "contract_payloads", "payload_no")
    payload_rank = numbers(payloads.column("rank"))
    payload_counts = np.bincount(payload_rank, minlength=count)

    columns = _columns(executions)
    columns["workflow_name"] = _names(executions, options)
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
    parts: list[pa.Table] = []
    if options.payloads != "drop":
        for name, code in (("inputData", _INPUT), ("outputData", _OUTPUT)):
            column = parsed.nodes.table.column(name)
            parts.append(_payload_part(column, rank[parsed.nodes.position], code, nodes))
        for name, code in (("inputData", _INPUT), ("outputData", _OUTPUT), ("trigger.payload", _TRIGGER)):
            parts.append(_payload_part(parsed.fields[name], rank, code, None))
    parts = [part for part in parts if part.num_rows] or [
        _payload_part(pa.chunked_array([], pa.string()), rank[:0], 0, None)
    ]
    table = pa.concat_tables(parts)
    order, kind = numbers(table.column("order_index")), numbers(table.column("kind_no"))
    rows = _sorted_rows(numbers(table.column("rank")), *((order, kind) if len(parts) > 1 else ()))
    table = take(table, rows)
    if options.payloads == "redact":
        masked = mask_json(table.column("data"), options.secret_keys)
        table = table.set_column(table.column_names.index("data"), "data", masked)
    return table.append_column("kind", _KINDS.take(flat(table.column("kind_no"))))


def _payload_part(data: pa.ChunkedArray, rank: Ints, kind: int, nodes: pa.Table | None) -> pa.Table:
    rows: Ints = np.flatnonzero(valid(data) & (rank >= 0))
    table = take(pa.table({"data": data}), rows)
    if nodes is None:
        node_id = pa.nulls(len(rows), pa.string())
        run_index = pa.array(np.zeros(len(rows), np.int32))
        order: Ints = np.full(len(rows), -1, np.int64)
    else:
        node_id = take(nodes.select(["node_id"]), rows).column(0)
        run_index = take(nodes.select(["run_index"]), rows).column(0)
        order = numbers(take(nodes.select(["order_index"]), rows).column(0))
    return pa.table(
        {
            "data": table.column("data"),
            "rank": rank[rows],
            "order_index": order,
            "kind_no": np.full(len(rows), kind, np.int64),
            "node_id": node_id,
            "run_index": run_index,
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


def _hash(values: npt.NDArray[np.uint64], there: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values.view(np.int64), mask=~there)


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {name: table.column(name) for name in table.column_names}


def _child(name: TableName, columns: dict[str, pa.ChunkedArray], rank: Ints, executions: pa.Table) -> pa.Table:
    """Rows that hang on executions, with what they take from them."""
    keys = take(executions.select(["record_no", "id", "workflow_id", "date"]), rank)
    columns = {
        **columns,
        "record_no": keys.column("record_no"),
        "execution_id": keys.column("id"),
        "workflow_id": keys.column("workflow_id"),
        "date": keys.column("date"),
    }
    return _shaped(name, columns, len(rank))


def _shaped(name: TableName, columns: dict[str, pa.ChunkedArray], rows: int) -> pa.Table:
    """Exactly the columns of batch_schema(name); one that is not given is NULL."""
    schema = batch_schema(name)
    arrays = [
        columns[field.name].cast(field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
