"""Every read request and answer of the contract, field by field, over a socket.

The answers compared with are api/models/examples.json, which are those of the contract's page. Where an answer has
more than the example, the test names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.models.examples import example
from tests.api.app import app_of
from tests.api.records import Record, load_records
from tests.api.serving import served

ID = "exec_1234567890"


def list_records() -> list[Record]:
    """127 failed executions, the example's the newest of them, and a successful one that is newer."""
    shown: Record = example("list")["data"][0]
    others = [
        shown | {"id": f"exec_{number}", "startedAt": "2023-12-05T00:00:00Z", "stoppedAt": "2023-12-05T00:00:09Z"}
        for number in range(126)
    ]
    later = {"id": "exec_later", "status": "success", "error": None, "startedAt": "2023-12-06T12:00:00Z"}
    return [shown, *others, shown | later | {"stoppedAt": "2023-12-06T12:00:15Z", "updatedAt": "2023-12-06T12:00:15Z"}]


def detail_record() -> Record:
    """The execution of the examples of detail, data, node data and log."""
    shown: Record = example("detail")
    return shown | {
        "createdAt": "2023-12-06T10:30:00Z",
        "updatedAt": "2023-12-06T10:30:05Z",
        "logs": example("logs")["logs"],
    }


def node_data_record() -> Record:
    """The execution of the example of node data, whose items are others."""
    shown = example("nodeData")
    run = {"nodeId": shown["nodeId"], "nodeName": shown["nodeName"], "nodeType": "slack", "status": "success"}
    run |= {"startedAt": "2023-12-06T10:30:01Z", "inputData": shown["input"], "outputData": shown["output"]}
    return detail_record() | {"id": "exec_node", "executionData": [run]}


@contextmanager
def holding(folder: Path, records: list[Record], tier: str) -> Iterator[httpx.Client]:
    """A server whose records lie in the lake, or came over HTTP and lie in the hot store."""
    lake = load_records(folder, records if tier == "lake" else ())
    with served(app_of(lake)) as client:
        if tier == "hot":
            body = "".join(json.dumps(one) + "\n" for one in records)
            taken = client.post("/v1/executions", content=body, headers={"Content-Type": "application/x-ndjson"})
            assert taken.is_success, taken.text
        yield client


@pytest.fixture(scope="module", params=["lake", "hot"])
def lists(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with holding(tmp_path_factory.mktemp("list"), list_records(), request.param) as client:
        yield client


@pytest.fixture(scope="module", params=["lake", "hot"])
def details(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with holding(tmp_path_factory.mktemp("detail"), [detail_record(), node_data_record()], request.param) as client:
        yield client


def got(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_list(lists: httpx.Client) -> None:
    body = got(lists, "/v1/executions?filter[status]=failed&limit=5")
    expected = example("list")
    assert len(body["data"]) == 5
    first = body["data"][0]
    assert first.pop("errorFingerprint").startswith("v")  # beside the example
    assert first == expected["data"][0]
    assert isinstance(body["pagination"].pop("nextCursor"), str)
    expected["pagination"] = {key: value for key, value in expected["pagination"].items() if key != "nextCursor"}
    assert body["pagination"] == expected["pagination"]


def test_detail(details: httpx.Client) -> None:
    body = got(details, f"/v1/executions/{ID}?include=data,error")
    # The interface of the contract has these two, its example leaves them out.
    assert body.pop("createdAt") == "2023-12-06T10:30:00Z"
    assert body.pop("updatedAt") == "2023-12-06T10:30:05Z"
    assert body == example("detail")


def test_data(details: httpx.Client) -> None:
    assert got(details, f"/v1/executions/{ID}/data") == example("data")


def test_node_data(details: httpx.Client) -> None:
    assert got(details, "/v1/executions/exec_node/nodes/slack_1/data") == example("nodeData")


def test_logs(details: httpx.Client) -> None:
    assert got(details, f"/v1/executions/{ID}/logs") == example("logs")


def test_not_found(details: httpx.Client) -> None:
    for path in ("", "/data", "/logs", "/nodes/slack_1/data"):
        answer = details.get(f"/v1/executions/exec_invalid{path}")
        assert answer.status_code == 404
        error = answer.json()["error"]
        assert error.pop("timestamp").endswith("Z")
        assert error == {"code": "EXECUTION_NOT_FOUND", "message": "Execution with ID 'exec_invalid' not found"}


def test_without_the_base_each_answers_308(details: httpx.Client) -> None:
    for path in ("", f"/{ID}", f"/{ID}/data", f"/{ID}/logs", f"/{ID}/nodes/slack_1/data", "/export", "/statistics"):
        answer = details.get(f"/executions{path}?a=1%20b")
        assert answer.status_code == 308, path
        assert answer.headers["location"] == f"/v1/executions{path}?a=1%20b"
