"""Details, lists and pages over HTTP, beside the same of n8n's tables in PostgreSQL."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.bench.data import BenchData
from tests.bench.http_pair import WARM_UPS, Pair, both, in_turns, instant, shown
from tests.bench.model import Bar, Measure
from tests.bench.reference import bench_sql
from tests.bench.timing import seconds

_DETAIL = Bar("at most", 15)
_LIST = Bar("at most", 15)
_PAGES = Bar("at most", 1.25)
_PAGES_TIMED = 50
"""The first so many and the last so many of a walk are compared."""

Asked = tuple[int, str, datetime]
"""n8n's id, the lake's, the instant of its begin."""


def detail(data: BenchData, runs: int) -> list[Measure]:
    with both(data) as pair:
        asked = _asked(pair, data.http_requests * runs + WARM_UPS)
        for number in range(0, len(asked), 7):
            _same_detail(pair, asked[number])

        def ours(number: int) -> object:
            return pair.ours.get(f"/v1/executions/{asked[number][1]}").found()

        def theirs(number: int) -> object:
            return pair.theirs.get(f"/executions/{asked[number][0]}").found()

        def missing(number: int) -> None:
            assert pair.ours.get(f"/v1/executions/{asked[number][1]}x").status == 404

        def their_missing(number: int) -> None:
            assert pair.theirs.get(f"/executions/{2**31 - 2 - number}").status == 404

        requests = min(data.http_requests, len(asked) // (runs + 1))
        there = in_turns(ours, theirs, runs, requests=requests)
        gone = in_turns(missing, their_missing, runs, requests=requests)
        again = in_turns(lambda _: ours(0), lambda _: theirs(0), runs, requests=requests)
    note = "each id once; narrow executions: neither side has node data"
    return [
        *there.measures("http_detail", "a random id", _DETAIL, note),
        *gone.measures("http_detail", "an id that is not there", None),
        *again.measures("http_detail", "the same id again", None),
    ]


def newest_failed(data: BenchData, runs: int) -> list[Measure]:
    with both(data) as pair:
        asked = _asked(pair, data.http_requests * runs + WARM_UPS)
        with psycopg.connect(pair.conninfo) as connection:
            first = [_first_of(connection, one[0]) for one in asked]

        def ours(number: int) -> Any:
            until = asked[number][2].astimezone(UTC).isoformat()
            return pair.ours.get(
                "/v1/executions",
                {"filter[status]": "failed", "filter[dateRange]": "custom", "filter[endDate]": until, "limit": 20},
            ).found()

        def theirs(number: int) -> Any:
            limits = {"before_id": first[number], "total_before_id": first[number]}
            return pair.theirs.get("/executions", {"status": "error", "limit": 20, "total": True, **limits}).found()

        def plain(_: int) -> Any:
            return pair.ours.get("/v1/executions", {"filter[status]": "failed", "limit": 20}).found()

        def their_plain(_: int) -> Any:
            return pair.theirs.get("/executions", {"status": "error", "limit": 20, "total": True}).found()

        for one, other in ((ours(0), theirs(0)), (ours(1), theirs(1)), (plain(0), their_plain(0))):
            _same_page(one, other)
            assert one["pagination"]["total"] == other["count"]
        requests = min(data.http_requests, len(asked) // (runs + 1))
        before = in_turns(ours, theirs, runs, requests=requests)
        again = in_turns(plain, their_plain, runs, requests=requests)
        writer = _Writer(pair, instant(plain(0)["data"][0]["startedAt"]))

        def after_a_write(_: int) -> None:
            assert plain(0)["data"][0]["id"] == writer.last

        moving = in_turns(after_a_write, their_plain, runs, requests=requests, before_ours=writer.write)
    return [
        *before.measures("http_newest_failed", "before a random instant, total", _LIST, "each instant once"),
        *moving.measures(
            "http_newest_failed",
            "after each write, total",
            _LIST,
            "a failed execution is posted before each request of ours and not timed",
        ),
        *again.measures("http_newest_failed", "again and again, total", None),
    ]


def pages(data: BenchData, runs: int) -> list[Measure]:
    """A walk of a thousand pages of 20, each with the exact total; of the yardstick without one."""
    with both(data) as pair:
        last: dict[str, str] = {}

        def their_walk() -> Iterator[Any]:
            before = 2**31 - 1
            while True:
                found = pair.theirs.get("/executions", {"limit": 20, "before_id": before}).found()
                yield found
                before = found["results"][-1]["id"]

        def our_walk() -> Iterator[Any]:
            cursor: dict[str, str] = {}
            while True:
                found = pair.ours.get("/v1/executions", {"limit": 20, **cursor}).found()
                yield found
                cursor = {"cursor": found["pagination"]["nextCursor"]}
                last.update(cursor)

        executions = pair.ours.get("/v1/executions", {"limit": 1}).found()["pagination"]["total"]
        depth = max(4, min(data.http_pages, executions // 20 - 2))
        timed = min(_PAGES_TIMED, depth // 4)
        for one, other, _ in zip(our_walk(), their_walk(), range(5), strict=False):
            _same_page(one, other)
        ratios: list[float] = []
        their_ratios: list[float] = []
        ours_s: list[float] = []
        theirs_s: list[float] = []
        for _ in range(min(runs, 3)):
            for walk, found, taken_s in (
                (our_walk(), ratios, ours_s),
                (their_walk(), their_ratios, theirs_s),
            ):
                page_s = [seconds(lambda _: next(walk), 0) for _ in range(depth)]  # noqa: B023
                deep_s, first_s = statistics.median(page_s[-timed:]), statistics.median(page_s[1 : timed + 1])
                found.append(deep_s / first_s)
                taken_s += page_s[-timed:]
    note = f"median of the last {timed} of {depth} pages of 20 / of the first {timed}; times are of the last"
    return [
        Measure("http_pages", f"page {depth:,} / page 1, total", "ratio", ratios, _PAGES, ours_s, (), note),
        Measure("http_pages", "the same of PostgreSQL, no total", "ratio", their_ratios, None, (), theirs_s),
    ]


def _asked(pair: Pair, rows: int) -> list[Asked]:
    with psycopg.connect(pair.conninfo) as connection:
        found = connection.execute(bench_sql("n8n_asked").encode(), {"rows": rows}).fetchall()
    return [(int(row[0]), str(row[1]), row[2]) for row in found]


def _first_of(connection: psycopg.Connection[Any], id: int) -> int:
    row = connection.execute(bench_sql("n8n_first_of").encode(), {"id": id}).fetchone()
    assert row is not None
    return int(row[0])


def _same_detail(pair: Pair, asked: Asked) -> None:
    n8n_id, runlake_id, at = asked
    found = pair.ours.get(f"/v1/executions/{runlake_id}").found()
    other = pair.theirs.get(f"/executions/{n8n_id}").found()
    assert found["id"] == runlake_id
    assert shown(found) == shown(other) == (found["workflowId"], at)
    assert found["workflowName"] == other["workflowName"]


def _same_page(found: Any, other: Any) -> None:
    assert [shown(row) for row in found["data"]] == [shown(row) for row in other["results"]]


class _Writer:
    """Posts failed executions, each newer than all others, and asks whether a list begins with the last one."""

    def __init__(self, pair: Pair, newest: datetime) -> None:
        self._pair, self._newest = pair, newest
        self.last = ""

    def write(self, number: int) -> None:
        """One more."""
        self.last = f"written_{number}"
        at = (self._newest + timedelta(seconds=number + 1)).astimezone(UTC).isoformat()
        record = {
            "id": self.last,
            "workflowId": "wf_written",
            "status": "failed",
            "mode": "webhook",
            **dict.fromkeys(("createdAt", "startedAt", "stoppedAt", "updatedAt"), at),
            "error": {"type": "Written", "message": "as it should be", "timestamp": at},
        }
        assert self._pair.ours.post("/v1/executions", json.dumps(record).encode()).found()["new"] == 1
