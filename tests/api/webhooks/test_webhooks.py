"""Webhooks over HTTP: registered, changed, sent to real receivers, looked up in the log, sent again."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.api.live.streams import event, put
from tests.api.tokens import bearer, made_token
from tests.api.webhooks.receivers import WEBHOOKS, Answer, log, receiving, register, sending, wait_for
from tests.api.writing_app import narrow
from warehouse.clock import now
from warehouse.hot.event_schema import EVENT_TYPES


def test_a_failed_execution_is_told_as_the_contract_says(tmp_path: Path, hot_url: str) -> None:
    with receiving() as receiver, sending(tmp_path, hot_url) as server:
        made = register(
            server.http, receiver.url, "execution.failed", "execution.completed", filters={"workflowId": "wf_1"}
        )
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/=]+", made["secret"])
        assert 24 <= len(base64.b64decode(made["secret"].removeprefix("whsec_"))) <= 64
        records = [narrow(1, "failed", workflowName="GitHub to Slack"), narrow(2), narrow(3, "running")]
        assert server.http.post("/v1/executions", json=records).status_code == 200
        assert server.http.post("/v1/executions", json=narrow(4, workflowId="wf_2")).status_code == 200
        first, second = receiver.wait(2)
        assert list(first.json) == ["event", "executionId", "workflowId", "workflowName", "timestamp", "data"]
        by_id = {one.json["executionId"]: one.json for one in (first, second)}
        failed = by_id["exec_1"]
        assert failed["event"] == "execution.failed"
        assert failed["workflowName"] == "GitHub to Slack"
        assert failed["data"]["error"] == {"type": "ConnectionError", "message": "no answer to 1"}
        assert (failed["data"]["duration"], failed["data"]["retryCount"]) == (2.0, 0)
        assert by_id["exec_2"]["event"] == "execution.completed"
        assert first.headers["content-type"] == "application/json"
        assert Webhook(made["secret"]).verify(first.body, first.headers) == first.json
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(first.body.replace("exec", "exac"), first.headers)
        wait_for(lambda: {one["status"] for one in log(server.http, made)} == {"delivered"})
        (attempt,) = log(server.http, made)[0]["attempts"]
        assert (attempt["status"], attempt["answer"], attempt["error"]) == (204, "", None)
        assert len(receiver.requests) == 2
        assert made["secret"] not in server.http.get(f"{WEBHOOKS}/{made['id']}/deliveries").text


def test_what_is_registered_can_be_read_changed_and_deleted(tmp_path: Path, hot_url: str) -> None:
    with sending(tmp_path, hot_url) as server:
        http = server.http
        made = register(http, "http://127.0.0.1:9/a", "execution.failed", "execution.failed", description="pager")
        path = f"{WEBHOOKS}/{made['id']}"
        secret = made.pop("secret")
        assert made["events"] == ["execution.failed"]
        assert (made["status"], made["pending"], made["missedEvents"]) == ("enabled", 0, 0)
        assert made["filters"] == {"workflowId": None, "status": None, "mode": None}
        assert http.get(path).json() == made
        assert http.get(WEBHOOKS).json() == {"webhooks": [made]}
        changes = {"status": "paused", "description": None, "filters": {"workflowId": ["a", "b"], "mode": "manual"}}
        changed = http.patch(path, json=changes).json()
        assert (changed["status"], changed["description"], changed["url"]) == ("paused", None, made["url"])
        assert changed["filters"] == {"workflowId": ["a", "b"], "status": None, "mode": "manual"}
        assert http.patch(path, json={"url": "http://127.0.0.1:9/b"}).json()["filters"] == changed["filters"]
        assert secret not in http.get(path).text + http.get(WEBHOOKS).text
        assert http.delete(path).status_code == 204
        for answer in (http.get(path), http.delete(path), http.patch(path, json={}), http.post(f"{path}/test")):
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "WEBHOOK_NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        {"url": "https://hooks.example.com", "events": []},
        {"url": "https://hooks.example.com", "events": ["execution.exploded"]},
        {"url": "https://hooks.example.com"},
        {"url": "ftp://hooks.example.com", "events": ["execution.failed"]},
        {"url": "https://user:pass@hooks.example.com", "events": ["execution.failed"]},
        {"url": "https://hooks.example.com/#part", "events": ["execution.failed"]},
        {"url": "https://hooks.example.com:99999/", "events": ["execution.failed"]},
        {"url": "https://224.0.0.1/", "events": ["execution.failed"]},
        {"url": "https://hooks.example.com", "events": ["execution.failed"], "secret": "mine"},
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    with sending(tmp_path) as server:
        answer = server.http.post(WEBHOOKS, json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] in ("INVALID_BODY", "WEBHOOK_URL_REFUSED")


def test_all_types_of_events_may_be_asked_for(tmp_path: Path) -> None:
    with sending(tmp_path) as server:
        assert register(server.http, "http://127.0.0.1:9/", *EVENT_TYPES)["events"] == list(EVENT_TYPES)


def test_a_bound_token_has_the_webhooks_of_its_workflows_only(tmp_path: Path) -> None:
    with sending(tmp_path, no_auth=False) as server:
        lake = tmp_path / "lake"
        everybody = bearer(made_token(lake, "all", "webhooks:manage"))
        bound = bearer(made_token(lake, "bound", "webhooks:manage", workflow_ids=["wf_1", "wf_2"]))
        reader = bearer(made_token(lake, "reader", "executions:read"))
        body = {"url": "http://127.0.0.1:9/", "events": ["execution.failed"]}
        assert server.http.get(WEBHOOKS, headers=reader).status_code == 403
        foreign = server.http.post(WEBHOOKS, headers=everybody, json=body).json()
        own = server.http.post(WEBHOOKS, headers=bound, json=body).json()
        assert own["filters"]["workflowId"] == ["wf_1", "wf_2"]
        answer = server.http.post(WEBHOOKS, headers=bound, json={**body, "filters": {"workflowId": "wf_3"}})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "WORKFLOW_NOT_ALLOWED")
        assert [one["id"] for one in server.http.get(WEBHOOKS, headers=bound).json()["webhooks"]] == [own["id"]]
        assert len(server.http.get(WEBHOOKS, headers=everybody).json()["webhooks"]) == 2
        for method, path in (
            ("GET", ""), ("DELETE", ""), ("PATCH", ""), ("POST", "/test"), ("POST", "/rotate-secret"),
            ("GET", "/deliveries"), ("POST", "/deliveries/msg_1/resend"), ("POST", "/resend"),
        ):  # fmt: skip
            content = json.dumps({"since": "2026-01-01"}) if path == "/resend" else "{}" if method == "PATCH" else None
            headers = bound | ({"Content-Type": "application/json"} if content else {})
            answer = server.http.request(method, f"{WEBHOOKS}/{foreign['id']}{path}", headers=headers, content=content)
            assert answer.status_code == 404, (method, path)
        cleared = server.http.patch(f"{WEBHOOKS}/{own['id']}", headers=bound, json={"filters": None}).json()
        assert cleared["filters"]["workflowId"] == ["wf_1", "wf_2"]


def test_the_number_of_webhooks_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.webhooks.registration.WEBHOOKS_MAX", 2)
    with sending(tmp_path) as server:
        for number in range(2):
            register(server.http, f"http://127.0.0.1:9/{number}")
        answer = server.http.post(WEBHOOKS, json={"url": "http://127.0.0.1:9/", "events": ["execution.failed"]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "TOO_MANY_WEBHOOKS")


def test_a_rotated_secret_signs_beside_the_old_one(tmp_path: Path, hot_url: str) -> None:
    with receiving() as receiver, sending(tmp_path, hot_url) as server:
        made = register(server.http, receiver.url)
        answer = server.http.post(f"{WEBHOOKS}/{made['id']}/rotate-secret").json()
        assert answer["secret"] != made["secret"]
        assert answer["previousSecretValidUntil"] is not None
        put(server.store, event(1))
        (request,) = receiver.wait(1)
        assert len(request.headers["webhook-signature"].split()) == 2
        for secret in (made["secret"], answer["secret"]):
            assert Webhook(secret).verify(request.body, request.headers) == request.json


def test_a_test_is_sent_once_even_while_paused(tmp_path: Path, hot_url: str) -> None:
    with receiving(Answer(500, body=b"no")) as receiver, sending(tmp_path, hot_url) as server:
        made = register(server.http, receiver.url, status="paused")
        put(server.store, event(1))
        answer = server.http.post(f"{WEBHOOKS}/{made['id']}/test")
        assert answer.status_code == 202
        (request,) = receiver.wait(1)
        assert (request.id, request.json["event"]) == (answer.json()["deliveryId"], "webhook.test")
        wait_for(lambda: log(server.http, made)[0]["status"] == "failed")
        assert log(server.http, made)[0]["attempts"][0]["answer"] == "no"
        assert server.http.get(f"{WEBHOOKS}/{made['id']}").json()["failingSince"] is None
        server.http.patch(f"{WEBHOOKS}/{made['id']}", json={"status": "enabled"})
        assert receiver.wait(2)[1].json["executionId"] == "exec_1"  # what came while it was paused


def test_one_and_all_can_be_sent_again(tmp_path: Path, hot_url: str) -> None:
    with receiving() as receiver, sending(tmp_path, hot_url) as server:
        made = register(server.http, receiver.url)
        path = f"{WEBHOOKS}/{made['id']}"
        begun = now()
        put(server.store, *(event(number) for number in range(3)), event(9, "execution.queued"))
        receiver.wait(3)
        wait_for(lambda: len(log(server.http, made, status="delivered")) == 3)
        newest, *_ = log(server.http, made)
        assert server.http.post(f"{path}/deliveries/{newest['id']}/resend").status_code == 202
        assert receiver.wait(4)[3].id == newest["id"]
        wait_for(lambda: not log(server.http, made, status="pending"))
        answer = server.http.post(f"{path}/resend", json={"since": begun.isoformat().replace("+00:00", "Z")})
        assert (answer.status_code, answer.json()) == (202, {"deliveries": 3, "complete": True})
        requests = receiver.wait(7)
        assert {one.id for one in requests[4:]} == {one.id for one in requests[:3]}
        wait_for(lambda: not log(server.http, made, status="pending"))
        later = {"since": "2099-01-01"}
        assert server.http.post(f"{path}/resend", json=later).json() == {"deliveries": 0, "complete": True}
        answer = server.http.post(f"{path}/deliveries/msg_none/resend")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "DELIVERY_NOT_FOUND")


def test_the_log_comes_in_pages(tmp_path: Path) -> None:
    with receiving() as receiver, sending(tmp_path) as server:
        made = register(server.http, receiver.url)
        put(server.store, *(event(number) for number in range(5)))
        receiver.wait(5)
        seen, cursor = [], None
        for _ in range(3):
            query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = server.http.get(f"{WEBHOOKS}/{made['id']}/deliveries", params=query).json()
            seen += [one["id"] for one in page["deliveries"]]
            cursor = page["pagination"]["nextCursor"]
        assert cursor is None
        assert seen == sorted(seen, key=lambda one: -int(one.rsplit("_")[-1]))
        assert len(set(seen)) == 5
        bad = server.http.get(f"{WEBHOOKS}/{made['id']}/deliveries", params={"cursor": "x", "limit": 2})
        assert bad.json()["error"]["code"] == "INVALID_CURSOR"


def test_what_happens_is_counted(tmp_path: Path) -> None:
    with receiving(Answer(500), Answer()) as receiver, sending(tmp_path) as server:
        server.app.state.exposure = type(server.app.state.exposure)(no_auth=True, open_metrics=True)
        made = register(server.http, receiver.url)
        put(server.store, event(1))
        put(server.store, event(2))
        receiver.wait(2)
        wait_for(lambda: len(log(server.http, made, status="delivered")) == 1)
        wait_for(lambda: 'runlake_webhook_attempts_total{outcome="delivered"} 1.0' in server.http.get("/metrics").text)
        assert 'runlake_webhook_attempts_total{outcome="retried"} 1.0' in server.http.get("/metrics").text
