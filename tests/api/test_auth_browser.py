"""A browser signs in with a token, and nothing on another page can make use of that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from api.app import create_app
from api.auth import Principal, requires
from api.auth.sessions import Sessions
from api.auth.throttle import FORGIVEN, Throttle
from api.config import Config
from api.routes.login import local
from tests.api.records import load_records, record
from tests.api.serving import served
from tests.api.tokens import bearer, made_token, revoke
from warehouse.clock import now

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    records = [record(1, datetime(2026, 11, 1, tzinfo=UTC), workflowName="Zoë")]
    return load_records(tmp_path_factory.mktemp("browser"), records)


@pytest.fixture(scope="module")
def token(lake: str) -> str:
    return made_token(lake, "Ada's <laptop>", "reports:read", "executions:read", "executions:control")


@pytest.fixture(scope="module")
def app(lake: str) -> FastAPI:
    app = create_app(Config(lake=lake))

    @app.post("/v1/change")
    def _change(_principal: Annotated[Principal, Depends(requires("executions:control"))]) -> str:
        return "changed"

    return app


@pytest.fixture(scope="module")
def base_url(app: FastAPI) -> Iterator[str]:
    with served(app) as client:
        yield str(client.base_url)


@pytest.fixture
def browser(app: FastAPI, base_url: str) -> Iterator[httpx.Client]:
    """A browser without cookies that says from where it sends forms."""
    app.state.gate.throttle = Throttle()
    with httpx.Client(base_url=base_url, headers=HTML, timeout=60, trust_env=False) as client:
        yield client


def word_of(page: httpx.Response) -> str:
    found = re.search(r'name="word" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def sign_in(browser: httpx.Client, token: str, next: str = "/") -> httpx.Response:
    form = {"word": word_of(browser.get("/login")), "token": token, "next": next}
    return browser.post("/login", data=form, headers={"Origin": str(browser.base_url).rstrip("/")})


def test_who_is_not_signed_in_sees_a_page_that_loads_nothing(browser: httpx.Client) -> None:
    page = browser.get("/", params={"period": "30d"})
    assert page.status_code == 401
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r'(src|href)="(?!data:|/)', page.text)
    assert "<script" not in page.text
    assert '<label for="token">' in page.text
    assert 'name="next" value="/?period=30d"' in page.text
    assert "Zoë" not in page.text


def test_signing_in_leads_back_and_the_cookie_is_out_of_reach_of_scripts(browser: httpx.Client, token: str) -> None:
    answer = sign_in(browser, token, "/?period=30d")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?period=30d")
    (cookie,) = (line for line in answer.headers.get_list("set-cookie") if line.startswith("runlake_session="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Path=/" in cookie
    assert "secure" not in cookie.lower()  # plain http on loopback
    assert token.split("_")[2] not in cookie
    assert "Zoë" in browser.get("/").text
    assert browser.get("/v1/executions/statistics", params={"until": "latest"}).json()["totalExecutions"] == 1
    assert "Ada&#39;s &lt;laptop&gt;" in browser.get("/login").text


def test_behind_https_the_cookie_is_secure(lake: str, token: str) -> None:
    app = create_app(Config(lake=lake))

    # What uvicorn makes of X-Forwarded-Proto of a trusted proxy.
    async def https(scope: dict[str, object], receive: object, send: object) -> None:
        await app({**scope, "scheme": "https"} if scope["type"] == "http" else scope, receive, send)  # type: ignore[arg-type]

    with served(https) as browser:  # type: ignore[arg-type]
        answer = sign_in(browser, token)
        # Secure cookies do not come back over http, the form's neither: so it is refused, and both say Secure.
        assert answer.status_code == 403
        for line in answer.headers.get_list("set-cookie"):
            assert "Secure" in line


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1"},
    ],
)
def test_a_form_of_another_page_signs_nobody_in(browser: httpx.Client, token: str, headers: dict[str, str]) -> None:
    form = {"word": word_of(browser.get("/login")), "token": token}
    answer = browser.post("/login", data=form, headers=headers)
    assert answer.status_code == 403
    assert "runlake_session" not in browser.cookies


def test_the_word_of_a_form_is_good_for_one_browser(browser: httpx.Client, base_url: str, token: str) -> None:
    own = {"Origin": base_url.rstrip("/")}
    with httpx.Client(base_url=base_url, headers=HTML, trust_env=False) as other:
        word = word_of(other.get("/login"))
    browser.get("/login")
    for bad in (word, "", "1", "9999999999.0", word_of(browser.get("/login")) + "0"):
        assert browser.post("/login", data={"word": bad, "token": token}, headers=own).status_code == 403
    browser.cookies.clear()
    assert browser.post("/login", data={"word": word, "token": token}, headers=own).status_code == 403


def test_a_wrong_token_is_said_on_the_page_and_throttled(browser: httpx.Client) -> None:
    wrong = "rl_000000000000_" + "0" * 64
    for _ in range(FORGIVEN):
        page = sign_in(browser, wrong)
        assert page.status_code == 401
        assert 'role="alert"' in page.text
        assert wrong not in page.text
    page = sign_in(browser, wrong)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) >= 1
    assert "Too many attempts" in page.text


def test_a_session_changes_things_from_our_own_pages_only(browser: httpx.Client, token: str) -> None:
    sign_in(browser, token)
    own = str(browser.base_url).rstrip("/")
    assert browser.post("/v1/change", headers={"Origin": own}).json() == "changed"
    assert browser.post("/v1/change", headers={"Sec-Fetch-Site": "same-origin"}).json() == "changed"
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Origin": own}):
        answer = browser.post("/v1/change", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FOREIGN_ORIGIN")


def test_a_session_reads_for_our_own_pages_and_for_who_follows_a_link(browser: httpx.Client, token: str) -> None:
    sign_in(browser, token)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert browser.get("/", headers=link).status_code == 200
    for headers in (link, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}):
        assert browser.get("/v1/executions/statistics", headers=headers).status_code == 403
    assert browser.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}).status_code == 403


def test_signing_out_ends_it_and_needs_the_form(browser: httpx.Client, token: str) -> None:
    sign_in(browser, token)
    own = {"Origin": str(browser.base_url).rstrip("/")}
    assert browser.post("/logout", data={"word": ""}, headers=own).status_code == 403
    page = browser.get("/login")
    assert "Sign out" in page.text
    assert browser.post("/logout", data={"word": word_of(page)}).status_code == 403
    done = browser.post("/logout", data={"word": word_of(page)}, headers=own)
    assert done.status_code == 200
    assert "You have signed out" in done.text
    assert browser.get("/").status_code == 401


def test_revoking_the_token_ends_its_sessions(browser: httpx.Client, lake: str, app: FastAPI) -> None:
    sign_in(browser, made_token(lake, "gone soon", "reports:read"))
    assert browser.get("/").status_code == 200
    revoke(lake, "gone soon")
    app.state.gate._seen.clear()  # as a second later
    page = browser.get("/")
    assert page.status_code == 401
    assert "sign in again" in page.text


def test_a_token_that_may_not_read_reports_is_told_so(browser: httpx.Client, lake: str) -> None:
    sign_in(browser, made_token(lake, "only executions", "executions:read"))
    page = browser.get("/")
    assert page.status_code == 403
    assert "reports:read" in page.text
    assert "Sign out" in page.text
    assert browser.get("/v1/executions/statistics").status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "1.a.b.c.d", "1.000000000000.99999999999.aa." + "0" * 64, "\xff.\xff"])
def test_a_cookie_that_is_not_ours_is_no_session(browser: httpx.Client, cookie: str) -> None:
    headers = [(b"Cookie", b"runlake_session=" + cookie.encode("latin-1")), (b"Accept", b"application/json")]
    answer = browser.get("/v1/executions/statistics", headers=headers)
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"


def test_a_session_cannot_be_altered_and_ends() -> None:
    sessions, at = Sessions(b"k" * 32), now()
    cookie = sessions.issue("0123456789ab", at + timedelta(hours=1))
    read = sessions.read(cookie, at)
    assert read is not None
    assert read.token_id == "0123456789ab"
    assert sessions.read(cookie, at + timedelta(hours=1)) is None
    for place in range(len(cookie)):
        changed = cookie[:place] + ("0" if cookie[place] != "0" else "1") + cookie[place + 1 :]
        assert sessions.read(changed, at) is None
    assert Sessions(b"j" * 32).read(cookie, at) is None
    word = sessions.form_word("nonce", at)
    assert sessions.is_form_word(word, "nonce", at)
    assert not sessions.is_form_word(word, "other", at)
    assert not sessions.is_form_word(word, "nonce", at + timedelta(hours=1))


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil", "evil", "", "/\n", "/é", "/" * 3]
)
def test_signing_in_never_leads_elsewhere(path: str) -> None:
    assert local(path) == "/"
    assert local("/?period=30d&timezone=Europe/Berlin") == "/?period=30d&timezone=Europe/Berlin"


def test_a_form_of_another_type_is_415(browser: httpx.Client) -> None:
    answer = browser.post("/login", json={"token": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert browser.put("/login").headers["allow"] == "GET, HEAD, POST"


def test_the_report_of_a_bound_token_knows_no_other_workflow(tmp_path: Path) -> None:
    at = now() - timedelta(hours=2)
    error = {"type": "TheirError", "message": "their message", "timestamp": at.isoformat()}
    node = {
        "nodeId": "n1", "nodeName": "Their node", "nodeType": "http", "status": "failed",
        "startedAt": at.isoformat(), "stoppedAt": (at + timedelta(seconds=1)).isoformat(), "duration": 1.0,
    }  # fmt: skip
    theirs: dict[str, Any] = {"workflowId": "wf_2", "workflowName": "Their workflow", "executionData": [node]}
    lake = load_records(
        tmp_path,
        [
            record(1, at, workflowName="Our workflow"),
            record(2, at, status="failed", error=error, **theirs),
            record(3, at, workflowId=None, workflowName="Nobody's workflow"),
        ],
    )
    with served(create_app(Config(lake=lake))) as client:
        bound = bearer(made_token(lake, "bound", "reports:read", workflow_ids=["wf_1"]))
        free = bearer(made_token(lake, "free", "reports:read"))
        assert "Their node" in client.get("/", headers=free).text
        for asked in ({}, {"workflowId": "wf_1"}, {"workflowId": "wf_2"}, {"workflowId": ["wf_1", "wf_2"]}):
            page = client.get("/", headers=bound, params=asked)
            assert page.status_code == 200
            for word in ("Their workflow", "TheirError", "their message", "Their node", "Nobody"):
                assert word not in page.text, (asked, word)
            report = page.text.partition('id="report"')[2]  # above it there is what can be chosen
            assert ("Our workflow" in report) == (asked != {"workflowId": "wf_2"})
