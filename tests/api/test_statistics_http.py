"""Statistics of nodes and errors, repeated workflows, ETag."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.models.statistics import ErrorsModel, NodesModel, StatisticsModel
from tests.api.app import app_of
from tests.api.records import Record, load_records, record
from tests.api.serving import served

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATH = "/v1/executions/statistics"
PERIOD = {"since": "2026-03-01", "until": "2026-03-02"}


def made(number: int) -> Record:
    """12 of three workflows; every third failed; each runs node a for 1 s, then node b for 2 s."""
    start = AT + timedelta(minutes=number)
    nodes = [
        {
            "nodeId": "a",
            "nodeName": "A",
            "nodeType": "set",
            "status": "success",
            "startedAt": start.isoformat(),
            "duration": 1.0,
        },
        {
            "nodeId": "b",
            "nodeName": "B",
            "nodeType": "set",
            "status": "success" if number % 3 else "failed",
            "startedAt": (start + timedelta(seconds=1)).isoformat(),
            "duration": 2.0,
        },
    ]
    return record(number, start, 3000, "success" if number % 3 else "failed", workflowId=f"wf_{number % 4}") | {
        "executionData": nodes
    }


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(app_of(load_records(tmp_path_factory.mktemp("statistics"), map(made, range(12))))) as client:
        yield client


def asked(client: httpx.Client, path: str = "", **params: Any) -> dict[str, Any]:
    answer = client.get(f"{PATH}{path}", params={**PERIOD, **params})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_the_answers_are_what_the_description_says(client: httpx.Client) -> None:
    StatisticsModel.model_validate_json(client.get(PATH, params=PERIOD).content)
    NodesModel.model_validate_json(client.get(f"{PATH}/nodes", params=PERIOD).content)
    ErrorsModel.model_validate_json(client.get(f"{PATH}/errors", params=PERIOD).content)


def test_several_workflows(client: httpx.Client) -> None:
    both = asked(client, workflowId=["wf_0", "wf_1"])
    assert both == asked(client, workflowId="wf_0,wf_1")
    assert both["totalExecutions"] == 6
    assert {one["workflowId"] for one in both["byWorkflow"]} == {"wf_0", "wf_1"}
    assert asked(client, workflowId="wf_9")["totalExecutions"] == 0


def test_nodes(client: httpx.Client) -> None:
    body = asked(client, "/nodes")
    assert body["total"] == len(body["data"]) == 8
    assert [one["nodeId"] for one in body["data"]] == ["b"] * 4 + ["a"] * 4
    first = body["data"][0]
    assert (first["runs"], first["executions"], first["totalTime"], first["exclusiveTime"]) == (3, 3, 6.0, 6.0)
    assert first["executionShare"] == 1.0
    some = asked(client, "/nodes", workflowId=["wf_0", "wf_1"], limit=1)
    assert (some["total"], len(some["data"])) == (4, 1)


def test_errors(client: httpx.Client) -> None:
    body = asked(client, "/errors")
    assert (body["failedExecutions"], body["total"]) == (4, 1)
    group = body["data"][0]
    assert (group["executions"], group["previousExecutions"], group["isNew"]) == (4, 0, True)
    assert group["executionIds"] == ["exec_9", "exec_6", "exec_3", "exec_0"]
    listed = client.get("/v1/executions", params={"filter[fingerprint]": group["fingerprint"]}).json()
    assert listed["pagination"]["total"] == 4
    assert asked(client, "/errors", workflowId=["wf_0", "wf_1"])["failedExecutions"] == 2
    assert asked(client, "/errors", workflowId="wf_9")["data"] == []


def test_unknown_parameters_and_values(client: httpx.Client) -> None:
    for path, query, said in (
        ("/nodes", "granularity=hour", "workflowId"),
        ("/errors", "status=failed", "workflowId"),
        ("/errors", "limit=0", "greater than or equal to 1"),
        ("/nodes", "period=2h", "24h"),
        ("/nodes", "workflowId=", "a word is missing"),
    ):
        answer = client.get(f"{PATH}{path}?{query}")
        assert answer.status_code == 400
        assert said in answer.json()["error"]["message"]


def test_an_unchanged_answer_is_304(client: httpx.Client) -> None:
    for path in ("", "/nodes", "/errors"):
        answer = client.get(f"{PATH}{path}", params=PERIOD)
        again = client.get(f"{PATH}{path}", params=PERIOD, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = client.get(f"{PATH}{path}", params=PERIOD | {"limit": 7})
        assert other.headers["etag"] != answer.headers["etag"]
