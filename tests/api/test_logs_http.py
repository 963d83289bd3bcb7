"""GET /v1/executions/{id}/logs: levels, nodes, pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.app import app_of
from tests.api.records import Record, load_records, record, text
from tests.api.serving import served
from warehouse.clock import now

PATH = "/v1/executions/exec_1/logs"
LEVELS = ("debug", "info", "warn", "error")


def lines() -> list[Record]:
    """120 lines, three at each instant; levels and nodes take turns."""
    at = now().replace(microsecond=0) - timedelta(hours=1)
    return [
        {
            "timestamp": text(at + timedelta(seconds=number // 3)),
            "level": LEVELS[number % 4],
            "message": f"{number:03d}",
        }
        | ({"nodeId": f"n{number % 5}"} if number % 5 else {})
        | ({"data": {"number": number}} if number % 2 else {})
        for number in range(120)
    ]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    made = [record(1, now() - timedelta(hours=1), logs=lines()), record(2, now() - timedelta(hours=1))]
    with served(app_of(load_records(tmp_path_factory.mktemp("logs"), made))) as client:
        yield client


def messages(body: dict[str, Any]) -> list[str]:
    return [line["message"] for line in body["logs"]]


def test_the_first_hundred_and_the_rest(client: httpx.Client) -> None:
    body = client.get(PATH).json()
    assert messages(body) == [f"{number:03d}" for number in range(100)]
    assert (body["pagination"]["limit"], body["pagination"]["hasMore"]) == (100, True)
    rest = client.get(PATH, params={"cursor": body["pagination"]["nextCursor"]}).json()
    assert messages(rest) == [f"{number:03d}" for number in range(100, 120)]
    assert rest["pagination"] == {"limit": 100, "hasMore": False}
    whole = client.get(PATH, params={"limit": 1000}).json()
    assert set(whole) == {"executionId", "logs"}
    assert len(whole["logs"]) == 120
    assert whole["logs"][1] == lines()[1] | {"timestamp": whole["logs"][1]["timestamp"]}


@pytest.mark.parametrize("limit", [1, 7, 120])
def test_pages_of_any_size_give_each_line_once(client: httpx.Client, limit: int) -> None:
    seen: list[str] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        body = client.get(PATH, params=params).json()
        seen += messages(body)
        if not body.get("pagination", {}).get("hasMore"):
            break
        params["cursor"] = body["pagination"]["nextCursor"]
    assert seen == [f"{number:03d}" for number in range(120)]


def test_a_level_is_that_level_and_above(client: httpx.Client) -> None:
    for at, level in enumerate(LEVELS):
        body = client.get(PATH, params={"level": level, "limit": 1000}).json()
        assert {line["level"] for line in body["logs"]} == set(LEVELS[at:])
        assert len(body["logs"]) == 30 * (4 - at)


def test_a_node(client: httpx.Client) -> None:
    assert messages(client.get(PATH, params={"nodeId": "n3"}).json()) == [
        f"{number:03d}" for number in range(3, 120, 5)
    ]
    both = client.get(PATH, params={"nodeId": "n3", "level": "error"}).json()
    assert messages(both) == ["003", "023", "043", "063", "083", "103"]
    assert client.get(PATH, params={"nodeId": "x"}).json() == {"executionId": "exec_1", "logs": []}
    assert client.get("/v1/executions/exec_2/logs").json() == {"executionId": "exec_2", "logs": []}


def test_refusals(client: httpx.Client) -> None:
    cursor = client.get(PATH, params={"limit": 5, "level": "info"}).json()["pagination"]["nextCursor"]
    assert client.get(PATH, params={"cursor": cursor, "level": "info"}).is_success
    for params, code in (
        ({"level": "trace"}, "INVALID_PARAMETER"),
        ({"limit": 1001}, "INVALID_PARAMETER"),
        ({"limit": 0}, "INVALID_PARAMETER"),
        ({"cursor": cursor}, "INVALID_CURSOR"),
        ({"cursor": cursor, "level": "info", "nodeId": "n1"}, "INVALID_CURSOR"),
    ):
        answer = client.get(PATH, params=params)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    other = client.get("/v1/executions/exec_2/logs", params={"cursor": cursor, "level": "info"})
    assert other.json()["error"]["code"] == "INVALID_CURSOR"
