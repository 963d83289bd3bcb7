"""GET /v1/executions/statistics: the contract's own example, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.config import Config
from api.edge.exposure import Exposure
from tests.api.records import contract_example, load_records
from tests.api.serving import served

UNTIL = "2023-12-06T16:00:00Z"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder: Path = tmp_path_factory.mktemp("contract")
    with served(create_app(Config(lake=load_records(folder, contract_example())), Exposure(no_auth=True))) as client:
        yield client


def ask(client: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = client.get("/v1/executions/statistics", params={"until": UNTIL, **params})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_the_examples_numbers_come_out(client: httpx.Client) -> None:
    body = ask(client, period="24h", granularity="hour")
    totals = ("period", "granularity", "totalExecutions", "successfulExecutions", "failedExecutions")
    assert {name: body[name] for name in (*totals, "averageExecutionTime", "byStatus")} == {
        "period": "24h",
        "granularity": "hour",
        "totalExecutions": 1247,
        "successfulExecutions": 1189,
        "failedExecutions": 58,
        "averageExecutionTime": 3.2,
        "byStatus": {"success": 1189, "failed": 45, "timeout": 8, "cancelled": 5},
    }
    bucket = next(one for one in body["data"] if one["timestamp"] == "2023-12-06T10:00:00Z")
    assert {
        name: bucket[name] for name in ("executions", "successes", "failures", "avgTime", "minTime", "maxTime")
    } == {
        "executions": 52,
        "successes": 48,
        "failures": 4,
        "avgTime": 2.8,
        "minTime": 0.5,
        "maxTime": 15.2,
    }
    workflow = body["byWorkflow"][0]
    assert round(workflow["successRate"], 2) == 0.94  # 321 of 342
    assert {name: workflow[name] for name in ("workflowId", "workflowName", "executions", "avgTime")} == {
        "workflowId": "wf_abcdef123456",
        "workflowName": "GitHub to Slack",
        "executions": 342,
        "avgTime": 2.1,
    }


def test_the_shape_is_the_contracts_and_what_was_added(client: httpx.Client) -> None:
    body = ask(client)
    assert list(body)[:8] == [
        "period",
        "granularity",
        "totalExecutions",
        "successfulExecutions",
        "failedExecutions",
        "averageExecutionTime",
        "data",
        "byWorkflow",
    ]
    added = {"p50Time", "p95Time", "p99Time", "queueTime", "since", "until", "timezone", "previous", "change"}
    assert set(body) == {*list(body)[:8], "byStatus", "byWorkflowTotal", "asOf", *added}
    assert (body["since"], body["until"], body["timezone"]) == ("2023-12-05T16:00:00Z", UNTIL, "UTC")
    assert body["queueTime"] == 0.1
    assert len(body["data"]) == 24
    assert sum(one["executions"] for one in body["data"]) == sum(body["byStatus"].values()) == 1247
    assert body["byWorkflowTotal"] == len(body["byWorkflow"]) == 6
    assert body["previous"]["totalExecutions"] == 0
    assert set(body["change"].values()) == {None}
    # The 52 durations of the hour are 0.5 s, 50 times 2.598 s, 15.2 s.
    assert body["data"][18]["p50Time"] == pytest.approx(2.598, rel=0.01)


def test_a_period_is_compared_with_the_one_before(client: httpx.Client) -> None:
    body = ask(client, since="2023-12-06T10:00:00Z", until="2023-12-06T11:00:00Z")
    before = ask(client, since="2023-12-06T09:00:00Z", until="2023-12-06T10:00:00Z")
    assert body["period"] == "custom"
    assert body["previous"]["totalExecutions"] == before["totalExecutions"] > 0
    change = (52 - before["totalExecutions"]) / before["totalExecutions"]
    assert body["change"]["totalExecutions"] == pytest.approx(change, abs=1e-6)


def test_filters_and_the_cap_of_workflows(client: httpx.Client) -> None:
    one = ask(client, workflowId="wf_abcdef123456")
    assert (one["totalExecutions"], one["averageExecutionTime"], one["byWorkflowTotal"]) == (342, 2.1, 1)
    failed = ask(client, status="timeout,cancelled")
    assert failed["byStatus"] == {"success": 0, "failed": 0, "cancelled": 5, "timeout": 8}
    assert failed == ask(client, status=["timeout", "cancelled"])
    assert ask(client, mode="manual")["totalExecutions"] == 0
    capped = ask(client, limit=1)
    assert (len(capped["byWorkflow"]), capped["byWorkflowTotal"]) == (1, 6)


def test_days_begin_in_the_time_zone_that_was_asked(client: httpx.Client) -> None:
    body = ask(client, granularity="day", timezone="Europe/Berlin")
    assert [one["timestamp"] for one in body["data"]] == ["2023-12-05T16:00:00Z", "2023-12-05T23:00:00Z"]
    assert body["timezone"] == "Europe/Berlin"


def test_latest_ends_just_after_the_newest_record(client: httpx.Client) -> None:
    body = ask(client, until="latest", period="7d")
    assert body["totalExecutions"] == 1247
    assert body["period"] == "7d"
