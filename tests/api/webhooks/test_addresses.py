"""Where webhooks may lead: every notation of an address, names that change their mind, TLS by name."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from api.webhooks.addresses import AddressRefusedError, AddressRules, check_address, target_of
from api.webhooks.resolver import Resolve, SystemResolver
from api.webhooks.sender import Attempt, Sender
from tests.api.live.streams import Served, event, put
from tests.api.serving import served
from tests.api.webhooks.receivers import WEBHOOKS, Answer, log, receiving, register, sending, wait_for
from tests.api.writing_app import app_over
from warehouse.hot.webhooks import new_secret

AT = datetime(2026, 11, 1, tzinfo=UTC)
CLOSED = AddressRules(http=True)
OPEN = AddressRules(private=True, http=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:7f00:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(AddressRefusedError):
        check_address(address, CLOSED)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_what_is_public_is_not(address: str) -> None:
    check_address(address, CLOSED)


def test_the_setting_allows_private_ones_and_no_others() -> None:
    for address in ("127.0.0.1", "10.0.0.1", "::1", "fd12::1", "169.254.7.7", "::ffff:192.168.0.1", "100.64.0.1"):
        check_address(address, OPEN)
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "224.0.0.1", "0.0.0.0", "::", "255.255.255.255"):
        with pytest.raises(AddressRefusedError):
            check_address(address, OPEN)


def test_urls() -> None:
    assert target_of("https://Hooks.example.com/a?b=c", AddressRules()).host == "hooks.example.com"
    assert target_of("https://hooks.example.com", AddressRules()).port == 443
    assert target_of("http://[2606:4700::1]:8080", CLOSED).port == 8080
    for url in (
        "http://hooks.example.com", "https://a@b.example.com", "https://a:b@c.example.com", "https://x.example.com/#y",
        "https://", "https:///x", "https://x.example.com:0", "https://x.example.com:70000", "https://x\\@y.example.com",
        "https://x.example.com/ y", "https://" + "a" * 3000, "file:///etc/passwd", "https://x.example.com\n",
        "https://[00]/", "https://[::zz]/",
    ):  # fmt: skip
        with pytest.raises(AddressRefusedError):
            target_of(url, AddressRules())


def attempts(url: str, resolve: Resolve, rules: AddressRules, count: int = 1, limit_s: float = 5) -> list[Attempt]:
    async def send() -> list[Attempt]:
        sender = Sender(resolve, rules, time_limit_s=limit_s)
        found = [await sender.send(url, f"msg_{number}", "{}", (new_secret(),), AT) for number in range(count)]
        await sender.close()
        return found

    return asyncio.run(send())


def system(url: str, rules: AddressRules, **more: float) -> Attempt:
    """With the machine's own names."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        resolver = SystemResolver()
        try:
            return await resolver(host, port)
        finally:
            resolver.close()

    return attempts(url, resolve, rules, **more)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_notation_of_this_machine_gets_through(host: str) -> None:
    with receiving() as receiver:
        attempt = system(f"http://{host}:{receiver.port}/", CLOSED)
        assert attempt.status is None
        assert "loopback" in (attempt.error or "")
        assert receiver.requests == []


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with receiving() as receiver:
        attempt, *_ = attempts(f"http://hooks.example.com:{receiver.port}/x", resolve, OPEN)
        assert attempt.delivered
        assert asked == ["hooks.example.com"]
        assert receiver.requests[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def test_a_name_that_turns_to_this_machine_is_refused() -> None:
    """Public when looked up first, loopback afterwards; or one of each at once."""
    answers = [["127.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "169.254.169.254"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    with receiving() as receiver:
        first, second, third = attempts(f"http://rebinds.example.com:{receiver.port}/", resolve, OPEN, 3)
        assert first.delivered
        assert "metadata" in (second.error or "")
        assert "metadata" in (third.error or "")
        assert len(receiver.requests) == 1


def test_registered_public_delivered_never_when_it_resolves_to_127_later(tmp_path: Path) -> None:
    answers = [["93.184.216.34"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop(0) if answers else ["127.0.0.1"]

    app = app_over(tmp_path, webhook_http=True)
    app.state.webhook_resolver = resolve
    with receiving() as receiver, served(app) as http:
        made = register(http, f"http://rebinds.example.com:{receiver.port}/")
        put(Served(app, http).store, event(1))
        wait_for(lambda: bool(log(http, made)) and bool(log(http, made)[0]["attempts"]))
        assert "loopback" in log(http, made)[0]["attempts"][0]["error"]
        assert receiver.requests == []
        answer = http.post(WEBHOOKS, json={"url": "http://again.example.com", "events": ["execution.failed"]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "WEBHOOK_URL_REFUSED")


def test_without_the_settings_neither_http_nor_loopback(tmp_path: Path) -> None:
    with sending(tmp_path, webhook_private=False, webhook_http=False) as server:
        for url, why in (
            ("http://8.8.8.8/", "webhook_http"),
            ("https://127.0.0.1/", "webhook_private"),
            ("https://localhost/", "webhook_private"),
            ("https://nowhere.invalid/", "looked up"),
        ):
            answer = server.http.post(WEBHOOKS, json={"url": url, "events": ["execution.failed"]})
            assert answer.status_code == 400
            assert why in answer.json()["error"]["message"]


def test_redirects_long_answers_slow_ones_and_dead_ones() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    with receiving() as elsewhere, receiving(Answer(302, {"Location": elsewhere.url})) as receiver:
        attempt, *_ = attempts(receiver.url, resolve, OPEN)
        assert (attempt.status, attempt.delivered) == (302, False)
        assert "redirect" in (attempt.error or "")
        assert elsewhere.requests == []
        dead = receiver.url
    assert "refused" in (attempts(dead, resolve, OPEN)[0].error or "")
    with receiving(Answer(200, body=b"x" * 5_000_000)) as receiver:
        attempt, *_ = attempts(receiver.url, resolve, OPEN)
        assert (attempt.delivered, attempt.answer) == (True, "x" * 2048)
    with receiving(Answer(after_s=30)) as receiver:
        attempt, *_ = attempts(receiver.url, resolve, OPEN, limit_s=0.3)
        assert "0.3 s" in (attempt.error or "")
        assert attempt.latency_s < 5
    with receiving(Answer(503, {"Retry-After": "120"})) as receiver:
        assert attempts(receiver.url, resolve, OPEN)[0].retry_after_s == 120
    with receiving(Answer(503, {"Retry-After": "Sun, 01 Nov 2026 00:01:00 GMT"})) as receiver:
        assert attempts(receiver.url, resolve, OPEN)[0].retry_after_s == 60
    with receiving(Answer(503, {"Retry-After": "soon"})) as receiver:
        assert attempts(receiver.url, resolve, OPEN)[0].retry_after_s is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls_asks_for_the_name_and_believes_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", str(key)),
            *("-out", str(certificate), "-subj", "/CN=hooks.example.com"),
            *("-addext", "subjectAltName=DNS:hooks.example.com"),
        ],
        check=True,
        capture_output=True,
    )
    names: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        port = server.server_address[1]
        assert "TLS failed" in (attempts(f"https://hooks.example.com:{port}/", resolve, OPEN)[0].error or "")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert attempts(f"https://hooks.example.com:{port}/", resolve, OPEN)[0].status == 204
        assert "TLS failed" in (attempts(f"https://other.example.com:{port}/", resolve, OPEN)[0].error or "")
        assert names == ["hooks.example.com", "hooks.example.com", "other.example.com"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
