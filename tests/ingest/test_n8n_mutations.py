"""Every key of real records spoilt: the record is taken or refused with a reason, its neighbours are as ever."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from ingest.format import Normalised, NormaliseOptions
from ingest.n8n import N8nFormat
from ingest.sample import sample_files
from tests.fixtures.n8n_reading import Record, read_items, table_of
from warehouse.duck import Session, connect
from warehouse.schema import MODES, STATUSES, TABLES, batch_schema

# Success with an error output, error, crashed, cancelled while queued, waiting, retried.
IDS = ("472", "1094", "2245", "2255", "2300", "2106")
MISSING = object()
SPOILT: tuple[Any, ...] = (
    MISSING, None, 12345, -1, 1e300, True, "text", "", [], {}, [1, None, "x", {"a": [1]}], {"main": 5, "json": "x"},
)  # fmt: skip
DECIDING = {"id", "status", "mode", "startedAt", "stoppedAt"}
"""The fields that a record cannot do without or be misread by; nothing else may refuse it."""


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    session = connect()
    yield session
    session.close()


@pytest.fixture(scope="module")
def originals() -> dict[str, Record]:
    single = next(file for file in sample_files() if "single" in file.name)
    return {item["id"]: item for item in read_items(single) if item["id"] in IDS}


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path of the record; of an array its first element, of what nodes gave and are told only the top."""
    if path:
        yield path
    if len(path) > 1 and path[-1] in ("json", "parameters", "connections", "context", "contextData", "binary"):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from _paths(value[0], (*path, 0))


def _cases(record: Record) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """What to spoil, and with what: top-level fields with everything, the others with three of it in turn."""
    for at, path in enumerate(_paths(record)):
        turn = 2 + at % (len(SPOILT) - 2)
        for value in SPOILT if len(path) == 1 else (MISSING, None, SPOILT[turn]):
            yield path, value


def _spoilt(record: Record, path: tuple[str | int, ...], value: Any) -> Record:
    changed = copy.deepcopy(record)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    if value is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return changed


def _rows(table: pa.Table, record_no: int) -> list[dict[str, Any]]:
    start = pa.compute.index(table.column("record_no"), record_no).as_py()
    rows = []
    while start >= 0 and start < table.num_rows and table["record_no"][start].as_py() == record_no:
        rows.append({key: value for key, value in table.slice(start, 1).to_pylist()[0].items() if key != "record_no"})
        start += 1
    return rows


def _check_contract(outcome: Normalised, count: int) -> None:
    accepted = outcome.batch.executions.column("record_no").to_pylist()
    refused = outcome.rejects.column("record_no").to_pylist()
    assert sorted(accepted + refused) == list(range(count))
    for name in TABLES:
        table = outcome.batch.table(name)
        assert table.schema == batch_schema(name)
        assert [f.name for f in table.schema if not f.nullable and table[f.name].null_count] == []
    assert set(outcome.batch.executions["status"].to_pylist()) <= set(STATUSES)
    assert set(outcome.batch.executions["mode"].to_pylist()) <= set(MODES)
    keys = outcome.batch.node_runs.select(["record_no", "node_id", "run_index"])
    assert keys.group_by(keys.column_names).aggregate([]).num_rows == keys.num_rows
    assert set(outcome.batch.node_runs["status"].to_pylist()) <= set(STATUSES)


@pytest.mark.parametrize("number", IDS)
def test_a_spoilt_field_is_mapped_or_refused_with_a_reason(
    session: Session, originals: dict[str, Record], number: str
) -> None:
    record = originals[number]
    neighbour = originals[next(other for other in IDS if other != number)]
    cases = list(_cases(record))
    assert len(cases) > 400
    records: list[Record] = []
    for at, (path, value) in enumerate(cases):
        records.append(_spoilt(record, path, value))
        if at % 20 == 0:
            records.append(neighbour)
    outcome = N8nFormat().normalise(session, table_of(records), NormaliseOptions())
    _check_contract(outcome, len(records))

    case_of = dict(zip((n for n, r in enumerate(records) if r is not neighbour), cases, strict=True))
    for reject in outcome.rejects.to_pylist():
        path, value = case_of[reject["record_no"]]
        assert path[0] in DECIDING, (path, value, reject)
        assert reject["reason"]
        assert reject["field"] in DECIDING
    alone = N8nFormat().normalise(session, table_of([neighbour]), NormaliseOptions()).batch
    want = {name: _rows(alone.table(name), 0) for name in TABLES}
    for n in (n for n, r in enumerate(records) if r is neighbour):
        assert {name: _rows(outcome.batch.table(name), n) for name in want} == want


def test_a_strange_part_does_not_lose_the_rest(session: Session, originals: dict[str, Record]) -> None:
    record = originals["472"]
    cases = [(path, value) for path, value in _cases(record) if path[0] in ("data", "workflowData", "customData")]
    records = [_spoilt(record, path, value) for path, value in cases]
    outcome = N8nFormat().normalise(session, table_of([record, *records]), NormaliseOptions())
    assert outcome.rejects.num_rows == 0
    kept = ["id", "status", "started_at", "stopped_at", "duration_s", "workflow_id", "data_bytes", "source_status"]
    rows = outcome.batch.executions.select(kept).to_pylist()
    assert all(row == rows[0] for row in rows)
    # One spoilt node run leaves the others as they are.
    runs = record["data"]["resultData"]["runData"]
    name = next(iter(runs))
    records = [_spoilt(record, ("data", "resultData", "runData", name), value) for value in SPOILT]
    outcome = N8nFormat().normalise(session, table_of(records), NormaliseOptions())
    for number in range(len(records)):
        others = [r["node_name"] for r in _rows(outcome.batch.node_runs, number) if r["node_name"] != name]
        assert sorted(others) == sorted(other for other in runs if other != name)
