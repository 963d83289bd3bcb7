"""GET …/data and …/nodes/{nodeId}/data: JSON, CSV, and as stored."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.reading.json_text import spliced
from api.reading.spreadsheet import attachment, csv_line
from tests.api.app import app_of
from tests.api.records import Record, load_records, record
from tests.api.serving import served

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATH = "/v1/executions/exec_1"


def run(node: str, index: int, given: Any, gave: Any) -> Record:
    fields = {"inputData": given, "outputData": gave}
    kept = {name: value for name, value in fields.items() if value is not None}
    return {"nodeId": node, "nodeName": node.upper(), "nodeType": "t", "status": "success", "runIndex": index, **kept}


RUNS = [
    run(
        "evil", 0, None, [{"json": {"=cmd": "=1+1", "n": -5, "t": True, "none": None, "empty": "", "a,b": 'x "y"\nz'}}]
    ),
    run("loop", 0, [{"json": {"i": 0}}], [{"json": {"o": 0}}, {"json": {"o": 1}}]),
    run("loop", 1, [{"json": {"i": 1}}], []),
    run("loop", 2, None, {"not": "a list"}),
    run("quiet", 0, None, None),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    lake = load_records(tmp_path_factory.mktemp("data"), [record(1, AT, executionData=RUNS), record(2, AT)])
    with served(app_of(lake)) as client:
        yield client


def test_by_node_in_the_order_in_which_they_ran(client: httpx.Client) -> None:
    body = client.get(f"{PATH}/data").json()
    assert list(body["nodes"]) == ["evil", "loop", "quiet"]
    assert body["nodes"]["quiet"] == {"input": [], "output": []}
    assert body["nodes"]["loop"] == {
        "input": [{"json": {"i": 0}}, {"json": {"i": 1}}],
        "output": [{"json": {"o": 0}}, {"json": {"o": 1}}, {"not": "a list"}],
        "runs": [
            {"runIndex": 0, "input": [{"json": {"i": 0}}], "output": [{"json": {"o": 0}}, {"json": {"o": 1}}]},
            {"runIndex": 1, "input": [{"json": {"i": 1}}], "output": []},
            {"runIndex": 2, "input": [], "output": {"not": "a list"}},
        ],
    }
    assert client.get("/v1/executions/exec_2/data").json() == {"executionId": "exec_2", "nodes": {}}


def test_one_node_and_one_run(client: httpx.Client) -> None:
    whole = client.get(f"{PATH}/data", params={"nodeId": "loop"}).json()
    assert list(whole["nodes"]) == ["loop"]
    node = client.get(f"{PATH}/nodes/loop/data").json()
    assert node == {"nodeId": "loop", "nodeName": "LOOP", **whole["nodes"]["loop"]}
    assert client.get(f"{PATH}/nodes/loop/data?runIndex=1").json() == {
        "nodeId": "loop",
        "nodeName": "LOOP",
        "runIndex": 1,
        "input": [{"json": {"i": 1}}],
        "output": [],
    }


def test_a_node_or_a_run_that_is_not_there(client: httpx.Client) -> None:
    for path, code, said in (
        ("/data?nodeId=x", "NODE_NOT_FOUND", "evil, loop, quiet"),
        ("/nodes/x/data", "NODE_NOT_FOUND", "evil, loop, quiet"),
        ("/nodes/loop/data?runIndex=3", "RUN_NOT_FOUND", "3 times"),
    ):
        answer = client.get(f"{PATH}{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == code
        assert said in answer.json()["error"]["message"]
    assert client.get(f"{PATH}/nodes/loop/data?runIndex=-1").status_code == 400
    assert client.get(f"{PATH}/data?format=xml").json()["error"]["parameter"] == "format"


def test_csv_is_safe_for_a_spreadsheet(client: httpx.Client) -> None:
    answer = client.get(f"{PATH}/data?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="exec_1.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    evil = rows[0]
    assert (evil["nodeId"], evil["nodeName"], evil["runIndex"], evil["direction"], evil["item"]) == (
        "evil",
        "EVIL",
        "0",
        "output",
        "0",
    )
    assert evil["json.=cmd"] == "'=1+1"
    assert (evil["json.n"], evil["json.t"], evil["json.none"], evil["json.empty"]) == ("-5", "true", "", "")
    assert evil["json.a,b"] == 'x "y"\nz'
    assert [(row["runIndex"], row["direction"], row["item"]) for row in rows[1:]] == [
        ("0", "input", "0"),
        ("0", "output", "0"),
        ("0", "output", "1"),
        ("1", "input", "0"),
        ("2", "output", "0"),
    ]
    assert rows[-1]["item.not"] == "a list"
    for line in answer.text.split("\r\n"):
        assert not line.startswith(("=", "+", "-", "@"))


def test_raw_is_every_stored_payload_on_a_line(client: httpx.Client) -> None:
    answer = client.get(f"{PATH}/data?format=raw")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(one["nodeId"], one["runIndex"], one["kind"]) for one in lines] == [
        ("evil", 0, "output"),
        ("loop", 0, "input"),
        ("loop", 0, "output"),
        ("loop", 1, "input"),
        ("loop", 1, "output"),
        ("loop", 2, "output"),
    ]
    assert lines[-1]["data"] == {"not": "a list"}


@pytest.mark.parametrize("text", ['{"a": 1.0, "a": 12345678901234567890}', "1e999", '"\\ud800"', "null", "[ ]"])
def test_stored_json_goes_out_as_it_is(text: str) -> None:
    assert bytes(spliced(text)) == text.encode()  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "NaN", "{", "1 2", "[" * 100_000])
def test_what_is_no_json_goes_out_as_a_text(text: str) -> None:
    assert spliced(text) == text


def test_cells() -> None:
    assert csv_line(["a", None, "", 1, -2.5, "-2.5", "\tx", "@x", 'q"', "ü"]) == (
        'a,,"",1,-2.5,\'-2.5,\'\tx,\'@x,"q""",ü\r\n'.encode()
    )
    assert attachment('../"\r\nX: y', "csv") == 'attachment; filename="____X__y.csv"'
    assert attachment("", "csv") == 'attachment; filename="executions.csv"'
