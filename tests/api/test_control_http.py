"""Cancel and retry with the engine `http`: a real engine on a socket that acknowledges, refuses, fails or is silent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.config import Config
from api.writing.service import engine_of
from tests.api.writing_app import narrow, put, serving, stored
from warehouse.errors import BadInputError

PATH = "/v1/executions"
SECRET = "a secret of some length"


@dataclass
class FakeEngine:
    """Answers commands with `status` and `answer`, after `delay_s` and once it `may_answer`; checks every signature."""

    status: int = 200
    answer: Any = field(default_factory=dict)
    delay_s: float = 0.0
    may_answer: threading.Event = field(default_factory=threading.Event)
    headers: dict[str, str] = field(default_factory=dict)
    got: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


@contextmanager
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    fake.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            id_, timestamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
            digest = hmac.new(SECRET.encode(), f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
            assert self.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
            assert abs(time.time() - int(timestamp)) < 60
            command = json.loads(body)
            assert command["id"] == id_
            fake.got.append(command)
            time.sleep(fake.delay_s)
            fake.may_answer.wait(10)
            answer = fake.answer if isinstance(fake.answer, bytes) else json.dumps(fake.answer).encode()
            self.send_response(fake.status)
            for name, value in {**fake.headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/commands"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_with(fake: FakeEngine, folder: Path, hot_url: str | None = None, **settings: Any) -> Iterator[httpx.Client]:
    settings = {"engine": "http", "engine_url": fake.url, "engine_secret": SECRET} | settings
    with serving(folder, hot_url, **settings) as client:
        yield client


def test_a_retry_answers_as_the_contract_shows(tmp_path: Path, hot_url: str) -> None:
    with engine() as fake, serving_with(fake, tmp_path, hot_url) as client:
        put(client, narrow("1234567890", "failed"))
        fake.answer = {"executionId": "exec_0987654321", "status": "running", "startedAt": "2023-12-06T10:40:00Z"}
        answer = client.post(f"{PATH}/exec_1234567890/retry", json={"fromNode": "slack_1", "loadWorkflow": True})
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "executionId": "exec_0987654321",
            "status": "running",
            "retryOf": "exec_1234567890",
            "startedAt": "2023-12-06T10:40:00Z",
        }
        (command,) = fake.got
        assert (command["type"], command["retryOf"], command["fromNode"]) == ("retry", "exec_1234567890", "slack_1")
        row = stored(tmp_path, hot_url, ["exec_0987654321"])["exec_0987654321"]
        assert (row["status"], row["retry_of"], row["date"].isoformat()) == ("running", "exec_1234567890", "2023-12-06")
        assert client.get("/v1/commands").json()["commands"] == []
        fake.answer = b"fine"  # taken, without a word more
        quiet = client.post(f"{PATH}/exec_1234567890/retry")
        assert (quiet.status_code, quiet.json()["status"]) == (202, "queued")
        assert quiet.json()["executionId"] == fake.got[-1]["executionId"]


def test_a_cancel_is_recorded_once_the_engine_has_acknowledged(tmp_path: Path, hot_url: str) -> None:
    with engine() as fake, serving_with(fake, tmp_path, hot_url) as client:
        put(client, narrow(1, "running"))
        answer = client.post(f"{PATH}/exec_1/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert fake.got[0]["executionId"] == "exec_1"
        assert set(fake.got[0]) == {"id", "type", "executionId", "workflowId", "createdAt"}
        assert client.post(f"{PATH}/exec_1/cancel").status_code == 409
        assert len(fake.got) == 1


@pytest.mark.parametrize(
    ("status", "answer", "headers", "expected", "code", "said"),
    [
        (409, {"message": "it has\nended"}, {}, 409, "ENGINE_REFUSED", "The engine refused (status 409): it has ended"),
        (403, {"error": {"message": "no"}}, {}, 409, "ENGINE_REFUSED", "The engine refused (status 403): no"),
        (
            500,
            {"message": "secret"},
            {},
            502,
            "ENGINE_UNAVAILABLE",
            "The engine failed (status 500); nothing was changed",
        ),
        (302, {}, {"Location": "/commands?again"}, 502, "ENGINE_UNAVAILABLE", "with a redirect (status 302)"),
    ],
)
def test_what_the_engine_does_not_acknowledge_is_not_recorded(
    tmp_path: Path, status: int, answer: Any, headers: dict[str, str], expected: int, code: str, said: str
) -> None:
    hot_url = f"sqlite:///{tmp_path / 'state.db'}"
    with engine() as fake, serving_with(fake, tmp_path, hot_url) as client:
        put(client, narrow(1, "running"), narrow(2, "failed"))
        fake.status, fake.answer, fake.headers = status, answer, headers
        for number, verb in ((1, "cancel"), (2, "retry")):
            refused = client.post(f"{PATH}/exec_{number}/{verb}")
            error = refused.json()["error"]
            assert (refused.status_code, error["code"], error["executionId"]) == (expected, code, f"exec_{number}")
            assert said in error["message"]
        assert len(fake.got) == 2  # a redirect is not followed
        rows = stored(tmp_path, hot_url, ["exec_1", "exec_2", fake.got[1]["executionId"]])
        assert {id_: row["status"] for id_, row in rows.items()} == {"exec_1": "running", "exec_2": "failed"}
        fake.status = 200
        assert client.post(f"{PATH}/exec_1/cancel").status_code == 200


def test_an_engine_that_is_silent_or_not_there_is_a_clear_error(tmp_path: Path) -> None:
    hot_url = f"sqlite:///{tmp_path / 'state.db'}"
    with engine() as fake, serving_with(fake, tmp_path, hot_url, engine_timeout_s=0.3) as client:
        put(client, narrow(1, "running"))
        fake.delay_s = 1.0
        silent = client.post(f"{PATH}/exec_1/cancel")
        assert (silent.status_code, silent.json()["error"]["code"]) == (504, "ENGINE_TIMEOUT")
        assert "0.3 s" in silent.json()["error"]["message"]
        assert stored(tmp_path, hot_url, ["exec_1"])["exec_1"]["status"] == "running"
        fake.delay_s = 0.0
    # The engine is gone now.
    with serving(tmp_path, hot_url, engine="http", engine_url=fake.url, engine_secret=SECRET) as client:
        absent = client.post(f"{PATH}/exec_1/cancel")
        assert (absent.status_code, absent.json()["error"]["code"]) == (502, "ENGINE_UNAVAILABLE")
        assert "cannot be reached" in absent.json()["error"]["message"]


def test_of_two_cancels_at_once_the_engine_hears_of_one(tmp_path: Path, hot_url: str) -> None:
    with engine() as fake, serving_with(fake, tmp_path, hot_url) as client:
        put(client, narrow(1, "running"))
        fake.delay_s = 0.3
        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(pool.map(lambda _: client.post(f"{PATH}/exec_1/cancel").status_code, range(4)))
        assert statuses == [200, 409, 409, 409]
        assert len(fake.got) == 1


def test_what_ends_while_the_engine_is_asked_stays_as_it_ended(tmp_path: Path, hot_url: str) -> None:
    with engine() as fake, serving_with(fake, tmp_path, hot_url) as client:
        put(client, narrow(1, "running"))
        fake.may_answer.clear()
        with ThreadPoolExecutor(1) as pool:
            cancelled = pool.submit(client.post, f"{PATH}/exec_1/cancel")
            while not fake.got:
                time.sleep(0.01)
            put(client, narrow(1))
            fake.may_answer.set()
            answer = cancelled.result()
        assert (answer.status_code, answer.json()["error"]["status"]) == (409, "success")
        assert stored(tmp_path, hot_url, ["exec_1"])["exec_1"]["status"] == "success"


def test_the_settings_of_the_engine_are_checked() -> None:
    assert engine_of(Config()).name == "commands"
    for config in (Config(), Config(engine_url="http://localhost"), Config(engine_secret=SECRET)):
        with pytest.raises(BadInputError, match="needs engine_"):
            engine_of(replace(config, engine="http"))
    assert SECRET not in repr(Config(engine_secret=SECRET))
