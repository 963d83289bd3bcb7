"""Everything that a server says, held against the ledger, with nothing in flight."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, Final

from tests.fixtures.served_process import Client
from tests.soak.clients import exported
from tests.soak.ledger import ALL, Ledger, State
from tests.soak.records import SINCE, UNTIL, state_of, wrong_parts
from warehouse.schema import STATUSES

_DETAILS: Final = 25
_WALKED_MAX: Final = 1_500
"""Executions that are walked page by page."""


def recount(client: Client, ledger: Ledger, draw: random.Random) -> None:
    """What was open is settled; export, statistics, lists and details agree with it and with each other."""
    found = exported(client)
    wrong = ledger.settle(found)
    assert not wrong, f"{len(wrong)} wrong: " + "; ".join(wrong[:5])
    counts = ledger.counts()
    _statistics(client, counts)
    for status in STATUSES:
        page = client.get("/v1/executions", {"filter[status]": status, "limit": 1}).found()
        assert page["pagination"]["total"] == counts[status], f"list: {page['pagination']} of {status}: {counts}"
    _pages(client, found, draw)
    for id_ in draw.sample(sorted(found), min(len(found), _DETAILS)):
        detail = client.get(f"/v1/executions/{id_}", {"include": "data,error"}).found()
        assert state_of(detail) == found[id_], f"{id_}: {state_of(detail)} in detail, {found[id_]} exported"
        assert not (parts := wrong_parts(detail)), f"{id_}: {parts}"
    for id_ in draw.sample(known := ledger.with_lines(), min(len(known), _DETAILS)):
        log = client.get(f"/v1/executions/{id_}/logs", {"limit": 1000}).found()["logs"]
        lines = ledger.settle_lines(id_, [line["message"] for line in log])
        assert not lines, f"{len(lines)} wrong: " + "; ".join(lines[:5])


def _statistics(client: Client, counts: Counter[str]) -> None:
    asked = {"since": SINCE.isoformat(), "until": UNTIL.isoformat(), "granularity": "hour"}
    found = client.get("/v1/executions/statistics", asked).found()
    told = +Counter({ALL: found["totalExecutions"], **found["byStatus"]})
    assert told == counts, f"statistics: {dict(told)}, recount: {dict(counts)}"
    assert sum(bucket["executions"] for bucket in found["data"]) == counts[ALL]


def _pages(client: Client, found: dict[str, State], draw: random.Random) -> None:
    """Pages of any size give each once."""
    asked: dict[str, Any] = {
        "limit": draw.randint(60, 100),
        "sort": draw.choice(["-startedAt", "startedAt", "duration"]),
    }
    walked: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/v1/executions", asked | cursor).found()
        walked += [row["id"] for row in page["data"]]
        if not page["pagination"]["hasMore"] or len(walked) >= _WALKED_MAX:
            break
        cursor = {"cursor": page["pagination"]["nextCursor"]}
    assert len(set(walked)) == len(walked), "an execution is on two pages"
    assert set(walked) <= found.keys(), "a page has what the export has not"
    assert len(walked) >= min(len(found), _WALKED_MAX), f"{len(walked)} on pages, {len(found)} exported"
