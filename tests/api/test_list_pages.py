"""Pages of any size with any filter and sort, while records arrive, give each matching record once, over a socket."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.load import load
from tests.api.app import app_of
from tests.api.records import Record, load_records, record
from tests.api.serving import served
from warehouse.lake import Lake

AT = datetime(2026, 3, 1, tzinfo=UTC)
EXAMPLES = 15 * int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
STATUSES = ("running", "success", "failed", "timeout")
_NUMBER = count()
_TURN = count()


def made(number: int) -> Record:
    """By rule: 4 executions at each instant, instants 5 h apart; durations of 0 to 4 s, every fifth one without."""
    status = STATUSES[number % 4] if number % 5 else "running"
    return record(
        f"{number:04d}",
        AT + timedelta(hours=5 * ((number * 7) % 60 // 4)),
        None if status == "running" else 1000 * (number % 5),
        status,
        workflowId=f"wf_{number % 3}",
        mode=("webhook", "manual")[number % 2],
    )


class Arrivals:
    """Records that come in while pages are read: by turns over HTTP into the hot store, and straight into the lake."""

    def __init__(self, client: httpx.Client, lake: str, folder: Path, known: dict[str, Record]) -> None:
        self.client, self.lake, self.folder, self.known = client, lake, folder, known

    def come(self, number: int) -> None:
        turn = next(_TURN)
        records = [made(number) | {"id": f"exec_new_{next(_NUMBER)}"} for number in range(number, number + 3)]
        body = "".join(json.dumps(one) + "\n" for one in records)
        if turn % 2:
            taken = self.client.post("/v1/executions", content=body, headers={"Content-Type": "application/x-ndjson"})
            assert taken.is_success, taken.text
        else:
            file = self.folder / f"more{turn}.ndjson"
            file.write_text(body)
            lake = Lake.open(self.lake)
            assert load(lake, [file]).rejected == 0
            lake.close()
        self.known |= {one["id"]: one for one in records}


@pytest.fixture(scope="module")
def served_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Arrivals]]:
    folder = tmp_path_factory.mktemp("pages")
    records = [made(number) for number in range(60)]
    lake = load_records(folder, records)
    with served(app_of(lake)) as client:
        yield client, Arrivals(client, lake, folder, {one["id"]: one for one in records})


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "filter[status]": st.lists(st.sampled_from(STATUSES), min_size=1, max_size=3).map(",".join),
        "filter[workflowId]": st.sampled_from(["wf_0", "wf_1,wf_2", "wf_9"]),
        "filter[mode]": st.sampled_from(["manual", "webhook"]),
        "filter[minDuration]": st.sampled_from(["0", "2"]),
        "filter[startDate]": st.sampled_from(["2026-03-01", "2026-03-02T01:00:00Z"]),
        "filter[endDate]": st.sampled_from(["2026-03-03", "2026-03-02T06:00:00Z"]),
    },
)


def matches(one: Record, asked: dict[str, str]) -> bool:
    """The filters again, on the records as they were written."""

    def instant(text: str) -> datetime:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    at = instant(one["startedAt"])
    return (
        one["status"] in str(asked.get("filter[status]", one["status"])).split(",")
        and one["workflowId"] in str(asked.get("filter[workflowId]", one["workflowId"])).split(",")
        and one["mode"] == asked.get("filter[mode]", one["mode"])
        and ("filter[minDuration]" not in asked or one.get("duration", -1) >= float(asked["filter[minDuration]"]))
        and ("filter[startDate]" not in asked or at >= instant(asked["filter[startDate]"]))
        and ("filter[endDate]" not in asked or at < instant(asked["filter[endDate]"]))
    )


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=FILTERS,
    sort=st.sampled_from(["startedAt", "-startedAt", "duration", "-duration"]),
    limits=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    arrivals=st.lists(st.none() | st.integers(0, 59), max_size=3),
)
def test_each_matching_record_once(
    served_lake: tuple[httpx.Client, Arrivals],
    asked: dict[str, str],
    sort: str,
    limits: list[int],
    arrivals: list[int | None],
) -> None:
    client, more = served_lake
    before = {name for name, one in more.known.items() if matches(one, asked)}
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for turn in count():
        params: dict[str, str | int] = {**asked, "sort": sort, "limit": limits[turn % len(limits)], **cursor}
        answer = client.get("/v1/executions", params=params)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        page = body["pagination"]
        assert len(body["data"]) <= page["limit"] == params["limit"]
        assert page["total"] == sum(matches(one, asked) for one in more.known.values())
        seen += body["data"]
        assert page["hasMore"] == ("nextCursor" in page)
        if not page["hasMore"]:
            break
        assert len(body["data"]) == page["limit"]
        cursor = {"cursor": page["nextCursor"]}
        if turn < len(arrivals) and (number := arrivals[turn]) is not None:
            more.come(number)
    ids = [one["id"] for one in seen]
    assert len(set(ids)) == len(ids)
    assert before <= set(ids)
    assert all(matches(more.known[one], asked) for one in ids)
    assert seen == sorted(seen, key=lambda one: key(one, sort))


def key(one: dict[str, Any], sort: str) -> tuple[Any, ...]:
    """The order of a sort; a text is turned round by turning its characters."""
    sign = -1 if sort.startswith("-") else 1
    name = [sign * ord(char) for char in one["id"]] + [sign * -1]
    if sort.endswith("startedAt"):
        return sign * datetime.fromisoformat(one["startedAt"]).timestamp(), name
    return "duration" not in one, sign * one.get("duration", 0.0), name
