"""Who may listen: tokens, tickets, sessions, origins; what a token sees; what becomes of it when it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.auth.gate import SESSION_COOKIE
from tests.api.live.streams import EVENTS, STREAM, Served, event, forgiven, put, serving
from tests.api.tokens import bearer, made_token, revoke
from warehouse.clock import now

ELSEWHERE = "https://dash.example.com"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("admission")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Served]:
    with serving(folder, no_auth=False, cors_origins=(ELSEWHERE,)) as server:
        yield server


@pytest.fixture
def server(running: Served) -> Served:
    forgiven(running)
    return running


@pytest.fixture(scope="module")
def token(folder: Path) -> str:
    return made_token(folder / "lake", "reader", "executions:read")


def refused(server: Served, query: str = "", **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and error of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as found, server.socket(query, **options):
        pass
    response = found.value.response
    return response.status_code, json.loads(bytes(response.body or b""))["error"]


def own(server: Served) -> str:
    return str(server.http.base_url).rstrip("/")


def cookie(server: Served, token: str, life: timedelta = timedelta(hours=1)) -> dict[str, str]:
    """The session of a browser that signed in with a token."""
    sessions = server.app.state.gate.sessions
    return {"Cookie": f"{SESSION_COOKIE}={sessions.issue(token.split('_')[1], now() + life)}"}


def ticket(server: Served, headers: dict[str, str]) -> str:
    answer = server.http.post(f"{STREAM}/ticket", headers=headers)
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"ticket", "expiresAt"}
    return str(answer.json()["ticket"])


def test_a_token_in_the_header_or_the_subprotocol(server: Served, token: str) -> None:
    with server.socket(token=token) as socket:
        socket.subscribe("executions")
        assert socket.connection.subprotocol is None
    with server.socket(subprotocols=["runlake", f"bearer.{token}"]) as socket:
        socket.subscribe("executions")
        assert socket.connection.subprotocol == "runlake"  # the token is never sent back


def test_who_is_not_let_in_gets_the_error_body(server: Served, folder: Path, token: str) -> None:
    status, error = refused(server)
    assert (status, error["code"]) == (401, "UNAUTHENTICATED")
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    for options in ({"token": wrong}, {"subprotocols": ["runlake", f"bearer.{wrong}"]}):
        assert refused(server, **options)[0] == 401
    writer = made_token(folder / "lake", "writer", "executions:write")
    status, error = refused(server, token=writer)
    assert (status, error["requiredPermission"]) == (403, "executions:read")
    answer = server.http.get(EVENTS, headers=bearer(writer))
    assert (answer.status_code, answer.json()["error"]["requiredPermission"]) == (403, "executions:read")
    assert server.http.get(EVENTS).status_code == 401


def test_guessing_is_throttled_on_the_stream_too(server: Served) -> None:
    wrong = "rl_000000000000_" + "0" * 64
    statuses = [refused(server, subprotocols=["runlake", f"bearer.{wrong}"])[0] for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert server.http.get(EVENTS, headers=bearer(wrong)).status_code == 429
    forgiven(server)


def test_a_ticket_opens_once(server: Served, token: str) -> None:
    given = ticket(server, bearer(token))
    with server.socket(f"?ticket={given}") as socket:
        socket.subscribe("executions")
    assert refused(server, f"?ticket={given}")[0] == 401
    good = ticket(server, bearer(token))
    for bad in ("", "x", "1.2.3.4.5", good[:-1] + ("0" if good[-1] != "0" else "1"), good.replace("1.", "2.", 1)):
        assert refused(server, f"?ticket={bad}")[0] == 401
    assert server.http.post(f"{STREAM}/ticket").status_code == 401


def test_a_ticket_is_over_soon_and_with_its_token(
    server: Served, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = made_token(folder / "lake", "passing", "executions:read")
    given = ticket(server, bearer(passing))
    revoke(folder / "lake", "passing")
    time.sleep(1.1)
    assert refused(server, f"?ticket={given}")[0] == 401
    monkeypatch.setattr("api.live.tickets.LIFE_S", 1)
    other = made_token(folder / "lake", "other", "executions:read")
    given = ticket(server, bearer(other))
    time.sleep(1.1)
    assert refused(server, f"?ticket={given}")[0] == 401


def test_a_session_counts_on_our_own_pages_only(server: Served, token: str) -> None:
    session = cookie(server, token)
    for origin, status in ((None, 403), (ELSEWHERE, 403), ("https://evil.example", 403), ("null", 403)):
        assert _status(server, session, origin) == status, origin
    assert _status(server, session, own(server)) == 101
    given = server.http.post(f"{STREAM}/ticket", headers=session | {"Origin": own(server)})
    assert given.status_code == 201
    assert server.http.post(f"{STREAM}/ticket", headers=session | {"Origin": ELSEWHERE}).status_code == 403


def _status(server: Served, headers: dict[str, str], origin: str | None) -> int:
    from websockets.sync.client import connect

    try:
        with connect(server.url, additional_headers=headers, origin=origin, proxy=None):  # type: ignore[arg-type]
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def test_pages_of_other_origins_need_to_be_named(server: Served, token: str) -> None:
    assert _status(server, bearer(token), ELSEWHERE) == 101
    for origin in ("https://evil.example", "http://dash.example.com", "null"):
        assert _status(server, bearer(token), origin) == 403
    status, error = refused(server, token=token, origin="https://evil.example")
    assert (status, error["code"]) == (403, "ORIGIN_NOT_ALLOWED")


def test_without_tokens_pages_elsewhere_may_not_listen_either(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert _status(server, {}, "https://evil.example") == 403
        assert _status(server, {}, own(server)) == 101
        assert _status(server, {}, None) == 101
        given = ticket(server, {})
        with server.socket(f"?ticket={given}") as socket:
            socket.subscribe("executions")


def test_other_hosts_are_refused(tmp_path: Path) -> None:
    from api.app import create_app
    from api.config import Config
    from api.edge.exposure import LOOPBACK_HOSTS, Exposure
    from tests.api.serving import served
    from warehouse.lake import Lake

    Lake.open(tmp_path / "lake", create=True).close()
    app = create_app(Config(lake=str(tmp_path / "lake")), Exposure(no_auth=True, hosts=LOOPBACK_HOSTS))
    with served(app) as client:
        base = str(client.base_url).rstrip("/")
        for host, status in (("127.0.0.1", 426), ("evil.example", 421)):
            assert client.get(STREAM, headers={"Host": host}).status_code == status
        headers = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }  # fmt: skip
        answer = httpx.get(base + STREAM, headers=headers | {"Host": "evil.example"}, trust_env=False)
        assert (answer.status_code, answer.json()["error"]["code"]) == (421, "MISDIRECTED_REQUEST")


def test_a_bound_token_hears_of_its_workflows_only(server: Served, folder: Path) -> None:
    bound = made_token(folder / "lake", "bound", "executions:read", workflow_ids=["wf_1", "wf_2"])
    with server.socket(token=bound) as socket:
        socket.subscribe("executions", "workflow:wf_3", "execution:exec_3")
        last = put(
            server.store,
            event(1),
            event(2, workflow_id="wf_2"),
            event(3, workflow_id="wf_3"),
            event(3, workflow_id=None),
            event("x", "alert.firing", execution_id=None, workflow_id=None),
            event(3, workflow_id="wf_1"),
        )
        assert [one["seq"] - last for one in socket.up_to(last)] == [-5, -4, 0]
        socket.say("unsubscribe", channels=["workflow:wf_3", "execution:exec_3"])
        assert socket.hear()["subscribed"] == ["executions"]
        socket.subscribe("executions", since=last - 6)
        assert [one["seq"] - last for one in socket.up_to(last)] == [-5, -4, 0]
    answer = server.http.get(EVENTS, params={"since": last - 6, "follow": "false"}, headers=bearer(bound))
    assert answer.text.count("data: ") == 3


def test_events_of_webhooks_are_for_who_may_manage_them(server: Served, folder: Path, token: str) -> None:
    manager = made_token(folder / "lake", "manager", "executions:read", "webhooks:manage")
    with server.socket(token=token) as reader, server.socket(token=manager) as other:
        for socket in (reader, other):
            socket.subscribe("executions")
        last = put(server.store, event(1, "webhook.disabled", execution_id=None, workflow_id=None), event(2))
        assert [one["seq"] - last for one in other.up_to(last)] == [-1, 0]
        assert [one["seq"] - last for one in reader.up_to(last)] == [0]


def test_a_revoked_token_is_disconnected(server: Served, folder: Path) -> None:
    revoked = made_token(folder / "lake", "revoked", "executions:read")
    lasting = made_token(folder / "lake", "lasting", "executions:read")
    with (
        server.socket(token=revoked) as one,
        server.socket(token=lasting) as other,
        server.http.stream("GET", EVENTS, headers=bearer(revoked)) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        for socket in (one, other):
            socket.subscribe("executions")
        revoke(folder / "lake", "revoked")
        began_s = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            one.hear()
        assert time.monotonic() - began_s < 6
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        left = "\n".join(lines)
        assert json.loads(left.split("data: ")[1].split("\n")[0])["error"]["code"] == "UNAUTHENTICATED"
        last = put(server.store, event(1))
        assert other.hear()["seq"] == last


def test_an_expired_token_and_session_are_disconnected(server: Served, folder: Path, token: str) -> None:
    soon = made_token(folder / "lake", "soon", "executions:read", expires_at=now() + timedelta(seconds=2))
    session = cookie(server, token, timedelta(seconds=2)) | {"Origin": own(server)}
    from websockets.sync.client import connect

    with server.socket(token=soon) as one, connect(server.url, additional_headers=session, proxy=None) as other:
        for connection in (one.connection, other):
            with pytest.raises(ConnectionClosed) as closed:
                connection.recv(timeout=15)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401


def test_a_revoked_reader_that_does_not_read_is_cut_off(server: Served, folder: Path) -> None:
    import socket as sockets

    stalled = made_token(folder / "lake", "stalled", "executions:read")
    plain = sockets.create_connection((server.http.base_url.host, server.http.base_url.port or 0))
    plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 14)
    live = server.app.state.live
    before = len(live._readers)
    with suppress(ConnectionClosed), server.socket(token=stalled, sock=plain, max_queue=1) as socket:
        socket.subscribe("executions")
        for _ in range(20):
            put(server.store, *(event(n, data={"text": "x" * 2000}) for n in range(300)))
        time.sleep(0.5)
        revoke(folder / "lake", "stalled")
        deadline_s = time.monotonic() + 8
        while len(live._readers) > before:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
