"""Inputs and outputs of an execution's nodes: as the contract's object, as CSV, and as they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from api.reading.execution_json import unavailable
from api.reading.json_text import encoded, items_of, parsed, spliced
from api.reading.spreadsheet import csv_line
from warehouse.listing import Detail

_NOTHING: Final[tuple[Any, ...]] = ()
_FIXED: Final = ("nodeId", "nodeName", "runIndex", "direction", "item")


@dataclass(slots=True)
class NodeRuns:
    """One node and the payloads of its runs, as stored."""

    node_id: str
    node_name: str | None
    runs: dict[int, dict[str, str]] = field(default_factory=dict)
    """By run index, in order: kind (input, output) -> JSON text."""

    def data(self) -> dict[str, Any]:
        """input and output; of a node with several runs the items of all of them, and `runs` with each."""
        if len(self.runs) == 1:
            return _of_run(next(iter(self.runs.values())))
        return {
            **{
                kind: [item for run in self.runs.values() if kind in run for item in items_of(run[kind])]
                for kind in ("input", "output")
            },
            "runs": [{"runIndex": at, **_of_run(run)} for at, run in self.runs.items()],
        }

    def of_run(self, run_index: int) -> dict[str, Any]:
        """input and output of one run; KeyError when there is none."""
        return {**_of_run(self.runs[run_index]), "runIndex": run_index}


def node_runs(detail: Detail) -> dict[str, NodeRuns]:
    """By id the nodes that ran or left data, in the order in which they first ran."""
    found: dict[str, NodeRuns] = {}
    for row in detail.node_runs.to_pylist():
        node = found.setdefault(row["node_id"], NodeRuns(row["node_id"], row["node_name"]))
        node.runs[row["run_index"]] = {}
    for row in detail.payloads.to_pylist():
        if row["node_id"] is not None:
            node = found.setdefault(row["node_id"], NodeRuns(row["node_id"], None))
            node.runs.setdefault(row["run_index"], {})[row["kind"]] = row["data"]
    for node in found.values():
        node.runs = dict(sorted(node.runs.items()))
    return found


def data_missing(detail: Detail) -> dict[str, str]:
    """`unavailable` of the whole execution's data."""
    return unavailable(detail.record(), detail.node_runs.to_pylist(), range(detail.payloads.num_rows))


def raw_lines(nodes: Mapping[str, NodeRuns]) -> Iterator[bytes]:
    """NDJSON: a line a stored payload, `data` in it to the letter as it is stored (line breaks between tokens become
    spaces).
    """
    for node in nodes.values():
        for at, run in node.runs.items():
            for kind, text in run.items():
                data = spliced(text)
                if isinstance(data, msgspec.Raw):
                    data = msgspec.Raw(bytes(data).replace(b"\r", b" ").replace(b"\n", b" "))
                yield encoded({"nodeId": node.node_id, "runIndex": at, "kind": kind, "data": data}) + b"\n"


def csv_lines(nodes: Mapping[str, NodeRuns]) -> Iterator[bytes]:
    """CSV: a line an item, a column a key of the items' `json` (and of other keys); values that are no plain text,
    number or truth value as JSON. Safe to open in a spreadsheet.
    """
    rows = list(_rows(nodes))
    columns = list(dict.fromkeys(name for _, cells in rows for name in cells))
    yield csv_line((*_FIXED, *columns))
    for place, cells in rows:
        yield csv_line((*place, *(cells.get(name) for name in columns)))


def _rows(nodes: Mapping[str, NodeRuns]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for node in nodes.values():
        for at, run in node.runs.items():
            for kind, text in run.items():
                value = parsed(text)
                for number, item in enumerate(value if isinstance(value, list) else [value]):
                    yield (node.node_id, node.node_name, at, kind, number), _cells(item)


def _cells(item: Any) -> dict[str, Any]:
    """Columns of an item: json.KEY of what n8n's items hold, KEY of others' objects with a point before it."""
    if not isinstance(item, dict):
        return {"value": _cell(item)}
    cells: dict[str, Any] = {}
    for key, value in item.items():
        if key == "json" and isinstance(value, dict):
            cells |= {f"json.{inner}": _cell(one) for inner, one in value.items()}
        else:
            cells[f"item.{key}"] = _cell(value)
    return cells


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return json.dumps(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False)


def _of_run(run: Mapping[str, str]) -> dict[str, Any]:
    return {kind: spliced(run[kind]) if kind in run else _NOTHING for kind in ("input", "output")}
