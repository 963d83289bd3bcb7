"""Every way an error can arise over HTTP has the same body."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.config import Config
from api.edge.exposure import LOOPBACK_HOSTS, Exposure
from tests.api.records import load_records, record
from tests.api.serving import served
from warehouse.errors import LakeBusyError, LakeError, QueryError, QueryTimeoutError

PATH = "/v1/executions/statistics"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    lake = load_records(tmp_path_factory.mktemp("errors"), [record(1, datetime(2026, 11, 1, tzinfo=UTC))])
    app = create_app(Config(lake=lake), Exposure(no_auth=True, hosts=LOOPBACK_HOSTS, open_metrics=True))
    raised = {
        "/boom": RuntimeError(f"cannot read {lake}"),
        "/slow": QueryTimeoutError(1.5),
        "/query": QueryError(f"Parser Error in {lake}"),
        "/busy": LakeBusyError(lake),
        "/gone": LakeError(lake),
    }
    for path, error in raised.items():
        app.add_api_route(path, _raising(error))
    with served(app) as client:
        yield client


def _raising(error: Exception) -> Any:
    def endpoint() -> None:
        raise error

    return endpoint


def error_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert isinstance(error["message"], str)
    assert error["message"]
    assert error["code"] == error["code"].upper()
    said_at = datetime.fromisoformat(error["timestamp"])
    assert abs((datetime.now(UTC) - said_at).total_seconds()) < 60
    return error


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("period=2h", "24h"),
        ("granularity=second", "minute, hour, day, week, month"),
        ("status=done", "success"),
        ("mode=cron", "scheduled"),
        ("timezone=Mars/Olympus", "Europe/Berlin"),
        ("since=yesterday", "2026-11-23T10:00:00Z"),
        ("until=tomorrow", "latest"),
        ("until=0001-01-01", "give a later until"),
        ("since=2026-11-02&until=2026-11-01", "before"),
        ("period=7d&since=2026-11-01", "give one of them"),
        ("period=", "24h"),
        ("status=", "leave status out"),
        ("status=failed,", "leave status out"),
        ("timezone=", "Europe/Berlin"),
        ("since=", "2026-11-23"),
        ("limit=0", "greater than or equal to 1"),
        ("limit=many", "integer"),
        ("workflow_id=x", "workflowId"),
        ("period=7d&period=24h", "more than once"),
        ("since=0001-01-01&granularity=hour", ""),
        ("since=2000-01-01&granularity=hour", "10,000"),
    ],
)
def test_a_wrong_parameter_is_400_and_says_what_is_allowed(client: httpx.Client, query: str, said: str) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 400, answer.text
    error = error_of(answer)
    assert error["code"] == "INVALID_PARAMETER"
    assert said in error["message"]
    assert error["parameter"] in query


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "NOT_FOUND"),
        ("GET", "/v1/executions/statistics/", 404, "NOT_FOUND"),
        ("GET", "/%00", 404, "NOT_FOUND"),
        ("POST", PATH, 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/v1/executions/export", 405, "METHOD_NOT_ALLOWED"),
        ("BREW", "/healthz", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/boom", 500, "INTERNAL_ERROR"),
        ("GET", "/query", 500, "QUERY_FAILED"),
        ("GET", "/slow", 504, "QUERY_TIMEOUT"),
        ("GET", "/busy", 503, "LAKE_BUSY"),
        ("GET", "/gone", 503, "LAKE_UNAVAILABLE"),
    ],
)
def test_every_other_failure_has_the_same_body(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status, answer.text
    assert error_of(answer)["code"] == code
    if status == 405:
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/boom", "/query", "/busy", "/gone"])
def test_a_fault_of_the_server_names_no_path_and_no_stack(client: httpx.Client, path: str, tmp_path: Path) -> None:
    text = client.get(path).text
    assert str(tmp_path.parent) not in text
    assert "Traceback" not in text
    assert "Error(" not in text


def test_a_host_that_is_not_this_machine_is_refused(client: httpx.Client) -> None:
    answer = client.get(PATH, headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert error_of(answer)["code"] == "MISDIRECTED_REQUEST"
    for host in ("localhost", "LOCALHOST:80", "[::1]:8080", "127.0.0.1"):
        assert client.get(PATH, headers={"Host": host}).status_code == 200


def test_a_request_without_a_host_is_refused(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.sendall(f"GET {PATH} HTTP/1.0\r\n\r\n".encode())
        assert b"421" in connection.recv(100).split(b"\r\n")[0]
