"""What is true of every request: headers, hosts, ids, sizes, compression, other origins, clients that go away."""

from __future__ import annotations

import errno
import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import pytest
import zstandard
from fastapi import Body, FastAPI, Response
from fastapi.responses import StreamingResponse

from api.app import create_app
from api.config import Config
from api.edge.body import SMALL_BODY_BYTES, takes_records
from api.edge.exposure import LOOPBACK_HOSTS, Exposure, exposure_of
from api.edge.logs import LineFormatter
from api.edge.route_table import RouteTable
from api.failures import ApiError
from api.routes.deps import OwnHouse
from tests.api.records import load_records, record
from tests.api.serving import served
from tests.api.tokens import bearer
from warehouse.errors import BadInputError, HotStoreBusyError, HotStoreFullError, HotStoreUnavailableError, QueryError

PATH = "/v1/executions/statistics"
JsonBody = Annotated[dict[str, Any], Body()]
BIG = {"text": "long and dull " * 1000}

stopped = threading.Event()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return load_records(tmp_path_factory.mktemp("edge"), [record(n, at + timedelta(minutes=n)) for n in range(40)])


@pytest.fixture(scope="module")
def app(lake: str) -> FastAPI:
    config = Config(lake=lake, cors_origins=("https://dash.example.com",))
    app = create_app(config, Exposure(no_auth=True, hosts=(*LOOPBACK_HOSTS, "*.lakes.example"), open_metrics=True))
    for path, error in {
        "/full": HotStoreFullError("/secret/path"),
        "/full-disk": OSError(errno.ENOSPC, "No space left", "/secret/path"),
        "/busy": HotStoreBusyError("busy"),
        "/down": HotStoreUnavailableError("postgresql://secret"),
        "/too-much": ApiError(429, "OVERLOADED", "Too much at once", headers={"Retry-After": "2"}, waiting=7),
    }.items():
        app.add_api_route(path, _raising(error))

    @app.get("/big")
    def _big() -> dict[str, str]:
        return BIG

    @app.get("/packed")
    def _packed() -> Response:
        packed = gzip.compress(json.dumps(BIG).encode())
        return Response(packed, media_type="application/json", headers={"Content-Encoding": "gzip"})

    @app.get("/parquet")
    def _parquet() -> Response:
        return Response(b"PAR1" * 2000, media_type="application/vnd.apache.parquet")

    @app.get("/stream.csv")
    def _stream() -> StreamingResponse:
        return StreamingResponse((f"{number},text\n" for number in range(2000)), media_type="text/csv")

    @app.get("/broken-stream")
    def _broken() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("no more")

        return StreamingResponse(parts(), media_type="text/plain")

    @app.post("/small")
    def _small(body: JsonBody) -> int:
        return len(body)

    def _large(body: JsonBody) -> int:
        return len(body)

    app.add_api_route("/large", takes_records(_large), methods=["POST"])
    app.state.route_table.routes = (*app.state.route_table.routes, *_known(app))

    @app.get("/slow")
    def _slow(house: OwnHouse) -> int:
        try:
            house.sql("SELECT count(*) FROM range(1_000_000) a, range(1_000_000) b WHERE a.range * b.range = 7")
        except QueryError:
            stopped.set()
            raise
        return 1

    return app


def _known(app: FastAPI) -> tuple[Any, ...]:
    """The routes made here, as the table knows them."""
    return RouteTable([("", app.router)]).routes


def _raising(error: Exception) -> Any:
    def endpoint() -> None:
        raise error

    return endpoint


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as client:
        yield client


def error_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert {"code", "message", "timestamp"} <= set(error)
    return error


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/full", 507, "INSUFFICIENT_STORAGE"),
        ("/full-disk", 507, "INSUFFICIENT_STORAGE"),
        ("/busy", 503, "STORE_BUSY"),
        ("/down", 503, "STORE_UNAVAILABLE"),
        ("/too-much", 429, "OVERLOADED"),
    ],
)
def test_what_can_pass_says_when_to_try_again(client: httpx.Client, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert error_of(answer)["code"] == code
    assert int(answer.headers["retry-after"]) >= 1
    assert "secret" not in answer.text
    assert ("waiting" in error_of(answer)) == (status == 429)


def test_safe_headers_are_on_every_answer(client: httpx.Client) -> None:
    for path in ("/", PATH, "/nothing", "/full", "/login"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"]
        assert "server" not in headers


@pytest.mark.parametrize("given", ["a", "trace-1:2/3=4+5._", "x" * 128])
def test_a_sane_request_id_comes_back(client: httpx.Client, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a;b", '"', "é"])
def test_any_other_request_id_is_replaced(client: httpx.Client, given: str) -> None:
    made = [client.get("/nope", headers=[(b"X-Request-ID", given.encode())]).headers["x-request-id"] for _ in range(2)]
    assert given not in made
    assert made[0] != made[1]
    assert all(len(one) == 32 for one in made)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "[::1]:8080", "127.0.0.1", "a.lakes.example", "b.a.lakes.example:80"]
)
def test_our_hosts_are_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "lakes.example", "xlakes.example", "127.0.0.1.evil.example", "10.0.0.1"]
)
def test_other_hosts_are_refused_on_every_path(client: httpx.Client, host: str) -> None:
    for path in ("/healthz", "/nope", PATH):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, error_of(answer)["code"]) == (421, "MISDIRECTED_REQUEST")


@pytest.mark.parametrize("host", ["[", "a b", "localhost:x", "lo/cal", "[::1", "user@localhost", "\xe9"])
def test_a_host_that_is_none_is_400(client: httpx.Client, host: str) -> None:
    answer = client.get("/healthz", headers=[(b"Host", host.encode("latin-1"))])
    assert (answer.status_code, error_of(answer)["code"]) == (400, "BAD_REQUEST")


def test_exposure_follows_from_where_it_listens() -> None:
    laptop = exposure_of("127.0.0.1", no_auth=False)
    assert laptop.open_metrics
    assert not laptop.answers_for("10.0.0.1")
    everywhere = exposure_of("0.0.0.0", no_auth=False, allowed_hosts=("runlake.example.com",))
    assert not everywhere.open_metrics
    assert everywhere.answers_for("10.0.0.1")
    assert everywhere.answers_for("[2001:db8::1]")
    assert everywhere.answers_for("runlake.example.com")
    assert not everywhere.answers_for("evil.example")
    assert exposure_of("0.0.0.0", no_auth=False, public_metrics=True).open_metrics
    assert not exposure_of("127.0.0.1", no_auth=False, behind_proxy=True).open_metrics
    assert exposure_of("lake.internal", no_auth=False).answers_for("lake.internal")
    assert exposure_of("0.0.0.0", no_auth=False, allowed_hosts=("*",)).answers_for("any.example")
    for host in ("0.0.0.0", "::", "10.0.0.1", "lake.internal"):
        with pytest.raises(BadInputError, match="loopback only"):
            exposure_of(host, no_auth=True)
    with pytest.raises(BadInputError, match="trusted_proxies"):
        exposure_of("127.0.0.1", no_auth=True, behind_proxy=True)


def raw(client: httpx.Client, request: bytes) -> tuple[int, dict[str, Any]]:
    """Status and error of a request that no client library would send."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", 400),
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /nope HTTP/1.0\r\n\r\n", 421),
    ],
)
def test_what_is_no_good_request_gets_the_same_body(client: httpx.Client, request_: bytes, status: int) -> None:
    answered, error = raw(client, request_)
    assert answered == status
    assert {"code", "message", "timestamp"} == set(error)


def test_405_names_all_that_is_possible(client: httpx.Client) -> None:
    for path, allow in (
        ("/healthz", "GET, HEAD"),
        ("/login", "GET, HEAD, POST"),
        ("/logout", "POST"),
        ("/small", "POST"),
    ):
        answer = client.request("BREW", path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == allow
        assert allow in error_of(answer)["message"]


def test_a_body_that_is_too_large_is_413_however_it_comes(client: httpx.Client) -> None:
    text = '{"a": "' + "x" * SMALL_BODY_BYTES + '"}'
    json_type = {"Content-Type": "application/json"}

    def parts() -> Iterator[bytes]:
        for at in range(0, len(text), 65536):
            yield text[at : at + 65536].encode()

    for content in (text, parts()):
        answer = client.post("/small", content=content, headers=json_type)
        assert (answer.status_code, error_of(answer)["code"]) == (413, "PAYLOAD_TOO_LARGE")
        assert f"{SMALL_BODY_BYTES:,}" in error_of(answer)["message"]
    assert client.post("/small", content='{"a": 1}', headers=json_type).json() == 1
    assert client.post("/large", content=text, headers=json_type).json() == 1


@pytest.mark.parametrize("body", ['{"a":', "", "[1]", "\xff"])
def test_a_body_that_is_no_good_json_is_400(client: httpx.Client, body: str) -> None:
    answer = client.post("/small", content=body.encode("latin-1"), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert error_of(answer)["code"] in ("INVALID_BODY", "BAD_REQUEST")


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("zstd", "zstd"), ("gzip, zstd", "zstd")])
def test_large_answers_are_compressed_as_the_client_likes(client: httpx.Client, accepted: str, encoding: str) -> None:
    with client.stream("GET", "/big", headers={"Accept-Encoding": accepted}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == encoding
    assert "Accept-Encoding" in answer.headers["vary"]
    plain = gzip.decompress(packed) if encoding == "gzip" else zstandard.decompress(packed, 1 << 20)
    assert json.loads(plain) == BIG
    assert len(packed) < 2000


def test_what_gains_nothing_is_left_as_it_is(client: httpx.Client) -> None:
    accepted = {"Accept-Encoding": "gzip, zstd"}
    for path in ("/healthz", "/parquet"):
        assert "content-encoding" not in client.get(path, headers=accepted).headers
    assert "content-encoding" not in client.get("/big", headers={"Accept-Encoding": "identity"}).headers
    packed = client.get("/packed", headers=accepted)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == BIG  # packed once


def test_a_stream_is_compressed_as_it_goes(client: httpx.Client) -> None:
    answer = client.get("/stream.csv", headers={"Accept-Encoding": "zstd"})
    assert answer.headers["content-encoding"] == "zstd"
    assert answer.text.count("\n") == 2000


def test_head_is_get_without_the_body(client: httpx.Client) -> None:
    for path in ("/healthz", "/big", "/nope", "/stream.csv"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers.get("content-length") == get.headers.get("content-length")


def test_half_an_answer_is_broken_off(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/broken-stream")


def test_pages_of_allowed_origins_may_ask_with_a_token(client: httpx.Client) -> None:
    origin = {"Origin": "https://dash.example.com"}
    answer = client.get(PATH, headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://dash.example.com"
    assert "access-control-allow-credentials" not in answer.headers
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    preflight = client.options(PATH, headers=asked)
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    # Errors can be read too.
    assert client.get("/nope", headers=origin).headers["access-control-allow-origin"] == "https://dash.example.com"


def test_pages_of_other_origins_may_not(client: httpx.Client, lake: str) -> None:
    for origin in ("https://evil.example", "null", "http://dash.example.com", "https://dash.example.com.evil.example"):
        answer = client.get(PATH, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        preflight = client.options(PATH, headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
        assert (preflight.status_code, error_of(preflight)["code"]) == (403, "ORIGIN_NOT_ALLOWED")
    with served(create_app(Config(lake=lake), Exposure(no_auth=True))) as strict:
        asked = {"Origin": "https://dash.example.com", "Access-Control-Request-Method": "GET"}
        assert strict.options(PATH, headers=asked).status_code == 405
        assert "access-control-allow-origin" not in strict.get(PATH, headers=asked).headers


def test_a_client_that_goes_away_stops_its_query(client: httpx.Client) -> None:
    stopped.clear()
    began_s = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        client.get("/slow", timeout=0.5)
    assert stopped.wait(10), "the query still runs"
    assert time.monotonic() - began_s < 10
    counted = client.get("/metrics").text
    assert 'route="(none)",status="499"' in counted


def test_a_log_line_tells_of_the_request_and_no_secret(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    token = "rl_0123456789ab_" + "f" * 64
    with caplog.at_level(logging.INFO, "runlake"):
        client.get(
            f"/nope/{token}",
            params={"token": "hunter2"},
            headers={**bearer("hunter3"), "Cookie": "runlake_session=hunter4", "X-Request-ID": "mine-1"},
        )
        client.get("/healthz")
        deadline = time.monotonic() + 5
        while not (found := [one for one in caplog.records if one.name == "runlake.access"]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    (line,) = found  # health is asked all the time and says nothing
    fields: dict[str, Any] = line.__dict__["fields"]
    assert (fields["method"], fields["route"], fields["status"]) == ("GET", "(none)", 404)
    assert fields["duration_ms"] > 0
    assert fields["client"] == "127.0.0.1"
    for as_json in (True, False):
        text = LineFormatter(as_json=as_json).format(line)
        assert "\n" not in text
        assert "hunter" not in text
        assert token not in text
        assert "/nope/rl_…" in text
    parsed = json.loads(LineFormatter(as_json=True).format(line))
    assert parsed["level"] == "info"
    assert parsed["message"] == "request"


def test_a_logged_value_cannot_make_a_line_of_its_own() -> None:
    record = logging.LogRecord("runlake.access", logging.INFO, "", 0, "a\nlevel=error b", None, None)
    record.__dict__["fields"] = {"path": '/x" status=200\r\n', "none": None, "empty": ""}
    text = LineFormatter(as_json=False).format(record)
    assert text.endswith('message="a\\nlevel=error b" path="/x\\" status=200\\r\\n" empty=""')
    assert json.loads(LineFormatter(as_json=True).format(record))["path"] == '/x" status=200\r\n'
