"""Who may come in with a token: over a socket, on a served lake with a hot store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import Depends, FastAPI

from api.app import create_app
from api.auth import SCOPES, Principal, requires
from api.auth.throttle import ADDRESSES, FORGIVEN, FORGIVEN_EVERY_S, Throttle
from api.config import Config
from api.edge.exposure import Exposure
from tests.api.records import load_records, record
from tests.api.serving import served
from tests.api.tokens import bearer, made_token, revoke
from warehouse.clock import now
from warehouse.hot.database import Database
from warehouse.hot.tokens import find_token, split_token

PATH = "/v1/executions/statistics"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    return load_records(tmp_path_factory.mktemp("auth"), [record(1, datetime(2026, 11, 1, tzinfo=UTC))])


@pytest.fixture(scope="module")
def app(lake: str) -> FastAPI:
    app = create_app(Config(lake=lake))
    for scope in SCOPES:
        _add_probes(app, scope)
    return app


def _add_probes(app: FastAPI, scope: str) -> None:
    """Routes that are closed by a scope and say who asked."""
    asks = Depends(requires(scope))

    @app.get(f"/probe/{scope}")
    def _all(principal: Principal = asks) -> dict[str, object]:
        return {"name": principal.name, "workflows": list(principal.workflows())}

    @app.get(f"/probe/{scope}/{{id}}")
    def _one(id: str, _principal: Principal = asks) -> str:
        return id


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as client:
        yield client


@pytest.fixture(autouse=True)
def _forgiven(app: FastAPI, client: httpx.Client) -> None:
    """All tests come from one address: none may wait for what another did wrong."""
    app.state.gate.throttle = Throttle()


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    error: dict[str, object] = answer.json()["error"]
    assert error["code"] == code
    return error


def test_without_a_token_nothing_is_answered_but_health(client: httpx.Client) -> None:
    for path in (PATH, "/", "/metrics", "/openapi.json"):
        answer = client.get(path)
        refused(answer, 401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"] == 'Bearer realm="runlake"'
    for path in ("/healthz", "/readyz"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        "Bearer",
        "Bearer rl_",
        "Basic YWRtaW46YWRtaW4=",
        "Bearer rl_000000000000_" + "0" * 64,
        "rl_000000000000_" + "0" * 64,
        "Bearer \xff",
    ],
)
def test_what_is_no_token_is_401(client: httpx.Client, said: str) -> None:
    answer = client.get(PATH, headers=[(b"Authorization", said.encode("latin-1"))])
    refused(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="runlake"')


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_own_routes_and_no_others(client: httpx.Client, lake: str, scope: str) -> None:
    headers = bearer(made_token(lake, f"only {scope}", scope))
    for other in SCOPES:
        answer = client.get(f"/probe/{other}", headers=headers)
        if scope in (other, "admin"):
            assert answer.json() == {"name": f"only {scope}", "workflows": []}
        else:
            error = refused(answer, 403, "INSUFFICIENT_PERMISSIONS")
            assert error["requiredPermission"] == other


def test_the_refusal_of_one_execution_is_the_contracts(client: httpx.Client, lake: str) -> None:
    headers = bearer(made_token(lake, "writes", "executions:write"))
    error = refused(client.get("/probe/executions:read/exec_1", headers=headers), 403, "INSUFFICIENT_PERMISSIONS")
    del error["timestamp"]
    assert error == {
        "code": "INSUFFICIENT_PERMISSIONS",
        "message": "You don't have permission to access this execution",
        "requiredPermission": "executions:read",
    }


def test_a_token_carries_the_workflows_it_is_bound_to(client: httpx.Client, lake: str) -> None:
    token = made_token(lake, "bound", "executions:read", workflow_ids=["wf_2", "wf_1"])
    assert client.get("/probe/executions:read", headers=bearer(token)).json()["workflows"] == ["wf_1", "wf_2"]


def test_a_principal_sees_what_it_is_bound_to_and_nothing_without_a_workflow() -> None:
    bound = Principal("1", "bound", frozenset({"executions:read"}), frozenset({"wf_1"}))
    assert [bound.sees(one) for one in ("wf_1", "wf_2", None)] == [True, False, False]
    free = Principal("1", "free", frozenset({"executions:read"}))
    assert [free.sees(one) for one in ("wf_1", None)] == [True, True]


def test_a_revoked_token_is_refused_within_two_seconds(client: httpx.Client, lake: str) -> None:
    headers = bearer(made_token(lake, "to revoke", "executions:read"))
    assert client.get("/probe/executions:read", headers=headers).status_code == 200
    revoke(lake, "to revoke")
    deadline = time.monotonic() + 2
    while client.get("/probe/executions:read", headers=headers).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    refused(client.get("/probe/executions:read", headers=headers), 401, "UNAUTHENTICATED")


def test_a_token_ends_at_its_instant(client: httpx.Client, lake: str) -> None:
    headers = bearer(made_token(lake, "short", "executions:read", expires_at=now() + timedelta(seconds=1)))
    assert client.get("/probe/executions:read", headers=headers).status_code == 200
    time.sleep(1)
    answer = client.get("/probe/executions:read", headers=headers)
    refused(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].endswith('error="invalid_token"')


def test_the_secret_of_one_token_does_not_open_another(client: httpx.Client, lake: str) -> None:
    one, other = made_token(lake, "one", "admin"), made_token(lake, "other", "admin")
    mixed = "_".join([*one.split("_")[:2], other.split("_")[2]])
    refused(client.get(PATH, headers=bearer(mixed)), 401, "UNAUTHENTICATED")


def test_many_failures_must_wait_and_a_good_token_need_not(client: httpx.Client, lake: str) -> None:
    good = bearer(made_token(lake, "good", "executions:read"))
    assert client.get("/probe/executions:read", headers=good).status_code == 200
    bad = bearer("rl_000000000000_" + "0" * 64)
    statuses = [client.get(PATH, headers=bad).status_code for _ in range(FORGIVEN + 5)]
    assert statuses[:FORGIVEN] == [401] * FORGIVEN
    assert statuses[FORGIVEN + 1 :] == [429] * 4  # between them one more may be forgiven
    answer = client.get(PATH, headers=bad)
    error = refused(answer, 429, "TOO_MANY_ATTEMPTS")
    assert 1 <= int(answer.headers["retry-after"]) <= FORGIVEN_EVERY_S
    assert error["retryAfter"] == int(answer.headers["retry-after"])
    assert client.get("/probe/executions:read", headers=good).status_code == 200
    # What was never seen is not looked up any more, so guessing brings nothing.
    refused(client.get(PATH, headers=bearer(made_token(lake, "new", "admin"))), 429, "TOO_MANY_ATTEMPTS")


def test_failures_are_counted_by_address_in_bounded_memory() -> None:
    clock_s = [0.0]
    throttle = Throttle(lambda: clock_s[0])
    for _ in range(FORGIVEN):
        assert throttle.wait_s("10.0.0.1") == 0
        throttle.failed("10.0.0.1")
    assert throttle.wait_s("10.0.0.1") == FORGIVEN_EVERY_S
    assert throttle.wait_s("::ffff:10.0.0.1") == FORGIVEN_EVERY_S
    assert throttle.wait_s("10.0.0.2") == 0
    clock_s[0] += FORGIVEN_EVERY_S
    assert throttle.wait_s("10.0.0.1") == 0
    for _ in range(FORGIVEN):
        throttle.failed("2001:db8::1")
    assert throttle.wait_s("2001:db8::ffff:1") > 0  # the same network
    assert throttle.wait_s("2001:db8:0:1::1") == 0
    for number in range(ADDRESSES + 100):
        throttle.failed(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(throttle) == ADDRESSES


def test_the_last_use_is_noted_without_the_request_waiting(client: httpx.Client, lake: str) -> None:
    text = made_token(lake, "used", "executions:read")
    parts = split_token(text)
    assert parts is not None
    before = now()
    assert client.get("/probe/executions:read", headers=bearer(text)).status_code == 200
    database = Database.open(Config(lake=lake).hot_url_or_default())
    deadline = time.monotonic() + 10
    while (found := find_token(database, parts[0])) is None or found.last_used_at is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    database.close()
    assert before <= found.last_used_at <= now()


def test_with_no_auth_everybody_may_everything(lake: str) -> None:
    with served(create_app(Config(lake=lake), Exposure(no_auth=True))) as client:
        assert client.get(PATH, params={"until": "latest"}).status_code == 200
        assert client.get("/").status_code == 200
        assert client.get("/login").headers["location"] == "/"


def test_the_description_names_what_each_route_needs(client: httpx.Client, lake: str) -> None:
    headers = bearer(made_token(lake, "reads the description", "admin"))
    described = client.get("/openapi.json", headers=headers).json()
    operation = described["paths"][PATH]["get"]
    assert {"token": ["executions:read"]} in operation["security"]
    assert {"401", "403", "429", "500", "503", "504"} <= set(operation["responses"])
    schemes = described["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer"
    assert schemes["session"]["in"] == "cookie"
    assert "security" not in described["paths"]["/healthz"]["get"]
