"""`runlake serve` as a process: what it says, what it needs, how it ends; one worker and several."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.command import PROCESS, environment, run
from tests.api.records import load_records, record
from tests.api.test_metrics import read, value
from tests.api.tokens import bearer, made_token, revoke

PATH = "/v1/executions/statistics"
TOKEN = re.compile(r"rl_[0-9a-f]{12}_[0-9a-f]{64}")


CLIENT = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), timeout=60, trust_env=False)


def get(url: str, **asked: Any) -> httpx.Response:
    """On a connection of its own: the kernel deals them out to the workers."""
    return CLIENT.get(url, **asked)


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    CLIENT.close()


@pytest.fixture
def lake(tmp_path: Path) -> str:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return load_records(tmp_path, [record(n, at + timedelta(minutes=n)) for n in range(10)])


@contextmanager
def serving(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, once it serves, and its address. Killed at the end if it still runs."""
    with (tmp_path / "stderr.txt").open("a") as stderr:
        process = subprocess.Popen(
            [*PROCESS, "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(tmp_path, {}),
            cwd=tmp_path,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found is not None, (said, errors(tmp_path))
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()
        assert process.stdout is not None
        process.stdout.close()


def errors(tmp_path: Path) -> str:
    return (tmp_path / "stderr.txt").read_text()


def test_the_first_serve_makes_an_admin_token_and_shows_it_once(tmp_path: Path, lake: str) -> None:
    with serving(tmp_path, "--lake", lake) as (process, url):
        deadline = time.monotonic() + 10
        while not (found := TOKEN.findall(errors(tmp_path))):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(found) == 1
        assert get(url + PATH).status_code == 401
        assert get(url + PATH, headers=bearer(found[0])).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    with serving(tmp_path, "--lake", lake) as (_, url):
        assert get(url + PATH, headers=bearer(found[0])).status_code == 200
    assert TOKEN.findall(errors(tmp_path)) == found
    listed = run(tmp_path, "token", "list", "--lake", lake)
    assert "admin" in listed.stdout
    assert found[0] not in listed.stdout


def test_serving_without_a_lake_says_how_to_make_one(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", "--port", "0")
    assert (done.returncode, done.stdout) == (3, "")
    assert "runlake serve --create" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "lake").exists()
    with serving(tmp_path, "--create", "--no-auth") as (_, url):
        assert get(url + PATH).json()["totalExecutions"] == 0
        assert get(url + "/readyz").json()["checks"] == {"lake": "ok", "hotStore": "ok", "sealer": "ok"}


def test_a_port_in_use_is_one_line(tmp_path: Path, lake: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path, "serve", "--no-auth", "--lake", lake, "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (5, "")
    assert "cannot listen on 127.0.0.1 port" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--no-auth", "--host", "0.0.0.0"], 2, "loopback"),
        (["--host", "no.such.host.invalid"], 5, "cannot listen on no.such.host.invalid"),
        (["--workers", "0"], 2, "workers"),
        (["--hot-url", "mysql://user:hunter2@db/x"], 2, "hot_url"),
        (["--hot-url", "postgresql://user:hunter2@127.0.0.1:1/x"], 3, "hot store"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    tmp_path: Path, lake: str, arguments: list[str], status: int, said: str
) -> None:
    done = run(tmp_path, "serve", "--lake", lake, "--port", "0", *arguments)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


def test_several_workers_are_one_server(tmp_path: Path, lake: str) -> None:
    token = made_token(lake, "reader", "executions:read")
    made_token(lake, "other", "executions:read")
    with serving(tmp_path, "--lake", lake, "--workers", "2") as (process, url):
        for _ in range(30):
            assert get(url + PATH, headers=bearer(token)).status_code == 200
        counts = read(get(url + "/metrics").text)
        total = value(counts, "runlake_http_requests_total", route=PATH, method="GET", status="200")
        assert total == 30
        revoke(lake, "reader")
        time.sleep(1.2)
        assert {get(url + PATH, headers=bearer(token)).status_code for _ in range(10)} == {401}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "Traceback" not in errors(tmp_path)


def test_a_worker_that_dies_is_replaced(tmp_path: Path, lake: str) -> None:
    with serving(tmp_path, "--lake", lake, "--no-auth", "--workers", "2") as (process, url):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        deadline = time.monotonic() + 30
        answered = 0
        while answered < 20:
            assert time.monotonic() < deadline
            try:
                answered = answered + 1 if get(url + "/healthz").status_code == 200 else 0
            except httpx.TransportError:
                answered = 0


def test_a_request_that_is_being_answered_is_finished(tmp_path: Path, lake: str) -> None:
    with serving(tmp_path, "--lake", lake, "--no-auth") as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            connection.sendall(head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\na=1")
            time.sleep(0.3)  # it waits for the rest of the body
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            with pytest.raises(httpx.ConnectError):
                get(url + "/healthz")
            connection.sendall(b"&b")
            assert connection.recv(100).startswith(b"HTTP/1.1 303")
        process.wait(30)
    assert "Traceback" not in errors(tmp_path)


def test_log_lines_are_json_where_asked(tmp_path: Path, lake: str) -> None:
    import json

    (tmp_path / "runlake.toml").write_text('log_format = "json"\n')
    with serving(tmp_path, "--lake", lake, "--no-auth") as (_, url):
        get(url + PATH, params={"period": "2h"}, headers={"X-Request-ID": "mine"})
    (line,) = (json.loads(one) for one in errors(tmp_path).splitlines())
    assert (line["request_id"], line["status"], line["route"]) == ("mine", 400, PATH)
    assert "2h" not in json.dumps(line)


def test_tokens_are_made_listed_and_revoked_by_command(tmp_path: Path, lake: str) -> None:
    import json

    made = run(tmp_path, "token", "create", "team", "--scope", "executions:read,reports:read", "--workflow", "wf_1",
               "--workflow", "wf_2", "--expires", "90d", "--lake", lake)  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert TOKEN.fullmatch(made.stdout.strip())
    assert made.stdout.strip() not in made.stderr
    (listed,) = json.loads(run(tmp_path, "token", "list", "--json", "--lake", lake).stdout)["tokens"]
    assert (listed["name"], listed["state"], listed["lastUsedAt"]) == ("team", "live", None)
    assert (listed["scopes"], listed["workflowIds"]) == (["executions:read", "reports:read"], ["wf_1", "wf_2"])
    ends_in = datetime.fromisoformat(listed["expiresAt"]) - datetime.now(UTC)
    assert timedelta(days=89) < ends_in < timedelta(days=91)
    assert made.stdout.strip().split("_")[1] == listed["id"]
    table = run(tmp_path, "token", "list", "--lake", lake).stdout
    assert "team" in table
    assert "executions:read reports:read" in table
    again = run(tmp_path, "token", "create", "team", "--lake", lake)
    assert (again.returncode, again.stdout) == (2, "")
    assert run(tmp_path, "token", "revoke", "team", "--lake", lake).returncode == 0
    assert "no token" in run(tmp_path, "token", "list", "--lake", lake).stdout
    assert "revoked" in run(tmp_path, "token", "list", "--all", "--lake", lake).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["token", "create", "a", "--scope", "execution:read"], 2, "did you mean executions:read?"),
        (["token", "create", "a", "--expires", "soon"], 2, "--expires"),
        (["token", "create", "a", "--expires", "2020-01-01"], 2, "is over"),
        (["token", "create", "a", "--expires", "99999y"], 2, "too far"),
        (["token", "create", "a", "--workflow", ""], 2, "--workflow"),
        (["token", "create", " "], 2, "name"),
        (["token", "revoke", "nobody"], 3, "no token yet"),
        (["token", "list"], 3, "no token yet"),
    ],
)
def test_what_makes_no_token_is_one_line(
    tmp_path: Path, lake: str, arguments: list[str], status: int, said: str
) -> None:
    done = run(tmp_path, *arguments, "--lake", lake)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
