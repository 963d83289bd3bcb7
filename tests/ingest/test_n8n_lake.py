"""The bundled sample into a lake: pages, lists without data, earlier states, single answers of the same executions."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ingest.format import NormaliseOptions
from ingest.load import load
from ingest.report import LoadOptions
from ingest.sample import sample_files, sample_workflows
from ingest.workflows import read_workflow_names
from tests.fixtures.n8n_reading import Record, expected_mode, expected_status, read_items
from tests.warehouse.hot_helpers import all_of
from warehouse.lake import Lake

KEYS = {
    "executions": ["id"],
    "node_runs": ["execution_id", "node_id", "run_index"],
    "payloads": ["execution_id", "node_id", "run_index", "kind"],
}


def _options() -> LoadOptions:
    return LoadOptions(normalise=NormaliseOptions(workflow_names=read_workflow_names(sample_workflows())))


def _tables(lake: Lake) -> dict[str, pl.DataFrame]:
    found: dict[str, pl.DataFrame] = {}
    for name, rows in all_of(lake).items():
        frame = pl.from_arrow(rows)
        assert isinstance(frame, pl.DataFrame)
        if name in KEYS:
            found[name] = frame.sort(KEYS[name])
    return found


def test_the_sample_gives_the_same_lake_in_any_order_and_again(tmp_path: Path) -> None:
    one, other = (Lake.open(str(tmp_path / name), create=True) for name in ("one", "other"))
    files = sample_files()
    first = load(one, files, _options())
    assert (first.rejected, first.read) == (0, sum(len(read_items(file)) for file in files))
    assert first.new + first.updated + first.unchanged == first.read
    for file in reversed(files):
        assert load(other, [file], _options()).rejected == 0
    tables, others = _tables(one), _tables(other)
    for name in KEYS:
        assert tables[name].equals(others[name]), name

    again = load(one, files, _options())
    assert (again.new, again.updated, again.unchanged) == (0, 0, again.read)

    rows = {row["id"]: row for row in tables["executions"].iter_rows(named=True)}
    assert first.new == len(rows)
    assert all(row["workflow_name"] for row in rows.values())
    assert tables["executions"]["date"].n_unique() == 1, "what was placed at the epoch has been replaced"
    # The fullest record of each id decides; the sample holds the last state of every one with data.
    newest: dict[str, tuple[str, bool, Record]] = {}
    for file in files:
        for item in read_items(file):
            stop = item["stoppedAt"] or item["startedAt"] or ""
            newest[item["id"]] = max(newest.get(item["id"], ("", False, {})), (stop, "data" in item, item), key=_rank)
    for number, (_, _, item) in newest.items():
        assert (rows[number]["status"], rows[number]["mode"]) == (expected_status(item), expected_mode(item)), number


def _rank(state: tuple[str, bool, Record]) -> tuple[str, bool]:
    return state[:2]
