"""The contract's Execution objects -> rows of the four tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.columns import (
    elements,
    fields,
    first_bytes,
    flat,
    in_batches,
    in_order,
    numbers,
    occurrence,
    run_in_order,
    truth,
    valid,
)
from ingest.contract_rows import Checked, assemble
from ingest.expected_bytes import may_hold_more
from ingest.format import REJECT_SCHEMA, Normalised, NormaliseOptions
from ingest.parsed import Parsed
from ingest.redact import mask_json, mask_text
from warehouse.duck import Session, read_sql
from warehouse.errors import QueryError

_MASKED_TEXTS: Final = ("error.message", "error.stack")
_TEXT_FIELDS: Final = ("workflowName", "trigger.type", "trigger.source", "error.type", "error.message", "error.stack")
_ID_FIELDS: Final = ("id", "workflowId", "retryOf", "retrySuccessId", "error.nodeId")
_STRUCTS: Final = ("trigger", "error", "metadata")
_LISTS: Final = ("executionData", "logs")
_JSON_FIELDS: Final = ("inputData", "outputData", "trigger.payload")
_JSON_KEYS: Final = frozenset(
    {
        "inputData", "outputData", "payload", "duration", "runIndex", "retryCount", "queueTime", "memoryUsage",
        "nodeCount", "dataTransferred", "data", "customData",
    }
)  # fmt: skip
"""Fields that contract_parse leaves as JSON text."""


class ContractFormat:
    """One record is one Execution object of the contract, as the list or the detail shows it."""

    name: Final = "runlake"

    def normalise(self, session: Session, records: pa.Table, options: NormaliseOptions) -> Normalised:
        """See Format.normalise."""
        session.run_once(read_sql("ingest", "contract_macros"))
        parsed = _parse(session, records)
        wrong = _wrong_types(session, records, parsed)
        parsed = _masked(parsed, options)
        executions, bad_executions = _typed(session, "parsed", _scalars(parsed), "execution", "position")
        nodes, bad_nodes = _typed(session, "nodes", _node_table(parsed, options), "node", "node_no")
        lines, bad_lines = _typed(session, "lines", _line_table(parsed, options), "log", "line_no")
        rejects = _rejects(parsed.record_no, [bad_executions, bad_nodes, bad_lines], wrong)
        return Normalised(assemble(session, parsed, Checked(executions, nodes, lines), rejects, options), rejects)


def _parse(session: Session, records: pa.Table) -> Parsed:
    numbered = in_batches(records.append_column("position", pa.array(np.arange(records.num_rows))))
    try:
        table = session.table_over(read_sql("ingest", "contract_parse"), records=numbered)
    except QueryError:
        table = session.table_over(read_sql("ingest", "contract_parse_tolerant"), records=numbered)
    table = in_order(table, "position")
    found = fields(table.column("r"))
    found["is_json"] = pc.is_valid(table.column("r"))
    found["is_object"] = table.column("is_object")
    return Parsed(flat(table.column("record_no")), found, elements(found["executionData"]), elements(found["logs"]))


def _masked(parsed: Parsed, options: NormaliseOptions) -> Parsed:
    """The same with secrets masked in the error and in the custom data."""
    if options.payloads == "keep":
        return parsed
    found = dict(parsed.fields)
    for name in _MASKED_TEXTS:
        found[name] = mask_text(found[name], options.secret_keys)
    found["customData"] = mask_json(found["customData"], options.secret_keys)
    return replace(parsed, fields=found)


def _scalars(parsed: Parsed) -> pa.Table:
    skipped = {*_STRUCTS, *_LISTS, *_JSON_FIELDS}
    columns = {name: column for name, column in parsed.fields.items() if name not in skipped}
    lengths = pc.list_value_length(parsed.fields["executionData"])
    position = pa.array(np.arange(len(parsed.record_no)))
    return pa.table({"position": position, "record_no": parsed.record_no, **columns, "node_runs": lengths})


def _node_table(parsed: Parsed, options: NormaliseOptions) -> pa.Table:
    nodes = parsed.nodes
    table = nodes.table
    if options.payloads != "keep":
        for name in _MASKED_TEXTS:
            masked = mask_text(table.column(name), options.secret_keys)
            table = table.set_column(table.column_names.index(name), name, masked)
    node_id = pc.coalesce(table.column("nodeId"), table.column("nodeName"))
    added = {
        "node_no": np.arange(table.num_rows),
        "position": nodes.position,
        "order_index": nodes.order_index.astype(np.int32),
        "run_index": occurrence(nodes.position, node_id).astype(np.int32),
    }
    for name, column in added.items():
        table = table.append_column(name, pa.array(column))
    return table.append_column("node_id", node_id)


def _line_table(parsed: Parsed, options: NormaliseOptions) -> pa.Table:
    table = parsed.lines.table
    if options.payloads != "keep" and table.num_rows:
        message = mask_text(table.column("message"), options.secret_keys)
        data = mask_json(table.column("data"), options.secret_keys)
        table = table.set_column(table.column_names.index("message"), "message", message)
        table = table.set_column(table.column_names.index("data"), "data", data)
    for name, column in (
        ("line_no", np.arange(table.num_rows)),
        ("position", parsed.lines.position),
        ("line_index", parsed.lines.order_index),
    ):
        table = table.append_column(name, pa.array(column))
    return table


def _wrong_types(session: Session, records: pa.Table, parsed: Parsed) -> pa.Table:
    """Rejects for keys that are there twice and fields of a wrong type; only records that look so are looked at."""
    found = {name: column for name, column in parsed.fields.items() if name not in ("is_json", "is_object")}
    lists = {"executionData": parsed.nodes, "logs": parsed.lines}
    is_json = truth(parsed.fields["is_json"]) & truth(parsed.fields["is_object"])
    more = may_hold_more(records.column("raw"), found, lists, _JSON_KEYS)
    more = more[is_json[more]]
    keys = REJECT_SCHEMA.empty_table()
    if len(more):
        # A filter, not a take: a take would put the pieces of all texts together first.
        suspects = np.zeros(records.num_rows, bool)
        suspects[more] = True
        doubtful = in_batches(records.filter(pa.array(suspects)))
        keys = session.table_over(read_sql("ingest", "record_keys"), records=doubtful).cast(REJECT_SCHEMA)
    odd = _odd(found) & is_json
    for name in _LISTS:
        suspects = np.zeros(len(odd), bool)
        suspects[more] = ~valid(found[name])[more]
        texts = records.column("raw").filter(pa.array(suspects))
        odd[np.flatnonzero(suspects)[truth(pc.match_substring(texts, f'"{name}"'))]] = True
    if not odd.any():
        return keys
    doubtful = in_batches(records.filter(pa.array(odd)))
    types = session.table_over(read_sql("ingest", "contract_types"), records=doubtful)
    return pa.concat_tables([keys, types.cast(REJECT_SCHEMA)])


def _odd(found: dict[str, pa.ChunkedArray]) -> npt.NDArray[np.bool_]:
    """Records with a text that looks like another type's, or an object without any of its fields."""
    odd = np.zeros(len(found["id"]), bool)
    for name in _STRUCTS:
        empty = valid(found[name])
        for key, column in found.items():
            if key.startswith(f"{name}."):
                empty &= ~valid(column)
        odd |= empty
    for name in (*_TEXT_FIELDS, *_ID_FIELDS):
        suspects = _MAY_BEGIN_ODD[first_bytes(found[name])]
        if suspects.any():
            texts = found[name].filter(pa.array(suspects))
            pattern = _ODD_ID if name in _ID_FIELDS else _ODD_TEXT
            odd[np.flatnonzero(suspects)[truth(pc.match_substring_regex(texts, pattern))]] = True
    odd |= truth(pc.invert(pc.starts_with(found["customData"], "{")))
    return odd


_NO_FAULTS: Final = pa.schema(
    [
        ("position", pa.int64()),
        ("reject", pa.struct([("field", pa.string()), ("reason", pa.string()), ("value", pa.string())])),
    ]
).empty_table()

_MAY_BEGIN_ODD: Final = np.isin(np.arange(256), np.frombuffer(b"[{tf-0123456789", np.uint8))
"""By its first byte, whether a text can match one of the patterns below."""
_ODD_TEXT: Final = r"^(?:[\[{].*|true|false|-?[0-9][0-9.eE+-]*)$"
_ODD_ID: Final = r"^(?:[\[{].*|true|false|-?[0-9]*\.[0-9eE+-]*|-?[0-9]+[eE].*)$"


def _typed(session: Session, name: str, rows: pa.Table, what: str, number: str) -> tuple[pa.Table, pa.Table]:
    """(the rows typed, the faults of those that are not surely fine), by the SQL of that name."""
    typed = run_in_order(session, f"contract_{what}s", number, **{name: rows})
    doubtful = np.flatnonzero(~truth(typed.column("is_fine")))
    if not len(doubtful):
        return typed, _NO_FAULTS
    suspects = {name: in_batches(rows.take(pa.array(doubtful)))}
    return typed, session.table_over(read_sql("ingest", f"contract_{what}_faults"), **suspects)


def _rejects(record_no: pa.Array, faults: list[pa.Table], wrong: pa.Table) -> pa.Table:
    """One reject a refused record: the executions' own fault first, then a wrong type, a node's, a log line's."""
    executions, *others = [_refused(record_no, table) for table in faults]
    table = pa.concat_tables([executions, wrong, *others])
    _, first = np.unique(numbers(table.column("record_no")), return_index=True)
    return table.take(pa.array(first))


def _refused(record_no: pa.Array, faults: pa.Table) -> pa.Table:
    columns = fields(faults.column("reject"))
    refused = record_no.take(flat(faults.column("position")))
    return pa.table([refused, columns["field"], columns["reason"], columns["value"]], schema=REJECT_SCHEMA)
