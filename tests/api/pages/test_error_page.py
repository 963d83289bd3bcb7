"""What a browser sees where a program gets an error's JSON, and where there is nothing to see yet."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.config import Config
from api.edge.exposure import LOOPBACK_HOSTS, Exposure
from tests.api.pages.sample import sample
from tests.api.records import load_records
from tests.api.serving import served
from tests.api.tokens import bearer, made_token
from warehouse.clock import now
from warehouse.errors import LakeBusyError
from warehouse.lake import Lake

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    lake = load_records(tmp_path_factory.mktemp("errors"), sample(now().replace(microsecond=0)))
    app = create_app(Config(lake=lake))

    @app.get("/boom")
    def _boom() -> None:
        raise RuntimeError(f"cannot read {lake}")

    @app.get("/busy")
    def _busy() -> None:
        raise LakeBusyError(lake)

    with served(app) as client:
        client.headers.update({**HTML, **bearer(made_token(lake, "all", "admin"))})
        yield client


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nothing", 404, "nothing at /nothing"),
        ("/executions/nope", 404, "'nope' not found"),
        ("/workflows/nope", 404, "'nope'"),
        ("/reports/nope", 404, "'nope'"),
        ("/executions?filter[statsu]=failed", 400, "filter[statsu]"),
        ("/executions?filter[status]=done", 400, "done"),
        ("/executions?sort=size", 400, "sort is 'size'"),
        ("/executions?limit=0", 400, "limit is '0'"),
        ("/executions?filter[minDuration]=-1", 400, "filter[minDuration]"),
        ("/executions?cursor=x", 400, "cursor"),
        ("/executions/exec_failed?level=loud", 400, "loud"),
        ("/?period=2h", 400, "2h"),
        ("/?timezone=Mars/Olympus", 400, "Mars/Olympus"),
    ],
)
def test_an_error_is_a_page_for_people_and_json_for_programs(
    client: httpx.Client, path: str, status: int, said: str
) -> None:
    page = client.get(path)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert said in unescape(page.text)
    assert '<a class="button" href="/"' in page.text
    if path.startswith("/?") or path == "/nothing":
        error = client.get(path, headers={"Accept": "*/*"}).json()["error"]
        assert error["message"] in unescape(page.text)
    assert client.post("/nothing").json()["error"]["code"] == "NOT_FOUND"
    assert client.get("/v1/nothing").json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(("path", "status", "code"), [("/boom", 500, "INTERNAL_ERROR"), ("/busy", 503, "LAKE_BUSY")])
def test_a_fault_of_the_server_is_a_page_that_names_no_path(
    client: httpx.Client, path: str, status: int, code: str
) -> None:
    page = client.get(path)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert code in page.text
    assert page.headers["x-request-id"] in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "/tmp" not in page.text
    assert client.get(path, headers={"Accept": "*/*"}).json()["error"]["code"] == code
    assert page.headers.get("retry-after") == ("1" if status == 503 else None)
    assert client.head(path).content == b""


def test_an_empty_lake_says_what_to_do(tmp_path: Path) -> None:
    Lake.open(tmp_path / "lake", create=True).close()
    exposure = Exposure(no_auth=True, hosts=LOOPBACK_HOSTS, open_metrics=True)
    with served(create_app(Config(lake=str(tmp_path / "lake")), exposure)) as client:
        client.headers.update(HTML)
        for path, said in (
            ("/", "runlake simulate"),
            ("/executions", "No executions yet"),
            ("/executions?filter[status]=failed", "No execution matches"),
            ("/reports", "No report was kept yet"),
        ):
            page = client.get(path)
            assert page.status_code == 200
            assert said in page.text
            assert 'class="who"' not in page.text  # nobody signs in
