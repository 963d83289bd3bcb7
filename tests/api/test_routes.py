"""The other routes: redirects, health, the report, the description of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.app import create_app
from api.config import Config
from api.edge.exposure import Exposure
from tests.api.records import load_records, record
from tests.api.serving import served
from warehouse.lake import Lake

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATH = "/v1/executions/statistics"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    records = [record(number, AT - timedelta(hours=number), workflowName="</script><b>Zoë") for number in range(30)]
    return load_records(tmp_path_factory.mktemp("routes"), records)


@pytest.fixture(scope="module")
def client(lake: str) -> Iterator[httpx.Client]:
    with served(create_app(Config(lake=lake), Exposure(no_auth=True, open_metrics=True))) as client:
        yield client


def test_the_same_path_without_the_base_answers_308_and_keeps_the_query(client: httpx.Client) -> None:
    answer = client.get("/executions/statistics?period=7d&workflowId=a%20b&status=failed&status=timeout")
    assert answer.status_code == 308
    assert answer.headers["location"] == f"{PATH}?period=7d&workflowId=a%20b&status=failed&status=timeout"
    assert client.get("/executions/statistics").headers["location"] == PATH
    followed = client.get("/executions/statistics", params={"until": "latest"}, follow_redirects=True)
    assert followed.json()["totalExecutions"] == 24


def test_health_says_the_release(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "version": "0.1.0"}


def test_the_report_is_one_page_that_needs_no_network(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    # Records older than a week: the page ends at the newest one instead of showing zeros.
    assert "Zoë" in answer.text
    assert "</script><b>Zoë" not in answer.text
    assert client.get("/", params={"period": "1h", "until": "latest"}).status_code == 200
    assert client.get("/", params={"period": "2h"}).status_code == 400


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    for path in ("/healthz", PATH, "/nothing"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")


def test_safe_headers_are_on_every_answer(client: httpx.Client) -> None:
    for path in ("/", "/healthz", PATH, "/nothing"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_the_api_describes_itself(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) >= {PATH, "/healthz", "/readyz", "/metrics", "/"}
    operation = described["paths"][PATH]["get"]
    for parameter in operation["parameters"]:
        assert parameter["description"], parameter
    assert set(operation["responses"]) >= {"200", "400", "503", "504"}
    model = described["components"]["schemas"]["BucketModel"]["properties"]
    assert model["timestamp"]["format"] == "date-time"
    assert "422" not in json.dumps(operation["responses"])


def test_requests_run_side_by_side_and_agree(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get(PATH, params={"until": "2026-03-02"}).text, range(24)))
    assert len(set(answers)) == 1


def test_a_change_of_the_lake_shows_in_the_next_answer(client: httpx.Client, lake: str) -> None:
    before = client.get(PATH, params={"until": "2026-03-01T13:00:00Z"}).json()["totalExecutions"]
    opened = Lake.open(lake)
    assert opened.delete(["exec_0"]) == 1
    opened.close()
    after = client.get(PATH, params={"until": "2026-03-01T13:00:00Z"}).json()["totalExecutions"]
    assert after == before - 1
