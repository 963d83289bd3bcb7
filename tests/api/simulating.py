"""A simulation in a thread of the test, and what the server then says about it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx

from api.simulate import Board, Happening, Server, SimulateOptions, Simulation, Summary

STATUSES = ("queued", "running", "success", "failed", "cancelled", "timeout")
PATIENCE_S = 120.0


class Running:
    """One simulation under way."""

    def __init__(self, url: str, token: str | None = None, **options: Any) -> None:
        self.happenings: list[Happening] = []
        self.board = Board(self.happenings.append)
        self._options = SimulateOptions(**{"incident_every_s": 0.0, **options})
        self._simulation = Simulation(Server(url, token), self._options, self.board)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def stop(self) -> None:
        self._simulation.stop()

    def wait(self) -> Summary:
        """Until it has ended by itself; raises what it raised."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"it does not end: {self.board.summary(0)}"
        if self._error is not None:
            raise self._error
        return self.board.summary(self._options.seed)

    def said(self, kind: str) -> list[str]:
        return [one.text for one in self.happenings if one.kind == kind]

    def _run(self) -> None:
        try:
            asyncio.run(self._simulation.run())
        except BaseException as error:  # noqa: BLE001 - raised again by wait
            self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(PATIENCE_S)


@contextmanager
def simulated(client: httpx.Client, token: str | None = None, **options: Any) -> Iterator[Running]:
    """A simulation against the client's server."""
    with Running(str(client.base_url), token, **options) as running:
        yield running


def counts(client: httpx.Client) -> dict[str, int]:
    """Executions at the server by status, without those of which there are none."""
    found = {}
    for status in STATUSES:
        answer = client.get("/v1/executions", params={"filter[status]": status, "limit": 1})
        assert answer.status_code == 200, answer.text
        found[status] = answer.json()["pagination"]["total"]
    return {status: count for status, count in sorted(found.items()) if count}


def execution(client: httpx.Client, id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/executions/{id}", params={"include": "data,error,logs,metadata"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until(what: Callable[[], Any]) -> Any:
    """What it gives, as soon as it gives something."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    return found


def newest(client: httpx.Client, **filter: str) -> list[dict[str, Any]]:
    """Executions by filter[…], newest first, at most 100."""
    query = {f"filter[{name}]": value for name, value in filter.items()}
    found: list[dict[str, Any]] = client.get("/v1/executions", params={**query, "limit": "100"}).json()["data"]
    return found
