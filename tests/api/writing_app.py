"""The app over an empty lake and an empty hot store, for tests of what writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api.app import create_app
from api.config import Config
from api.edge.exposure import Exposure
from tests.api.records import text
from tests.api.serving import served
from warehouse.hot.store import HotStore
from warehouse.lake import Lake

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINES = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


def narrow(number: int | str, status: str = "success", **changes: Any) -> dict[str, Any]:
    """An execution without nodes that began at AT + number minutes."""
    at = AT + timedelta(minutes=number if isinstance(number, int) else 0)
    made: dict[str, Any] = {
        "id": f"exec_{number}",
        "workflowId": "wf_1",
        "status": status,
        "mode": "webhook",
        "startedAt": text(at),
    }
    if status not in ("queued", "running"):
        made["stoppedAt"] = text(at + timedelta(seconds=2))
    if status == "failed":
        made["error"] = {"type": "ConnectionError", "message": f"no answer to {number}"}
    return made | changes


def app_over(folder: Path, hot_url: str | None = None, *, no_auth: bool = True, **settings: Any) -> FastAPI:
    """The app over an empty lake in `folder`."""
    Lake.open(folder / "lake", create=True).close()
    return create_app(Config(lake=str(folder / "lake"), hot_url=hot_url, **settings), Exposure(no_auth=no_auth))


@contextmanager
def serving(folder: Path, hot_url: str | None = None, **settings: Any) -> Iterator[httpx.Client]:
    """A client of that app while it is served; everybody may everything."""
    with served(app_over(folder, hot_url, **settings)) as client:
        yield client


def stored(folder: Path, hot_url: str, ids: list[str]) -> dict[str, dict[str, Any]]:
    """The rows of these executions in either tier, by id."""
    lake, store = Lake.open(folder / "lake"), HotStore.open(hot_url)
    try:
        return {row["id"]: row for row in store.rows(lake, ids).to_pylist()}
    finally:
        store.close()
        lake.close()


def put(client: httpx.Client, *records: dict[str, Any]) -> None:
    """Post records that are good."""
    answer = client.post("/v1/executions", json=list(records))
    assert answer.status_code == 200, answer.text
