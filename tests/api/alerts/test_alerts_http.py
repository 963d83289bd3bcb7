"""Alerts over HTTP: made, changed, tested, fired; the list that an alert links has what it counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.alerts.evaluator import Evaluator
from api.live.events import decode
from tests.api.records import Record, record
from tests.api.serving import served
from tests.api.tokens import bearer
from tests.api.writing_app import app_over
from warehouse.clock import now
from warehouse.hot.tokens import create_token

PATH = "/v1/alerts"


class Server:
    """A served app whose evaluator looks when the test says so."""

    def __init__(self, app: Any, client: httpx.Client) -> None:
        self.app, self.client = app, client
        state = app.state
        base = str(client.base_url).rstrip("/")
        self.evaluator = Evaluator(state.house, state.hot.database, every_s=1, public_url=base)
        self.at = now().replace(microsecond=0)

    def made(self, number: int, ago_s: float, status: str = "success", **fields: Any) -> Record:
        finished = status not in ("queued", "running")
        return record(number, self.at - timedelta(seconds=ago_s), 1000 if finished else None, status, **fields)

    def put(self, number: int, ago_s: float, status: str = "success", **fields: Any) -> None:
        self.put_all(self.made(number, ago_s, status, **fields))

    def put_all(self, *records: Record) -> None:
        answer = self.client.post("/v1/executions", json=list(records))
        assert answer.status_code == 200, answer.text

    def add(self, kind: str, threshold: float | None = None, **fields: Any) -> str:
        body = {"name": kind, "kind": kind, "threshold": threshold, "window": 300, "cooldown": 0, **fields}
        answer = self.client.post(PATH, json=body)
        assert answer.status_code == 201, answer.text
        found: str = answer.json()["id"]
        return found

    def events(self) -> list[dict[str, Any]]:
        found = decode(self.app.state.hot.events.read(0))
        return [httpx.Response(200, content=one.json).json() for one in found if one.type.startswith("alert.")]


@pytest.fixture
def server(hot_url: str, tmp_path: Path) -> Iterator[Server]:
    app = app_over(tmp_path, hot_url, alert_every_s=90.0)
    with served(app) as client:
        yield Server(app, client)


def fill(server: Server) -> None:
    """Of wf_1 in the last five minutes: 6 successes, 3 failed, 1 timeout, 1 running, 2 queued; others beside."""
    made = server.made
    new = {"error": {"type": "FreshError", "message": "never seen"}}
    server.put_all(
        *(made(number, 10 + number) for number in range(6)),
        *(made(number, 20 + number, "failed") for number in range(6, 8)),
        made(8, 30, "failed", **new),
        made(9, 40, "timeout"),
        made(10, 50, "running"),
        made(11, 60, "queued"),
        made(12, 70, "queued"),
        *(made(number, 400, "failed") for number in range(20, 25)),
        *(made(number, 30, "failed", workflowId="wf_2") for number in range(30, 35)),
    )


@pytest.mark.parametrize(
    ("kind", "threshold", "value", "count"),
    [
        ("failureRate", 0.4, 0.4, 4),
        ("failures", 4.0, 4.0, 4),
        ("queueLength", 2.0, 2.0, 2),
        ("newError", None, 1.0, 1),
    ],
)
def test_the_link_of_an_alert_lists_exactly_what_it_counted(
    server: Server, kind: str, threshold: float | None, value: float, count: int
) -> None:
    alert_id = server.add(kind, threshold, workflowId="wf_1")
    assert server.evaluator.look_at_all(server.at - timedelta(seconds=1)) == 0
    fill(server)
    assert server.evaluator.look_at_all(server.at) == 1
    (event,) = server.events()
    assert (event["type"], event["workflowId"], event["data"]["alertId"]) == ("alert.firing", "wf_1", alert_id)
    numbers = event["data"]["numbers"]
    assert (numbers["value"], numbers["count"]) == (value, count)
    listed = server.client.get(event["data"]["url"])
    assert listed.status_code == 200, listed.text
    assert listed.json()["pagination"]["total"] == numbers["count"]
    assert server.evaluator.look_at_all(server.at + timedelta(seconds=1)) == (1 if kind == "newError" else 0)


def test_silence_links_an_empty_list_and_ends_with_the_first_execution(server: Server) -> None:
    server.add("silence", workflowId="wf_1")
    server.put(1, 301)
    assert server.evaluator.look_at_all(server.at) == 1
    (event,) = server.events()
    assert (
        server.client.get(event["data"]["url"]).json()["pagination"]["total"] == event["data"]["numbers"]["count"] == 0
    )
    server.put(2, 1)
    assert server.evaluator.look_at_all(server.at + timedelta(seconds=1)) == 1
    assert [event["type"] for event in server.events()] == ["alert.firing", "alert.resolved"]


def test_p95_fires_against_its_own_past_and_memory_by_its_peak(server: Server) -> None:
    server.add("p95", 2.0, pastWindows=3, minCount=3)
    server.add("memory", 512.0, aggregate="max")
    records = []
    for window in range(4):
        for number in range(5):
            begin = server.at - timedelta(seconds=300 * window + 20 + number)
            made = record(f"{window}_{number}", begin, 1000 if window else 3000)
            made["metadata"] = {"memoryUsage": 600 if (window, number) == (0, 1) else 100}
            records.append(made)
    server.put_all(*records)
    assert server.evaluator.look_at_all(server.at) == 2
    for event in server.events():
        numbers = event["data"]["numbers"]
        assert numbers["count"] == 5
        assert server.client.get(event["data"]["url"]).json()["pagination"]["total"] == 5
        if event["data"]["kind"] == "p95":
            assert numbers["value"] == pytest.approx(3, rel=0.03)
            assert (numbers["p95"], numbers["usualP95"]) == (pytest.approx(3, rel=0.02), pytest.approx(1, rel=0.02))
        else:
            assert (numbers["value"], numbers["measured"]) == (600, 5)


def test_new_errors_are_told_once_each_and_the_old_ones_never(server: Server) -> None:
    server.put(1, 30, "failed", error={"type": "OldError", "message": "as ever"})
    server.add("newError")
    looks = iter(range(1, 100))

    def look() -> int | None:
        return server.evaluator.look_at_all(server.at + timedelta(seconds=next(looks)))

    assert look() == 0
    server.put(2, 20, "failed", error={"type": "OldError", "message": "as ever"})
    assert look() == 0
    server.put(3, 20, "failed", error={"type": "FreshError", "message": "never seen"})
    assert look() == 1
    assert server.events()[-1]["data"]["numbers"]["errorType"] == "FreshError"
    assert look() == 1  # resolved: it is told once
    assert look() == 0
    server.put(4, 10, "failed", error={"type": "OtherError", "message": "quite another one"})
    assert look() == 1
    assert server.events()[-1]["data"]["numbers"]["errorType"] == "OtherError"


def test_made_read_changed_removed(server: Server) -> None:
    alert_id = server.add("failures", 4.0, workflowId="wf_1", resolveThreshold=1)
    made = server.client.get(f"{PATH}/{alert_id}").json()
    assert (made["threshold"], made["window"], made["state"]["status"]) == (4.0, 300, "pending")
    assert made["description"] == "at least 4 failures in 5 min; workflow wf_1"
    changed = server.client.patch(f"{PATH}/{alert_id}", json={"threshold": 5, "resolveThreshold": None})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["threshold"], changed.json()["resolveThreshold"]) == (5.0, None)
    assert server.client.patch(f"{PATH}/{alert_id}", json={"enabled": False}).json()["state"]["status"] == "disabled"
    assert server.client.get(PATH).json()["total"] == 1
    assert server.client.delete(f"{PATH}/{alert_id}").status_code == 204
    gone = server.client.get(f"{PATH}/{alert_id}/history")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "ALERT_NOT_FOUND")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threshold": None}, "failureRate wants a threshold"),
        ({"threshold": 1.5}, "a ratio above 0, up to 1"),
        ({"resolveThreshold": 0.5}, "0 to less than the threshold 0.5"),
        ({"kind": "silence"}, "compares nothing"),
        ({"window": 59}, "window"),
        ({"cooldown": -1}, "cooldown"),
        ({"kind": "everything"}, "kind"),
        ({"unknown": 1}, "unknown"),
        ({"emails": ["ops@example.org"]}, "smtp_url"),
    ],
)
def test_what_does_not_go_together_is_refused(server: Server, changes: dict[str, Any], said: str) -> None:
    answer = server.client.post(PATH, json={"name": "x", "kind": "failureRate", "threshold": 0.5, **changes})
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert server.client.get(PATH).json()["total"] == 0


def test_a_name_is_given_once(server: Server) -> None:
    server.add("silence")
    answer = server.client.post(PATH, json={"name": "silence", "kind": "newError"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_ALERT")


def test_a_test_says_what_would_be_done_and_does_nothing(server: Server) -> None:
    fill(server)
    alert_id = server.add("failures", 4.0, workflowId="wf_1", window=600)
    said = server.client.post(f"{PATH}/{alert_id}/test").json()
    assert (said["over"], said["change"]) == (True, "firing")
    assert said["now"]["numbers"]["count"] == 9
    played = server.client.post(
        f"{PATH}/{alert_id}/test",
        json={"since": (server.at - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")},
    )
    assert played.status_code == 200, played.text
    replay = played.json()["replay"]
    assert replay["looks"] <= 500
    assert [one["fired"]["numbers"]["count"] for one in replay["firings"]] == [5]
    assert server.client.get(f"{PATH}/{alert_id}/history").json()["total"] == 0
    assert server.events() == []


def test_the_history_says_when_it_fired_and_was_resolved(server: Server) -> None:
    alert_id = server.add("failures", 4.0, workflowId="wf_1", resolveThreshold=0)
    fill(server)
    later = server.at + timedelta(hours=1)
    assert server.evaluator.look_at_all(server.at) == 1
    assert server.client.get(f"{PATH}/{alert_id}").json()["state"]["status"] == "firing"
    assert server.evaluator.look_at_all(later) == 1
    told = server.client.get(f"{PATH}/{alert_id}/history").json()
    (firing,) = told["firings"]
    assert firing["fired"]["numbers"]["value"] == 4
    assert firing["resolved"]["numbers"]["value"] == 0
    assert firing["firedAt"] < firing["resolvedAt"]
    assert server.client.get(f"{PATH}/{alert_id}").json()["state"]["status"] == "ok"


def test_a_bound_token_sees_and_makes_alerts_of_its_workflows_alone(hot_url: str, tmp_path: Path) -> None:
    app = app_over(tmp_path, hot_url, no_auth=False, alert_every_s=3600.0)
    with served(app) as client:
        database = app.state.hot.database
        admin = bearer(create_token(database, "admin", ["admin"])[1])
        bound = bearer(create_token(database, "bound", ["webhooks:manage"], workflow_ids=["wf_1"])[1])
        reader = bearer(create_token(database, "reader", ["executions:read"])[1])
        ids = {}
        for workflow in ("wf_1", "wf_2", None):
            one = {"name": f"of {workflow}", "kind": "silence", "workflowId": workflow}
            ids[workflow] = client.post(PATH, json=one, headers=admin).json()["id"]
            refused = client.post(PATH, json={**one, "name": f"mine {workflow}"}, headers=bound)
            assert refused.status_code == (201 if workflow == "wf_1" else 400)
        assert client.get(PATH, headers=bound).json()["total"] == 2
        assert client.get(f"{PATH}/{ids['wf_1']}", headers=bound).status_code == 200
        for method, path in (("GET", ""), ("DELETE", ""), ("PATCH", ""), ("GET", "/history"), ("POST", "/test")):
            body: dict[str, str] | None = {} if method in ("PATCH", "POST") else None
            for workflow in ("wf_2", None):
                answer = client.request(method, f"{PATH}/{ids[workflow]}{path}", headers=bound, json=body)
                assert answer.status_code == 404, (method, path)
        assert client.get(PATH, headers=reader).status_code == 403
        assert client.get(PATH).status_code == 401
