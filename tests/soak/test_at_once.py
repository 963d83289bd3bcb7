"""Many clients ask everything of one process at once, from its first moment on: nobody gets an internal error."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.served_process import Client, serving
from tests.soak.clients import Crew
from tests.soak.ledger import State
from tests.soak.records import SINCE, UNTIL, body, record

_CLIENTS = 6
_ROUNDS = 1
_IDS = [f"known_{number}" for number in range(200)]
_BETWEEN = f"since={SINCE:%Y-%m-%d}&until={UNTIL:%Y-%m-%d}"
_PATHS = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    *(f"/v1/executions/export?format={kind}" for kind in ("csv", "json", "ndjson", "parquet", "arrow")),
    f"/v1/executions/statistics?{_BETWEEN}",
    f"/v1/executions/statistics/nodes?{_BETWEEN}",
    f"/v1/executions/statistics/errors?{_BETWEEN}",
    "/v1/executions?filter[status]=failed&filter[errorType]=SoakError",
    "/v1/executions?sort=-duration&include=data",
    f"/v1/executions/{_IDS[0]}?include=data,error,logs",
    f"/v1/executions/{_IDS[1]}/data",
    f"/v1/executions/{_IDS[2]}/data?format=csv",
    f"/v1/executions/{_IDS[3]}/nodes/node_1/data",
    f"/v1/executions/{_IDS[4]}/logs",
    "/v1/commands?wait=0",
]


@pytest.mark.parametrize("sealed", [False, True])
def test_everything_at_once(tmp_path: Path, sealed: bool) -> None:
    settings = {"seal_rows": 1 if sealed else 10**6, "seal_age_s": 0.1 if sealed else 3600}
    log = tmp_path / "serve.log"
    with serving(tmp_path / "lake", log, "--create", settings=settings) as server:
        states = [State(1, random.Random(id_).choice(["success", "failed"])) for id_ in _IDS]
        first = [record(id_, state) for id_, state in zip(_IDS, states, strict=True)]
        assert server.client().post("/v1/executions", body(first)).found()["new"] == len(first)
        crew = Crew()
        for number in range(_CLIENTS):
            crew.start(_asking(server.client(), number), once=True)
        crew.join(stop=False)
        assert "level=error" not in log.read_text("utf-8"), server.complaints()


def _asking(client: Client, number: int) -> Callable[[], None]:
    def ask() -> None:
        draw = random.Random(number)
        for turn in range(_ROUNDS):
            for place, path in enumerate(draw.sample(_PATHS, len(_PATHS))):
                answer = client.get(path)
                assert answer.status == 200, f"{path}: {answer.status}, {answer.body[:300]!r}"
                if place % 5 == number % 5:
                    own = [record(f"own_{number}_{turn}_{place}_{one}", State(1, "success")) for one in range(3)]
                    client.post("/v1/executions", body(own)).found()

    return ask
