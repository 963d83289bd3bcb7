"""/v1/schedules and /v1/reports over HTTP: made, listed, paused, run, read, removed; who may what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.records import text
from tests.api.serving import served
from tests.api.tokens import bearer
from tests.api.webhooks.receivers import receiving, wait_for
from tests.api.writing_app import app_over
from warehouse.clock import now
from warehouse.hot.tokens import create_token

SCHEDULES, REPORTS = "/v1/schedules", "/v1/reports"
BODY: dict[str, Any] = {"name": "daily", "cron": "0 8 * * *", "timezone": "Europe/Berlin", "period": "24h"}


def put(client: httpx.Client, **headers: Any) -> None:
    """Executions of two hours ago, of two workflows."""
    at = now() - timedelta(hours=2)
    made = [
        {
            "id": f"e{number}",
            "workflowId": f"wf_{number % 2}",
            "status": "failed" if number < 3 else "success",
            "mode": "webhook",
            "startedAt": text(at + timedelta(seconds=number)),
            "stoppedAt": text(at + timedelta(seconds=number + 2)),
        }
        for number in range(12)
    ]
    answer = client.post("/v1/executions", json=made, **headers)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def app(hot_url: str, tmp_path: Path) -> FastAPI:
    return app_over(tmp_path, hot_url, webhook_private=True, webhook_http=True)


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as client:
        put(client)
        yield client


def add(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post(SCHEDULES, json={**BODY, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def settled(client: httpx.Client, id: str) -> dict[str, Any]:
    """The newest run, once it is over."""
    path = f"{SCHEDULES}/{id}/history"
    wait_for(lambda: bool(client.get(path).json()["runs"][0]["settledAt"]), 60)
    found: dict[str, Any] = client.get(path).json()["runs"][0]
    return found


def test_a_schedule_is_made_run_by_the_server_and_removed(client: httpx.Client) -> None:
    with receiving() as chat, receiving() as hook:
        deliver = ["archive", f"slack:{chat.url}/SECRET", f"webhook:{hook.url}/SECRET"]
        made = add(client, deliver=deliver, onlyWhen="failures>=3", skipEmpty=True)
        (secret,) = made.pop("secrets").values()
        assert secret.startswith("whsec_")
        host = chat.url.removesuffix("/hook")
        assert made["deliver"][2] == f"slack:{host}/…"
        assert made == client.get(f"{SCHEDULES}/{made['id']}").json()
        assert client.get(SCHEDULES).json() == {"schedules": [made], "total": 1}
        begun = client.post(f"{SCHEDULES}/{made['id']}/run")
        assert begun.status_code == 202
        assert begun.json()["status"] == "waiting"
        run = settled(client, made["id"])
        assert (run["status"], run["cause"], run["failure"]) == ("delivered", "now", None)
        assert [one["status"] for one in run["deliveries"]] == ["delivered"] * 3
        assert (len(chat.requests), len(hook.requests)) == (1, 1)
    told = client.get(f"{SCHEDULES}/{made['id']}/history").text + client.get(SCHEDULES).text
    assert "SECRET" not in told
    assert secret not in told
    assert client.delete(f"{SCHEDULES}/{made['id']}").status_code == 204
    assert client.get(f"{SCHEDULES}/{made['id']}").json()["error"]["code"] == "SCHEDULE_NOT_FOUND"
    (kept,) = client.get(REPORTS).json()["reports"]
    assert kept["name"] == run["report"]


def test_a_schedule_rests_and_goes_on(client: httpx.Client) -> None:
    made = add(client)
    assert made["nextAt"] is not None
    paused = client.patch(f"{SCHEDULES}/{made['id']}", json={"status": "paused"}).json()
    assert (paused["status"], paused["nextAt"]) == ("paused", None)
    active = client.patch(f"{SCHEDULES}/{made['id']}", json={"status": "active"}).json()
    assert (active["status"], active["nextAt"]) == ("active", made["nextAt"])
    assert add(client, name="other", status="paused")["nextAt"] is None


def test_what_cannot_be_is_refused_with_the_field(client: httpx.Client) -> None:
    add(client)
    for fields, parameter in (
        ({}, "name"),
        ({"name": "x", "cron": "* * * * *"}, "cron"),
        ({"name": "x", "period": "week"}, "period"),
        ({"name": "x", "onlyWhen": "failures > many"}, "onlyWhen"),
        ({"name": "x", "deliver": ["mailto:a@x.org"]}, "deliver"),
        ({"name": "x", "deliver": ["./folder"]}, "deliver"),
        ({"name": "x", "kind": "workflow"}, "workflow"),
        ({"name": "x", "timezone": "Moon/Base"}, "timezone"),
    ):
        answer = client.post(SCHEDULES, json={**BODY, **fields})
        assert answer.status_code == 400, fields
        error = answer.json()["error"]
        assert (error["code"], error["parameter"]) == ("INVALID_SCHEDULE", parameter)
    for broken in ({**BODY, "colour": "red"}, {"name": "x"}, {**BODY, "kind": "poster"}):
        assert client.post(SCHEDULES, json=broken).json()["error"]["code"] == "INVALID_BODY"
    assert client.get(SCHEDULES).json()["total"] == 1


def test_a_report_is_made_listed_read_and_deleted(client: httpx.Client) -> None:
    made = client.post(REPORTS, json={"period": "24h", "title": "Today <b>now</b>"})
    assert made.status_code == 201, made.text
    entry = made.json()
    assert (entry["title"], entry["kind"]) == ("Today <b>now</b>", "overview")
    assert client.get(f"{REPORTS}/{entry['name']}").json() == entry
    page = client.get(f"{REPORTS}/{entry['name']}/html")
    assert page.headers["content-disposition"] == f'attachment; filename="{entry["name"]}.html"'
    assert len(page.content) < 5_500_000
    assert "<b>now" not in page.text
    data = client.get(f"{REPORTS}/{entry['name']}/json")
    assert data.headers["content-type"] == "application/json"
    assert sum(point["failures"] for point in data.json()["points"]) == 3
    assert client.get(f"{REPORTS}/{entry['name']}/md").text.startswith("# Today")
    assert client.get(f"{REPORTS}/{entry['name']}/exe").status_code in (400, 404)
    assert client.delete(f"{REPORTS}/{entry['name']}").status_code == 204
    for method, path in (("GET", ""), ("GET", "/html"), ("DELETE", "")):
        gone = client.request(method, f"{REPORTS}/{entry['name']}{path}")
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "REPORT_NOT_FOUND")


def test_the_archive_is_walked_by_its_cursor(client: httpx.Client) -> None:
    names = [client.post(REPORTS, json={"period": "1h"}).json()["name"] for _ in range(5)]
    found, cursor = [], None
    while True:
        page = client.get(REPORTS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [one["name"] for one in page["reports"]]
        cursor = page["pagination"]["nextCursor"]
        assert page["pagination"]["hasMore"] == (cursor is not None)
        if cursor is None:
            break
    assert found == names[::-1]


def test_reports_of_any_period_and_kind_and_none_that_cannot_be(client: httpx.Client) -> None:
    for body in (
        {},
        {"since": "2026-01-01", "until": "2026-02-01T00:00:00Z"},
        {"kind": "workflow", "workflowId": ["wf_1"], "period": "24h"},
        {"kind": "comparison", "period": "7d"},
    ):
        answer = client.post(REPORTS, json=body)
        assert answer.status_code == 201, answer.text
    for body in (
        {"period": "24h", "since": "2026-01-01"},
        {"until": "2026-01-01"},
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"period": "aeon"},
        {"kind": "error"},
        {"timezone": "Moon/Base"},
    ):
        answer = client.post(REPORTS, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REPORT"), body


def test_who_may_what(hot_url: str, tmp_path: Path) -> None:
    app = app_over(tmp_path, hot_url, no_auth=False)
    with served(app) as client:
        database = app.state.hot.database

        def token(name: str, *scopes: str, **fields: Any) -> dict[str, str]:
            return bearer(create_token(database, name, scopes, **fields)[1])

        admin, manager = token("admin", "admin"), token("manager", "reports:manage", "reports:read")
        reader = token("reader", "reports:read")
        bound = token("bound", "reports:manage", "reports:read", workflow_ids=["wf_1"])
        put(client, headers=admin)
        folder = {**BODY, "deliver": [str(tmp_path / "site")]}
        assert client.post(SCHEDULES, json=folder, headers=manager).status_code == 400
        assert client.post(SCHEDULES, json=folder, headers=admin).status_code == 201
        assert client.get(SCHEDULES, headers=reader).status_code == 403
        assert client.post(REPORTS, json={}, headers=reader).status_code == 403
        assert client.get(REPORTS, headers=reader).status_code == 200
        assert client.get(REPORTS).status_code == 401

        everything = client.post(REPORTS, json={"period": "24h"}, headers=manager).json()
        mine = client.post(REPORTS, json={"period": "24h"}, headers=bound).json()
        assert (everything["workflowId"], mine["workflowId"]) == ([], ["wf_1"])
        assert [one["name"] for one in client.get(REPORTS, headers=bound).json()["reports"]] == [mine["name"]]
        for path in ("", "/html", "/json", "/md"):
            assert client.get(f"{REPORTS}/{everything['name']}{path}", headers=bound).status_code == 404
        assert client.delete(f"{REPORTS}/{everything['name']}", headers=bound).status_code == 404
        data = client.get(f"{REPORTS}/{mine['name']}/json", headers=bound)
        assert "wf_0" not in data.text
        foreign = client.post(REPORTS, json={"workflowId": ["wf_0"]}, headers=bound)
        assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "WORKFLOW_NOT_ALLOWED")

        own = client.post(SCHEDULES, json={**BODY, "name": "own"}, headers=bound).json()
        assert own["workflowId"] == ["wf_1"]
        others = client.post(SCHEDULES, json={**BODY, "name": "all"}, headers=manager).json()
        assert [one["name"] for one in client.get(SCHEDULES, headers=bound).json()["schedules"]] == ["own"]
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/history"), ("POST", "/run")):
            body = {"status": "paused"} if method == "PATCH" else None
            answer = client.request(method, f"{SCHEDULES}/{others['id']}{path}", headers=bound, json=body)
            assert answer.status_code == 404, (method, path)
