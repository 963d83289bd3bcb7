"""POST /v1/executions and its log lines over a socket: what is answered for what, and that it is there afterwards."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from tests.api.records import text
from tests.api.serving import served
from tests.api.writing_app import AT, JSON, LINES, app_over, narrow, serving, stored
from warehouse.hot.store import HotStore
from warehouse.hot.tokens import create_token
from warehouse.lake import Lake

PATH = "/v1/executions"


@pytest.fixture
def client(hot_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path, hot_url, max_body_mb=1, max_record_mb=1) as client:
        yield client


def ndjson(*records: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def outcomes(answer: httpx.Response) -> list[str]:
    body = answer.json()
    found = body.get("error", body)
    assert found["accepted"] + found["rejected"] == len(found["results"])
    assert [one["index"] for one in found["results"]] == list(range(len(found["results"])))
    return [one["status"] for one in found["results"]]


def test_each_record_has_its_outcome_and_is_there_afterwards(
    client: httpx.Client, tmp_path: Path, hot_url: str
) -> None:
    first = client.post(PATH, json=narrow(1, "running"))
    assert (first.status_code, outcomes(first)) == (200, ["new"])
    assert first.json()["results"][0]["id"] == "exec_1"
    again = client.post(PATH, json=[narrow(1, "running"), narrow(2), narrow(1, "success")])
    assert again.status_code == 200
    assert outcomes(again)[1:] == ["new", "updated"]
    assert (again.json()["new"], again.json()["updated"], again.json()["accepted"]) == (1, 1, 3)
    assert outcomes(client.post(PATH, json=[narrow(1), narrow(2)])) == ["unchanged", "unchanged"]
    rows = stored(tmp_path, hot_url, ["exec_1", "exec_2", "exec_3"])
    assert {id_: row["status"] for id_, row in rows.items()} == {"exec_1": "success", "exec_2": "success"}


def forms(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[bytes, dict[str, str]]]:
    """Two records in every form that a body may have."""
    both, lines = json.dumps([first, second]).encode(), ndjson(first, second)
    return [
        (both, JSON),
        (json.dumps([first, second], indent=2).encode(), JSON),
        (b"\xef\xbb\xbf" + json.dumps({"data": [first, second]}).encode(), JSON),
        (lines, JSON),
        (lines, LINES),
        (lines.rstrip(), LINES),
        (b"\n\n" + ndjson(first) + b"\r\n" + ndjson(second), LINES),
        (gzip.compress(ndjson(first)) + gzip.compress(ndjson(second)), LINES | {"Content-Encoding": "gzip"}),
        (zstandard.compress(ndjson(first)) + zstandard.compress(ndjson(second)), LINES | {"Content-Encoding": "zstd"}),
        (zstandard.compress(both), JSON | {"Content-Encoding": "zstd"}),
        (lines, {"Content-Type": "application/json; charset=utf-8"}),
    ]


def test_every_form_of_a_body_gives_the_same(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        for number, (body, headers) in enumerate(forms(narrow("a"), narrow("b"))):
            answer = client.post(PATH, content=body, headers=headers)
            assert (answer.status_code, outcomes(answer)) == (200, ["unchanged" if number else "new"] * 2), number
            assert [one["id"] for one in answer.json()["results"]] == ["exec_a", "exec_b"]
            assert answer.json()["resultsComplete"] is True


def test_a_wrong_record_stops_no_other_and_its_place_is_kept(client: httpx.Client) -> None:
    good, bad = narrow(1), narrow(2, "done")
    body = b"nonsense\n" + ndjson(good, bad) + b'{"id": 7}\n' + b"\xff\xfe\n" + ndjson(narrow(3))
    answer = client.post(PATH, content=body, headers=LINES)
    assert answer.status_code == 207
    assert outcomes(answer) == ["rejected", "new", "rejected", "rejected", "rejected", "new"]
    results = answer.json()["results"]
    assert [one["id"] for one in results] == [None, "exec_1", "exec_2", "7", None, "exec_3"]
    assert results[2]["error"] == {
        "field": "status",
        "reason": "unknown status; allowed: queued, running, success, failed, cancelled, timeout",
        "value": "done",
    }
    assert "error" not in results[1]


def test_when_none_is_accepted_the_error_says_why(client: httpx.Client) -> None:
    one = client.post(PATH, json=narrow(1, "done"))
    assert (one.status_code, one.json()["error"]["code"]) == (400, "RECORDS_REJECTED")
    assert one.json()["error"]["message"].startswith("the record was rejected: status: unknown status")
    two = client.post(PATH, json=[narrow(1, "done"), {}])
    assert (two.status_code, outcomes(two)) == (400, ["rejected", "rejected"])
    for content, code in ((b"", "INVALID_BODY"), (b" \n ", "INVALID_BODY"), (b"{", "RECORDS_REJECTED")):
        for headers in (JSON, LINES):
            answer = client.post(PATH, content=content, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), (content, answer.text)
    assert client.post(PATH, json=[]).json()["accepted"] == 0


def test_ids_that_no_database_takes_are_rejected(client: httpx.Client) -> None:
    for number, half in enumerate(("\\u0000", "\\ud800")):
        body = json.dumps(narrow(1)).replace("exec_1", f"exec{half}1")
        answer = client.post(PATH, content=f"[{body},{json.dumps(narrow(f'good_{number}'))}]".encode(), headers=JSON)
        assert (answer.status_code, outcomes(answer)) == (207, ["rejected", "new"])


def test_limits_are_named(client: httpx.Client) -> None:
    big = narrow(1, workflowName="x" * (1 << 20))
    body = client.post(PATH, json=[narrow(number) for number in range(10_000)])
    assert body.status_code == 413
    assert body.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert body.json()["error"]["limitBytes"] == 1 << 20
    packed = gzip.compress(json.dumps([big]).encode())
    assert len(packed) < 10_000
    bomb = client.post(PATH, content=packed, headers=JSON | {"Content-Encoding": "gzip"})
    assert (bomb.status_code, bomb.json()["error"]["limitBytes"]) == (413, 1 << 20)
    record = client.post(PATH, content=ndjson(big), headers=LINES)
    assert (record.status_code, record.json()["error"]["code"]) == (413, "RECORD_TOO_LARGE")
    assert "at most 1048576 are allowed" in record.json()["error"]["message"]
    some = client.post(PATH, content=ndjson(big, narrow(2), big), headers=LINES)
    assert (some.status_code, outcomes(some)) == (207, ["rejected", "new", "rejected"])


def test_a_body_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, str], int, str]] = [
        ({"Content-Type": "text/csv"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (JSON | {"Content-Encoding": "br"}, 415, "UNSUPPORTED_CONTENT_ENCODING"),
        (JSON | {"Content-Encoding": "gzip"}, 400, "INVALID_BODY"),
        (LINES | {"Content-Encoding": "zstd"}, 400, "INVALID_BODY"),
    ]
    with serving(tmp_path) as client:
        for headers, status, code in cases:
            answer = client.post(PATH, content=ndjson(narrow(1)), headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert client.post(PATH, json=narrow(1)).json()["new"] == 1


def test_many_posts_at_once_are_all_there_and_each_gets_its_own_answer(
    client: httpx.Client, tmp_path: Path, hot_url: str
) -> None:
    def post(number: int) -> list[tuple[str, str]]:
        # Every fifth has a bad record, which must not touch the others of its group.
        records = [narrow(f"{number}_{part}") for part in range(3)]
        if number % 5 == 0:
            records[1]["mode"] = "cron"
        answer = client.post(PATH, json=records)
        assert answer.status_code == (207 if number % 5 == 0 else 200), answer.text
        return [(one["id"], one["status"]) for one in answer.json()["results"]]

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(post, range(60)))
    expected = [
        [(f"exec_{number}_{part}", "rejected" if number % 5 == 0 and part == 1 else "new") for part in range(3)]
        for number in range(60)
    ]
    assert found == expected
    accepted = [id_ for answer in expected for id_, status in answer if status == "new"]
    assert set(stored(tmp_path, hot_url, accepted)) == set(accepted)


def test_secrets_are_masked_before_anything_is_stored(client: httpx.Client, tmp_path: Path, hot_url: str) -> None:
    secret = "hunter2-very-secret"
    record = narrow(1, inputData={"password": secret, "n": 1})
    assert client.post(PATH, json=record).status_code == 200
    line = {"timestamp": text(AT), "level": "info", "message": "login", "data": {"password": secret}}
    assert client.post(f"{PATH}/exec_1/logs", json=line).status_code == 200
    store = HotStore.open(hot_url)
    found = store.find("exec_1")
    store.close()
    assert found is not None
    assert found.payloads["data"].to_pylist()[0].count("n")
    assert secret not in str(found.payloads.to_pylist()) + str(found.logs.to_pylist())


def test_log_lines_are_added_once_and_in_order(client: httpx.Client, hot_url: str) -> None:
    assert client.post(PATH, json=narrow(1, "running")).status_code == 200
    lines = [
        {"timestamp": text(AT + timedelta(seconds=number // 2)), "level": "info", "message": f"line {number}"}
        for number in range(6)
    ]
    twice = [lines[0], lines[0]]
    for body, headers in ((json.dumps(twice).encode(), JSON), (ndjson(*lines[2:]), LINES)):
        answer = client.post(f"{PATH}/exec_1/logs", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "executionId": "exec_1",
        "accepted": 4,
        "rejected": 0,
        "results": [{"index": number, "status": "accepted"} for number in range(4)],
        "resultsComplete": True,
    }
    assert client.post(f"{PATH}/exec_1/logs", json=lines[1]).json()["accepted"] == 1
    assert client.post(f"{PATH}/exec_1/logs", json=lines).json()["accepted"] == 6
    store = HotStore.open(hot_url)
    detail = store.find("exec_1")
    store.close()
    assert detail is not None
    assert detail.record()["status"] == "running"
    messages = detail.logs["message"].to_pylist()
    assert sorted(messages) == sorted([*(line["message"] for line in lines), "line 0"])
    assert messages[-4:] == ["line 2", "line 3", "line 4", "line 5"]


def test_log_lines_say_what_is_wrong_with_them(client: httpx.Client) -> None:
    assert client.post(PATH, json=narrow(1, "running")).status_code == 200
    good = {"timestamp": text(AT), "level": "info", "message": "m"}
    # The last one would end its own list and go on with another execution, were it taken as text.
    escape = '{"timestamp": "2026-03-01T00:00:00Z"}], "id": "other", "logs": [{}'
    body = ndjson(good, good | {"level": "loud"}, {"message": 1}) + escape.encode() + b"\n[]\n"
    answer = client.post(f"{PATH}/exec_1/logs", content=body, headers=LINES)
    assert answer.status_code == 207, answer.text
    assert outcomes(answer) == ["accepted", "rejected", "rejected", "rejected", "rejected"]
    assert [one["error"]["field"] for one in answer.json()["results"][1:3]] == ["level", "timestamp"]
    missing = client.post(f"{PATH}/exec_2/logs", json=good)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "EXECUTION_NOT_FOUND")
    assert client.post(f"{PATH}/exec_2/logs", json=[]).status_code == 404


def test_a_token_bound_to_workflows_writes_theirs_only(hot_url: str, tmp_path: Path) -> None:
    store = HotStore.open(hot_url)
    _, secret = create_token(store.database, "bound", ["executions:write"], workflow_ids=["wf_1"])
    store.close()
    lake = Lake.open(tmp_path / "lake", create=True)
    lake.close()
    with served(app_over(tmp_path, hot_url, no_auth=False)) as client:
        assert client.post(PATH, json=narrow(1)).status_code == 401
        client.headers["Authorization"] = f"Bearer {secret}"
        foreign = client.post(PATH, json=narrow(1, workflowId="wf_2"))
        assert (foreign.status_code, foreign.json()["error"]["requiredPermission"]) == (403, "executions:write")
        assert outcomes(client.post(PATH, json=narrow(1))) == ["new"]
        mixed = client.post(PATH, json=[narrow(2), narrow(3, workflowId="wf_2"), narrow(4, "done")])
        assert (mixed.status_code, outcomes(mixed)) == (207, ["new", "rejected", "rejected"])
    # An id of another workflow's execution cannot be taken over, nor can lines be added to it.
    with serving(tmp_path, hot_url) as client:
        assert client.post(PATH, json=narrow(9, workflowId="wf_2")).status_code == 200
    with served(app_over(tmp_path, hot_url, no_auth=False)) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        taken = client.post(PATH, json=[narrow(9, "failed"), narrow(10)])
        assert (taken.status_code, outcomes(taken)) == (207, ["rejected", "new"])
        line = {"timestamp": text(AT), "level": "info", "message": "m"}
        assert client.post(f"{PATH}/exec_9/logs", json=line).status_code == 404
        assert client.post(f"{PATH}/exec_10/logs", json=line).status_code == 200
    assert stored(tmp_path, hot_url, ["exec_9"])["exec_9"]["status"] == "success"
