"""Pages as they come over HTTP: who gets one, what stands in it, and what it may load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from api.app import create_app
from api.config import Config
from tests.api.pages.sample import SHOWN_HOSTILE, sample
from tests.api.records import load_records
from tests.api.serving import served
from tests.api.tokens import bearer, made_token
from warehouse.clock import now

HTML = {"Accept": "text/html,application/xhtml+xml"}
PAGES = ("/", "/executions", "/executions/exec_failed", "/reports", "/workflows/wf_1")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    return load_records(tmp_path_factory.mktemp("pages"), sample(now().replace(microsecond=0)))


@pytest.fixture(scope="module")
def client(lake: str) -> Iterator[httpx.Client]:
    with served(create_app(Config(lake=lake, timezone="Europe/Berlin"))) as client:
        client.headers.update({**HTML, **bearer(made_token(lake, "all", "admin"))})
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_no_script_of_its_own_and_keeps_nothing(client: httpx.Client, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200, page.text[:500]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("style-src 'self' 'unsafe-inline'" in policy) == (path in ("/", "/workflows/wf_1"))
    assert page.headers["cache-control"] in ("no-store", "private, no-cache")
    for attributes, inside in re.findall(r"<script([^>]*)>(.*?)</script>", page.text, re.S):
        assert not inside or 'type="application/json"' in attributes
    assert not re.search(r"\son\w+=", re.sub(r"&[#\w]+;", "", re.sub(r">[^<]*<", "><", page.text)))
    if "unsafe-inline" not in policy:
        assert "style=" not in page.text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        found = client.get(address, headers={"Authorization": ""})
        assert found.status_code == 200
        assert "immutable" in found.headers["cache-control"]


@pytest.mark.parametrize("path", PAGES)
def test_text_of_records_is_no_markup(client: httpx.Client, path: str) -> None:
    text = client.get(path).text
    assert "<img" not in text
    assert "<b>Zoë" not in text
    assert "<b>db" not in text
    assert "\u202e" not in text
    if path in ("/executions", "/executions/exec_failed"):
        assert SHOWN_HOSTILE in unescape(text)


def test_programs_are_led_to_the_api_as_ever(client: httpx.Client) -> None:
    for accept in ("application/json", "*/*"):
        for path in ("/executions", "/executions/exec_failed", "/executions/statistics"):
            answer = client.get(f"{path}?x=1", headers={"Accept": accept})
            assert (answer.status_code, answer.headers["location"]) == (308, f"/v1{path}?x=1")
    # A word of the API is no id, whoever asks.
    assert client.get("/executions/statistics").headers["location"] == "/v1/executions/statistics"
    assert client.post("/executions", json=[]).headers["location"] == "/v1/executions"
    assert client.delete("/executions/statistics").status_code == 405


def test_the_list_walks_the_api(client: httpx.Client) -> None:
    found: list[str] = []
    address = "/executions?filter[workflowId]=wf_2&limit=25"
    while address:
        page = client.get(address)
        assert "<b>60\u00a0executions</b>" in page.text
        found += re.findall(r'data-id="([^"]+)"', page.text)
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = unescape(following[1]) if following else ""
    api = client.get("/v1/executions", params={"filter[workflowId]": "wf_2", "limit": 60}).json()
    assert found == [one["id"] for one in api["data"]]


@pytest.mark.parametrize(
    "query",
    [
        "filter[status]=failed",
        "filter[status]=failed,success&filter[mode]=retry",
        "filter[error]=econnrefused",
        "filter[errorType]=ConnectionError",
        "filter[minDuration]=1.01&sort=duration",
        "filter[retryOf]=exec_failed",
        "filter[dateRange]=1d",
    ],
)
def test_a_filter_means_what_it_means_in_the_api(client: httpx.Client, query: str) -> None:
    page = client.get(f"/executions?{query}&limit=100")
    api = client.get(f"/v1/executions?{query}&limit=100").json()
    assert re.findall(r'data-id="([^"]+)"', page.text) == [one["id"] for one in api["data"]]
    assert f'data-total="{api["pagination"]["total"]}"' in page.text
    chips = re.search(r'<ul class="chosen".*?</ul>', page.text, re.S)
    assert chips is not None
    # Each chip leads to the same list without itself.
    names = {name for name, _ in parse_qsl(query) if name.startswith("filter")}
    for without in re.findall(r'<li><a href="([^"]+)"><span', chips[0]):
        left = {name for name, _ in parse_qsl(urlsplit(unescape(without)).query) if name.startswith("filter")}
        assert left < names


def test_a_form_that_sends_empty_fields_leads_to_the_plain_address(client: httpx.Client) -> None:
    answer = client.get("/executions?filter[error]=&filter[status]=failed&filter[status]=timeout&sort=")
    assert (answer.status_code, answer.headers["location"]) == (303, "/executions?filter[status]=failed,timeout")
    answer = client.get("/?workflowId=&timezone=Europe/Berlin&period=30d")
    assert answer.status_code == 303
    assert dict(parse_qsl(urlsplit(answer.headers["location"]).query)) == {
        "timezone": "Europe/Berlin",
        "period": "30d",
    }


def test_an_unchanged_overview_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/", params={"until": "latest"})
    for _ in range(3):  # its tag holds for the running minute
        again = client.get("/", params={"until": "latest"}, headers={"If-None-Match": first.headers["etag"]})
        if again.status_code == 304:
            break
        first = again
    assert (again.status_code, again.content) == (304, b"")
    part = client.get("/", headers={"X-Runlake-Part": "now"})
    assert part.text.lstrip().startswith('<section class="now"')
    assert part.headers["etag"] != first.headers["etag"]


def test_numbers_lead_to_what_they_count(client: httpx.Client) -> None:
    page = client.get("/", params={"until": "latest", "period": "7d"})
    counted: dict[str, set[int]] = {}
    for href, inside in re.findall(r'<a [^>]*?href="(/executions\?[^"]*)"[^>]*>(.*?)</a>', page.text, re.S):
        number = re.match(r"[\d\u202f]+(?=\u00a0|$)", unescape(re.sub(r"<[^>]*>", "", inside)).strip())
        # A day of the table of numbers is named, its count stands beside it.
        if number is not None and "\u00a0" not in number.string.replace("\u00a0failure", ""):
            counted.setdefault(unescape(href), set()).add(int(number[0].replace("\u202f", "")))
    assert len(counted) > 5
    for href, numbers in counted.items():
        total = re.search(r'data-total="(\d+)"', client.get(href).text)
        assert total is not None
        assert numbers == {int(total[1])}, href


def test_times_are_those_of_the_servers_zone(client: httpx.Client, lake: str) -> None:
    at = datetime.fromisoformat(client.get("/v1/executions/exec_failed").json()["startedAt"])
    local = at.astimezone(datetime.now(UTC).astimezone().tzinfo)
    assert local is not None
    page = client.get("/executions/exec_failed").text
    assert "Times in <b>Europe/Berlin</b>" in page
    offset = re.search(r'<time datetime="([^"]+)">[^<]*, (\d\d):(\d\d):\d\d</time>', page)
    assert offset is not None
    shown = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
    utc = datetime.fromisoformat(offset[1])
    difference = (shown - timedelta(hours=utc.hour, minutes=utc.minute)) % timedelta(days=1)
    assert difference in (timedelta(hours=1), timedelta(hours=2))


def test_a_token_sees_the_pages_of_its_scopes(client: httpx.Client, lake: str) -> None:
    reports = bearer(made_token(lake, "reports", "reports:read"))
    page = client.get("/", headers=reports).text
    assert 'id="now"' not in page
    assert '<a href="/executions"' not in page
    assert client.get("/executions", headers=reports).status_code == 403
    executions = bearer(made_token(lake, "executions", "executions:read"))
    page = client.get("/executions/exec_failed", headers=executions).text
    assert 'data-do="' not in page
    assert "<dialog" not in page
    assert client.get("/reports", headers=executions).status_code == 403
    control = bearer(made_token(lake, "control", "executions:read", "executions:control"))
    page = client.get("/executions/exec_failed", headers=control).text
    assert set(re.findall(r'data-do="(\w+)"', page)) == {"retry"}
    assert set(re.findall(r'data-do="(\w+)"', client.get("/executions/exec_retry", headers=control).text)) == set()


def test_a_bound_token_sees_nothing_else_on_any_page(client: httpx.Client, lake: str) -> None:
    bound = bearer(made_token(lake, "bound", "executions:read", "reports:read", workflow_ids=["wf_2"]))
    for path in ("/", "/executions", "/executions?filter[workflowId]=wf_1", "/reports", "/workflows/wf_2"):
        text = unescape(client.get(path, headers=bound).text)
        assert "Zoë" not in text, path
        assert "ECONNREFUSED" not in text, path
        assert "exec_failed" not in text, path
    assert 'data-total="60"' in client.get("/executions", headers=bound).text
    for path in ("/executions/exec_failed", "/workflows/wf_1"):
        assert client.get(path, headers=bound).status_code == 404


def test_attempts_are_the_whole_chain_from_either_end(client: httpx.Client) -> None:
    for one, other in (("exec_failed", "exec_retry"), ("exec_retry", "exec_failed")):
        page = client.get(f"/executions/{one}").text
        chain = re.search(r'<ol class="attempts">.*?</ol>', page, re.S)
        assert chain is not None
        assert chain[0].count("<li") == 2
        assert f'href="/executions/{other}"' in chain[0]
        assert "<b>this one</b>" in chain[0]


def test_the_log_is_shown_from_a_level_on(client: httpx.Client) -> None:
    lines = [
        {"timestamp": "2026-11-01T00:00:00Z", "level": level, "message": f"<u>{level}</u>", "data": {"n": 1}}
        for level in ("debug", "info", "warn", "error")
    ]
    assert client.post("/v1/executions/exec_failed/logs", json=lines).status_code in (200, 201, 202)
    for at, level in enumerate(("debug", "info", "warn", "error")):
        page = client.get("/executions/exec_failed", params={"level": level})
        found = re.findall(r"<bdi>&lt;u&gt;(\w+)&lt;/u&gt;</bdi>", page.text)
        assert found == ["debug", "info", "warn", "error"][at:]


def test_head_and_compression_are_as_everywhere(client: httpx.Client) -> None:
    head = client.head("/executions")
    assert (head.status_code, head.content) == (200, b"")
    assert client.get("/executions", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    missing = client.get("/static/pages-0000000000000000.css")
    assert missing.status_code == 404
    for path in ("/static/..%2f..%2fpages.css", "/static/pages.css", "/static/x"):
        assert client.get(path).status_code == 404
