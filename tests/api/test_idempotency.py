"""`Idempotency-Key`: the same request twice is done once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.api.serving import served
from tests.api.writing_app import LINES, app_over, narrow, serving
from warehouse.hot.database import Database
from warehouse.hot.idempotency import Answered, Claim, IdempotencyKeys, InUse, Reused, idempotency_keys

PATH = "/v1/executions"


@pytest.fixture
def client(hot_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path, hot_url, max_body_mb=1) as client:
        yield client


def test_the_first_answer_is_given_again(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "one"}
    first = client.post(PATH, json=[narrow(1), narrow(2, "done")], headers=key)
    again = client.post(PATH, json=[narrow(1), narrow(2, "done")], headers=key)
    assert (first.status_code, again.status_code) == (207, 207)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert client.post(PATH, json=[narrow(1)], headers={"Idempotency-Key": "two"}).json()["unchanged"] == 1
    rejected = [client.post(PATH, json={}, headers={"Idempotency-Key": "three"}) for _ in range(2)]
    assert [one.status_code for one in rejected] == [400, 400]
    assert rejected[0].content == rejected[1].content


def test_a_key_used_for_another_request_is_refused(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "one"}
    assert client.post(PATH, json=narrow(1), headers=key).status_code == 200
    for answer in (
        client.post(PATH, json=narrow(2), headers=key),
        client.post(f"{PATH}/exec_1/logs", json=narrow(1), headers=key),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    for wrong in ("", "x" * 256, "a b"):
        answer = client.post(PATH, json=narrow(1), headers={"Idempotency-Key": wrong})
        assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, "Idempotency-Key"), wrong


def test_of_many_at_once_one_is_done_and_all_are_answered_the_same(client: httpx.Client) -> None:
    assert client.post(PATH, json=narrow(1, "failed")).status_code == 200

    def retry(_: int) -> bytes:
        answer = client.post(f"{PATH}/exec_1/retry", json={"fromNode": "n"}, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 202, answer.text
        return answer.content

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(retry, range(16)))) == 1
    assert len(client.get("/v1/commands").json()["commands"]) == 1


def test_with_a_key_a_stream_is_limited_like_any_body(client: httpx.Client) -> None:
    answer = client.post(PATH, content=b"\n" * (2 << 20), headers=LINES | {"Idempotency-Key": "one"})
    assert answer.status_code == 413


def test_what_was_not_done_may_be_done_with_the_same_key(tmp_path: Path) -> None:
    app = app_over(tmp_path)
    with served(app) as client:
        app.state.intake.room.max_requests = 0
        key = {"Idempotency-Key": "one"}
        assert client.post(PATH, json=narrow(1), headers=key).status_code == 429
        app.state.intake.room.max_requests = 10
        database = app.state.hot.database
        database.busy_timeout_s = 0.2
        with database.write():
            refused = client.post(PATH, json=narrow(1), headers=key)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "STORE_BUSY")
        assert client.post(PATH, json=narrow(1), headers=key).status_code == 200


def test_keys_are_of_one_owner_expire_and_survive_whoever_died(hot_url: str) -> None:
    database = Database.open(hot_url)
    keys = IdempotencyKeys(database)
    claim = keys.begin("me", "key", b"request")
    assert isinstance(claim, Claim)
    assert isinstance(keys.begin("me", "key", b"request"), InUse)
    assert isinstance(keys.begin("me", "key", b"another"), Reused)
    assert isinstance(keys.begin("you", "key", b"another"), Claim)
    keys.finish(claim, 201, b"answer")
    assert keys.begin("me", "key", b"request") == Answered(201, b"answer")
    keys.abandon(claim)
    second = keys.begin("me", "key", b"another")
    assert isinstance(second, Claim)

    def age(seconds: float) -> None:
        with database.write() as connection:
            row = idempotency_keys.c.owner == "me"
            at = connection.execute(sa.select(idempotency_keys.c.expires_at).where(row)).scalar_one()
            connection.execute(
                sa.update(idempotency_keys).where(row).values(expires_at=at - timedelta(seconds=seconds))
            )

    age(61)  # its server died a minute ago
    third = keys.begin("me", "key", b"another")
    assert isinstance(third, Claim)
    keys.finish(second, 500, b"too late")
    assert isinstance(keys.begin("me", "key", b"another"), InUse)
    keys.finish(third, 200, b"done")
    age(86_000)
    assert keys.begin("me", "key", b"another") == Answered(200, b"done")
    age(500)
    assert isinstance(keys.begin("me", "key", b"request"), Claim)
    database.close()


def test_no_more_keys_are_kept_than_may_be(hot_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.hot.idempotency.KEYS_MAX", 5)
    monkeypatch.setattr("warehouse.hot.idempotency._TIDY_EVERY_S", 0.0)
    database = Database.open(hot_url)
    keys = IdempotencyKeys(database)
    for number in range(20):
        keys.begin("me", f"key {number}", b"request")
    with database.read() as connection:
        kept = list(connection.execute(sa.select(idempotency_keys.c.key)).scalars())
    assert len(kept) == 6  # those that were there when the newest came, and that
    assert "key 19" in kept
    database.close()
