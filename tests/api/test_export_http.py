"""GET /v1/executions/export: every format, complete or said to be cut, resumable, stopped when nobody reads."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from api.reading.exporting import EXPORTS_MAX
from api.reading.streaming import WrittenResponse
from ingest.load import load
from tests.api.app import app_of
from tests.api.records import Record, load_records, record
from tests.api.serving import served
from warehouse.lake import Lake

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATH = "/v1/executions/export"
FORMATS = ("csv", "json", "ndjson", "parquet", "arrow")


def records() -> list[Record]:
    """60 over three days, two at each instant."""
    return [
        record(f"{number:02d}", AT + timedelta(hours=number // 2 * 2), 1000, "success" if number % 3 else "failed")
        for number in range(60)
    ]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(app_of(load_records(tmp_path_factory.mktemp("export"), records()))) as client:
        yield client


def ids(format: str, content: bytes) -> list[str]:
    """The numbers of the executions in a body."""
    if format == "csv":
        found = [row["id"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))]
    elif format == "json":
        found = [one["id"] for one in json.loads(content)]
    elif format == "ndjson":
        found = [json.loads(line)["id"] for line in content.splitlines()]
    elif format == "parquet":
        found = pq.read_table(io.BytesIO(content)).column("id").to_pylist()
    else:
        found = pa.ipc.open_stream(content).read_all().column("id").to_pylist()
    return [one.removeprefix("exec_") for one in found]


def numbers(which: range) -> list[str]:
    return [f"{number:02d}" for number in which]


@pytest.mark.parametrize("format", FORMATS)
def test_all_that_match_oldest_first(client: httpx.Client, format: str) -> None:
    answer = client.get(PATH, params={"format": format})
    assert answer.status_code == 200, answer.text
    assert ids(format, answer.content) == numbers(range(60))
    assert answer.headers["x-row-count"] == "60"
    assert "x-next-cursor" not in answer.headers
    assert "link" not in answer.headers
    assert answer.headers["content-disposition"].startswith('attachment; filename="executions-2')
    assert answer.headers["content-disposition"].endswith(f'.{format}"')
    failed = client.get(PATH, params={"format": format, "filter[status]": "failed", "filter[endDate]": "2026-03-02"})
    assert ids(format, failed.content) == ["00", "03", "06", "09"]
    none = client.get(PATH, params={"format": format, "filter[status]": "timeout"})
    assert (ids(format, none.content), none.headers["x-row-count"]) == ([], "0")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("limit", [1, 12, 13, 59, 60, 61])
def test_a_limit_says_where_it_goes_on(client: httpx.Client, format: str, limit: int) -> None:
    seen: list[str] = []
    params: dict[str, Any] = {"format": format, "limit": limit, "filter[startDate]": "2026-03-02"}
    want = numbers(range(12, 60))
    while True:
        answer = client.get(PATH, params=params)
        part = ids(format, answer.content)
        assert answer.headers["x-row-count"] == str(len(part))
        seen += part
        if "x-next-cursor" not in answer.headers:
            assert "link" not in answer.headers
            break
        assert len(part) == limit
        params["cursor"] = answer.headers["x-next-cursor"]
        if limit == 1 and len(seen) > 5:
            want = numbers(range(12, 12 + len(seen)))
            break
    assert seen == want


def test_the_link_leads_to_the_next_part(client: httpx.Client) -> None:
    first = client.get(PATH, params={"format": "ndjson", "limit": 50, "filter[status]": "success,failed"})
    link = first.links["next"]["url"]
    assert link.startswith(f"{PATH}?")
    assert ids("ndjson", client.get(link).content) == numbers(range(50, 60))


def test_records_that_come_in_meanwhile_do_not_disturb(tmp_path: Path) -> None:
    uri = load_records(tmp_path, records())
    with served(app_of(uri)) as client:
        first = client.get(PATH, params={"format": "ndjson", "limit": 30})
        more = tmp_path / "more.ndjson"
        late = [record("early", AT - timedelta(hours=1)), record("late", AT + timedelta(days=30))]
        more.write_text("".join(json.dumps(one) + "\n" for one in late))
        lake = Lake.open(uri)
        assert load(lake, [more]).rejected == 0
        lake.close()
        rest = client.get(PATH, params={"format": "ndjson", "cursor": first.headers["x-next-cursor"]})
    assert ids("ndjson", first.content + rest.content) == [*numbers(range(60)), "late"]


def test_a_byte_order_mark_and_compression(client: httpx.Client) -> None:
    marked = client.get(PATH, params={"bom": "true"})
    assert marked.content.startswith(b"\xef\xbb\xbfid,")
    assert client.get(PATH).content.startswith(b"id,")
    packed = client.get(PATH, headers={"Accept-Encoding": "gzip"})
    assert packed.content == client.get(PATH, headers={"Accept-Encoding": "identity"}).content


def test_refusals(client: httpx.Client) -> None:
    cursor = client.get(PATH, params={"limit": 1}).headers["x-next-cursor"]
    for params, parameter in (
        ({"format": "xlsx"}, "format"),
        ({"limit": 0}, "limit"),
        ({"sort": "-startedAt"}, "sort"),
        ({"include": "data"}, "include"),
        ({"cursor": cursor, "filter[status]": "failed"}, "cursor"),
        ({"cursor": cursor[:-1]}, "cursor"),
    ):
        answer = client.get(PATH, params=params)
        assert answer.status_code == 400, params
        assert answer.json()["error"]["parameter"] == parameter
    assert client.get(PATH, params={"cursor": cursor, "format": "ndjson"}).headers["x-row-count"] == "59"


def stream_app(write: Any, stop: Any) -> FastAPI:
    app = FastAPI()
    app.add_api_route("/", lambda: WrittenResponse(write, stop, media_type="text/plain", headers={}))
    return app


def test_a_client_that_goes_away_stops_the_work() -> None:
    ended, stopped = threading.Event(), threading.Event()
    written = 0

    def write(sink: BinaryIO) -> None:
        nonlocal written
        try:
            while True:
                written += sink.write(bytes(100_000))
        finally:
            ended.set()

    with served(stream_app(write, stopped.set)) as client:
        with client.stream("GET", "/") as answer:
            chunks = answer.iter_raw(65_536)
            taken = sum(len(next(chunks)) for _ in range(100))
            time.sleep(0.3)
            assert written - taken < 40_000_000  # what nobody takes is not made: the pipe and the sockets hold it
            assert not ended.is_set()
        assert ended.wait(10)


def test_a_fault_breaks_the_connection_off() -> None:
    def write(sink: BinaryIO) -> None:
        sink.write(bytes(1_000_000))
        raise OSError("the disk is gone")

    with (
        served(stream_app(write, lambda: None)) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.get("/")


def test_too_many_at_once_are_told_to_come_back(tmp_path: Path) -> None:
    app = app_of(load_records(tmp_path, records()))
    with served(app) as client:
        for _ in range(EXPORTS_MAX):
            assert app.state.exports.acquire(blocking=False)
        refused = client.get(PATH)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "OVERLOADED")
        assert refused.headers["retry-after"] == "10"
        assert client.head(PATH).status_code == 200
        app.state.exports.release()
        for _ in range(3):  # each gives its place back
            assert len(ids("csv", client.get(PATH).content)) == 60
