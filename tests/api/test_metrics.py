"""GET /metrics: what was asked, taken in, refused and sealed, and what lies in both tiers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.config import Config
from api.edge.exposure import Exposure
from tests.api.records import load_records, record
from tests.api.serving import served
from tests.api.tokens import bearer, made_token

PATH = "/v1/executions/statistics"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def lake(tmp_path: pytest.TempPathFactory) -> str:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return load_records(tmp_path, [record(n, at + timedelta(days=n)) for n in range(3)])  # type: ignore[arg-type]


@pytest.fixture
def client(lake: str) -> Iterator[httpx.Client]:
    with served(create_app(Config(lake=lake), Exposure(no_auth=True, open_metrics=True))) as client:
        yield client


def test_requests_are_counted_by_route_method_and_status(client: httpx.Client) -> None:
    for _ in range(3):
        client.get(PATH)
    client.get(PATH, params={"period": "2h"})
    client.head("/healthz")
    client.request("BREW", "/healthz")
    for number in range(20):
        client.get(f"/made/up/{number}")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = read(answer.text)
    total = "runlake_http_requests_total"
    assert value(found, total, route=PATH, method="GET", status="200") == 3
    assert value(found, total, route=PATH, method="GET", status="400") == 1
    assert value(found, total, route="/healthz", method="HEAD", status="200") == 1
    assert value(found, total, route="/healthz", method="OTHER", status="405") == 1
    assert value(found, total, route="(none)", method="GET", status="404") == 20
    assert not any("made" in str(labels) for _, labels in found)
    assert value(found, "runlake_http_request_duration_seconds_count", route=PATH, method="GET") == 4
    assert value(found, "runlake_http_request_duration_seconds_bucket", route=PATH, method="GET", le="60.0") == 4
    assert value(found, "runlake_http_requests_in_flight") == 1  # the scrape itself


def test_what_lies_in_both_tiers_is_told(client: httpx.Client) -> None:
    found = read(client.get("/metrics").text)
    assert value(found, "runlake_lake_rows", table="executions") == 3
    assert value(found, "runlake_lake_files", table="executions") == 3
    assert value(found, "runlake_lake_bytes", table="executions") > 1000
    assert value(found, "runlake_lake_rows", table="logs") == 0
    assert value(found, "runlake_lake_version") >= 1
    assert value(found, "runlake_hot_executions") == 0
    assert value(found, "runlake_hot_oldest_unsealed_seconds") == 0
    for name in ("runlake_sealed_executions_total", "runlake_seal_failures_total"):
        assert (name, ()) in found


def test_refusals_are_counted_by_reason(lake: str) -> None:
    token = made_token(lake, "scraper", "admin")
    with served(create_app(Config(lake=lake))) as client:
        client.get(PATH)
        client.get(PATH, headers=bearer("rl_x"))
        client.get(PATH, headers={"Authorization": "Basic x"})
        found = read(client.get("/metrics", headers=bearer(token)).text)
    refused = {
        labels[0][1]: count for (name, labels), count in found.items() if name == "runlake_refused_requests_total"
    }
    assert refused == {"no_token": 1, "bad_token": 1, "malformed": 1}


def test_an_exposed_server_shows_its_metrics_to_admins_only(lake: str) -> None:
    admin, reader = made_token(lake, "admin", "admin"), made_token(lake, "reader", "executions:read")
    with served(create_app(Config(lake=lake))) as client:
        for path in ("/metrics", "/openapi.json"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers=bearer(reader)).json()["error"]["requiredPermission"] == "admin"
            assert client.get(path, headers=bearer(admin)).status_code == 200
    with served(create_app(Config(lake=lake), Exposure(open_metrics=True))) as client:
        for path in ("/metrics", "/openapi.json"):
            assert client.get(path).status_code == 200
        assert client.get(PATH).status_code == 401


def test_records_are_counted_by_outcome_and_sealed_ones_too(lake: str) -> None:
    config = Config(lake=lake, seal_rows=1, seal_age_s=0.1)
    with served(create_app(config, Exposure(no_auth=True, open_metrics=True))) as client:
        at = datetime(2026, 11, 20, tzinfo=UTC)
        running = {**record(100, at, None, "running")}
        batch = [record(n, at) for n in range(101, 104)] + [running, {"id": "broken"}]
        assert client.post("/v1/executions", json=batch).status_code == 207
        assert client.post("/v1/executions", json=batch[:1]).status_code == 200
        deadline = time.monotonic() + 20
        while value(found := read(client.get("/metrics").text), "runlake_sealed_executions_total") < 3:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        assert value(found, "runlake_ingested_executions_total", outcome="new") == 4
        assert value(found, "runlake_ingested_executions_total", outcome="unchanged") == 1
        assert sum(count for (name, _), count in found.items() if name == "runlake_rejected_executions_total") == 1
        assert value(found, "runlake_hot_executions") == 1
        assert value(found, "runlake_hot_unfinished_executions") == 1
        assert value(found, "runlake_lake_rows", table="executions") == 6
        assert value(found, "runlake_seal_failures_total") == 0
