"""GET /v1/executions: filters, sorts, includes, cursors, ETag, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.app import app_of
from tests.api.records import Record, load_records, record
from tests.api.serving import served
from warehouse.clock import now

PATH = "/v1/executions"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def records() -> list[Record]:
    """Ten old ones, an hour apart; three new ones, placed 1 h, 3 d and 20 d ago."""
    made = [record(number, AT - timedelta(hours=number), 1000 * number) for number in range(10)]
    made[3] = record(3, AT - timedelta(hours=3), 9500, "failed", workflowId="wf_2", mode="manual")
    made[3]["error"] |= {"stack": "Error: no answer\n  at x", "nodeId": "slack_1"}
    made[4] = record(4, AT - timedelta(hours=4), 500, "timeout", retryOf="exec_3", mode="retry")
    made[4]["error"] |= {"type": "TimeoutError", "message": "Took TOO long, 100% of it"}
    made[5] = record(5, AT - timedelta(hours=5), None, "running", workflowId="wf,3")
    nodes = [{"nodeId": "a", "nodeName": "A", "nodeType": "set", "status": "success", "outputData": [{"n": 1.0}]}]
    made[6] |= {"executionData": nodes, "logs": [{"timestamp": made[6]["startedAt"], "level": "info", "message": "hi"}]}
    for name, age in (("hour", timedelta(hours=1)), ("days", timedelta(days=3)), ("weeks", timedelta(days=20))):
        made.append(record(name, now() - age, workflowId="wf_new"))
    return made


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(app_of(load_records(tmp_path_factory.mktemp("list"), records()))) as client:
        yield client


def listed(client: httpx.Client, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["pagination"]["total"] == len(body["data"])
    return list(body["data"])


def names(client: httpx.Client, **params: Any) -> list[str]:
    return [one["id"].removeprefix("exec_") for one in listed(client, **params)]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"filter[status]": "failed"}, ["3"]),
        ({"filter[status]": "failed,timeout"}, ["3", "4"]),
        ({"filter[status]": ["failed", "running,timeout"]}, ["3", "4", "5"]),
        ({"filter[workflowId]": "wf_2"}, ["3"]),
        ({"filter[workflowId]": "wf_none"}, []),
        ({"filter[mode]": ["manual", "retry"]}, ["3", "4"]),
        ({"filter[errorType]": "TimeoutError,Other"}, ["4"]),
        ({"filter[error]": "too LONG, 100%"}, ["4"]),
        ({"filter[retryOf]": "exec_3"}, ["4"]),
        ({"filter[minDuration]": "9"}, ["3", "9"]),
        ({"filter[dateRange]": "1d"}, ["hour"]),
        ({"filter[dateRange]": "7d"}, ["hour", "days"]),
        ({"filter[dateRange]": "30d"}, ["hour", "days", "weeks"]),
        ({"filter[dateRange]": "custom", "filter[endDate]": "2026-03-01T04:00:00Z"}, ["9"]),
        ({"filter[startDate]": "2026-03-01T03:00:00Z", "filter[endDate]": "2026-03-01T05:00:00+00:00"}, ["8", "9"]),
        ({"filter[startDate]": "2026-03-01", "filter[endDate]": "2026-03-01"}, []),
        ({"filter[status]": "failed", "filter[mode]": "webhook"}, []),
    ],
)
def test_filters(client: httpx.Client, filters: dict[str, Any], found: list[str]) -> None:
    assert names(client, limit=100, **filters) == found


def test_a_fingerprint_leads_to_its_group(client: httpx.Client) -> None:
    shown = listed(client, **{"filter[status]": "timeout"})[0]["errorFingerprint"]
    assert names(client, **{"filter[fingerprint]": shown}) == ["4"]


def test_sorts(client: httpx.Client) -> None:
    old = {"filter[endDate]": "2026-03-02", "limit": 100}
    assert names(client, **old) == [str(number) for number in range(10)]
    assert names(client, sort="startedAt", **old) == [str(number) for number in reversed(range(10))]
    assert names(client, sort="duration", **old) == ["0", "4", "1", "2", "6", "7", "8", "9", "3", "5"]
    assert names(client, sort="-duration", **old) == ["3", "9", "8", "7", "6", "2", "1", "4", "0", "5"]


def test_error_and_metadata_are_shown_unasked_and_include_adds(client: httpx.Client) -> None:
    asked = {"filter[status]": "failed"}
    plain = listed(client, **asked)[0]
    assert plain["error"]["nodeId"] == "slack_1"
    assert "stack" not in plain["error"]
    assert plain["metadata"]["queueTime"] == 0.1
    assert "executionData" not in plain
    assert listed(client, include="error", **asked)[0]["error"]["stack"].startswith("Error: no answer")
    found = {one["id"]: one for one in listed(client, include=["data,logs", "metadata"], limit=100)}
    assert found["exec_6"]["executionData"] == [
        {"nodeId": "a", "nodeName": "A", "nodeType": "set", "status": "success", "outputData": [{"n": 1.0}]}
    ]
    assert [line["message"] for line in found["exec_6"]["logs"]] == ["hi"]
    assert all(one["executionData"] == [] == one["logs"] for key, one in found.items() if key != "exec_6")
    only_logs = {one["id"]: one for one in listed(client, include="logs", limit=100)}
    assert "executionData" not in only_logs["exec_6"]
    assert len(only_logs["exec_6"]["logs"]) == 1


def test_an_absent_value_is_absent_and_not_null(client: httpx.Client) -> None:
    running = listed(client, **{"filter[status]": "running"})[0]
    assert running["workflowId"] == "wf,3"
    assert not {"stoppedAt", "duration", "error", "retryOf"} & set(running)
    assert None not in running.values()
    assert "nextCursor" not in client.get(PATH, params={"limit": 100}).json()["pagination"]


def cursor_of(client: httpx.Client, **params: Any) -> str:
    cursor: str = client.get(PATH, params={"limit": 1, **params}).json()["pagination"]["nextCursor"]
    return cursor


def refused(client: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = client.get(PATH, params=params)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_a_cursor_is_good_for_its_own_question_only(client: httpx.Client) -> None:
    cursor = cursor_of(client, **{"filter[status]": "success,failed"})
    assert client.get(PATH, params={"filter[status]": "success,failed", "cursor": cursor, "limit": 7}).is_success
    for other in ({}, {"filter[status]": "success"}, {"filter[status]": "success,failed", "sort": "startedAt"}):
        error = refused(client, cursor=cursor, **other)
        assert (error["code"], error["parameter"]) == ("INVALID_CURSOR", "cursor")
        assert "other filters" in error["message"]


def test_an_altered_cursor_is_refused_wherever_it_was_altered(client: httpx.Client) -> None:
    cursor = cursor_of(client)
    altered = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor))]
    for one in (*altered, cursor[:-1], cursor + "A", cursor + "=", "", "x", "ä", "e30", "A" * 5000, f" {cursor}"):
        assert refused(client, cursor=one)["code"] == "INVALID_CURSOR", one


def test_a_cursor_of_another_path_or_server_is_refused(client: httpx.Client, tmp_path: Any) -> None:
    cursor = cursor_of(client)
    assert client.get(f"{PATH}/export", params={"cursor": cursor}).json()["error"]["code"] == "INVALID_CURSOR"
    assert client.get(f"{PATH}/exec_6/logs", params={"cursor": cursor}).json()["error"]["code"] == "INVALID_CURSOR"
    with served(app_of(load_records(tmp_path, records()))) as other:
        assert refused(other, cursor=cursor)["code"] == "INVALID_CURSOR"


def test_a_range_that_moves_keeps_its_begin_over_the_pages(client: httpx.Client) -> None:
    asked = {"filter[dateRange]": "30d", "sort": "startedAt"}
    first = client.get(PATH, params={**asked, "limit": 1}).json()
    rest = client.get(PATH, params={**asked, "cursor": first["pagination"]["nextCursor"]}).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == ["exec_weeks", "exec_days", "exec_hour"]


@pytest.mark.parametrize(
    ("query", "parameter", "said"),
    [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=101", "limit", "less than or equal to 100"),
        ("limit=many", "limit", "integer"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("sort=name", "sort", "'-duration'"),
        ("include=all", "include", "data, error, metadata, logs"),
        ("include=", "include", "leave include out"),
        ("filter[status]=done", "filter[status]", "queued, running, success"),
        ("filter[status]=failed,", "filter[status]", "a word is missing"),
        ("filter[mode]=cron", "filter[mode]", "scheduled"),
        ("filter[dateRange]=2d", "filter[dateRange]", "1d, 7d, 30d, custom"),
        ("filter[dateRange]=custom", "filter[dateRange]", "filter[startDate]"),
        ("filter[dateRange]=1d&filter[endDate]=2026-01-01", "filter[endDate]", "filter[dateRange]=custom"),
        ("filter[startDate]=soon", "filter[startDate]", "2026-11-23T10:00:00Z"),
        ("filter[startDate]=2026-03-02&filter[endDate]=2026-03-01", "filter[startDate]", "swap them"),
        ("filter[minDuration]=-1", "filter[minDuration]", "greater than or equal to 0"),
        ("filter[minDuration]=nan", "filter[minDuration]", "finite"),
        ("filter[retryOf]=a&filter[retryOf]=b", "filter[retryOf]", "more than once"),
        ("filter[workflow]=x", "filter[workflow]", "filter[workflowId]"),
        ("status=failed", "status", "filter[status]"),
        ("offset=20", "offset", "cursor"),
    ],
)
def test_a_wrong_parameter_is_400_and_says_what_is_allowed(
    client: httpx.Client, query: str, parameter: str, said: str
) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["parameter"]) == ("INVALID_PARAMETER", parameter)
    assert said in error["message"]


def test_an_unchanged_answer_is_304_until_the_data_changes(client: httpx.Client) -> None:
    for path in (PATH, f"{PATH}?filter[dateRange]=7d", f"{PATH}/exec_6", f"{PATH}/exec_6/data", f"{PATH}/exec_6/logs"):
        first = client.get(path)
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        again = client.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(f"{PATH}?limit=2").headers["etag"] != client.get(f"{PATH}?limit=3").headers["etag"]
    assert "etag" not in client.get(f"{PATH}/none").headers


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    for path in (PATH, f"{PATH}/exec_6", f"{PATH}/export"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", get.headers["content-type"])
