"""A disk that is full: 507, nothing lost, nothing half, and all is well again once there is room."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import event

from tests.api.serving import served
from tests.api.writing_app import LINES, app_over, narrow, stored

PATH = "/v1/executions"


class Disk:
    """Lets the hot store's file grow to a number of pages: SQLite then finds the disk full."""

    def __init__(self, app: FastAPI) -> None:
        self._engine: sa.Engine = app.state.hot.database.engine
        self._pages = 1 << 30
        event.listen(self._engine, "checkout", self._limit)

    def leave(self, pages: int) -> None:
        """So many more from now on."""
        with self._engine.connect() as connection:
            used: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        self._pages = used + pages

    def _limit(self, connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {self._pages}").close()


def test_a_full_disk_is_507_and_the_server_recovers(tmp_path: Path) -> None:
    hot_url = f"sqlite:///{tmp_path / 'state.db'}"
    app = app_over(tmp_path, hot_url, seal_rows=1_000_000, seal_age_s=3600.0)
    with served(app) as client:
        disk = Disk(app)
        assert client.post(PATH, json=[narrow(number) for number in range(100)]).status_code == 200
        assert client.post(PATH, json=narrow("run", "running")).status_code == 200
        disk.leave(0)
        full = client.post(PATH, json=[narrow(number) for number in range(100, 1_100)])
        assert (full.status_code, full.json()["error"]["code"]) == (507, "INSUFFICIENT_STORAGE")
        assert int(full.headers["retry-after"]) > 0
        assert str(tmp_path) not in full.text
        # Nothing of it is there, and what was there still is.
        rows = stored(tmp_path, hot_url, [f"exec_{number}" for number in range(1_100)])
        assert len(rows) == 100
        assert client.get(f"{PATH}?limit=1").json()["pagination"]["total"] == 101
        keyed = client.post(
            PATH, json=[narrow(number) for number in range(100, 1_100)], headers={"Idempotency-Key": "k"}
        )
        assert keyed.status_code == 507
        disk.leave(10_000)
        again = client.post(
            PATH, json=[narrow(number) for number in range(100, 1_100)], headers={"Idempotency-Key": "k"}
        )
        assert (again.status_code, again.json()["new"]) == (200, 1_000)
        assert client.post(f"{PATH}/exec_run/cancel").status_code == 200


def test_a_stream_that_meets_a_full_disk_says_how_far_it_came(tmp_path: Path) -> None:
    app = app_over(tmp_path, f"sqlite:///{tmp_path / 'state.db'}", seal_rows=1_000_000, seal_age_s=3600.0)
    chance = random.Random(1)  # what cannot be compressed
    records = [narrow(number, inputData=chance.randbytes(1_500).hex()) for number in range(6_000)]
    body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    with served(app) as client:
        disk = Disk(app)
        client.post(PATH, json=narrow("first"))
        disk.leave(1_200)
        cut = client.post(PATH, content=body, headers=LINES)
        assert cut.status_code == 507, cut.text
        error = cut.json()["error"]
        assert error["code"] == "INSUFFICIENT_STORAGE"
        assert 0 < error["accepted"] == error["linesDone"] < 6_000
        disk.leave(100_000)
        rest = b"\n".join(body.split(b"\n")[error["linesDone"] :])
        done = client.post(PATH, content=rest, headers=LINES)
        assert (done.status_code, done.json()["new"]) == (200, 6_000 - error["linesDone"])
        assert client.get(f"{PATH}?limit=1").json()["pagination"]["total"] == 6_001
