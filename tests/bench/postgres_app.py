"""The yardstick of the questions over HTTP: n8n's tables in PostgreSQL behind the same framework and server.

`python -m tests.bench.postgres_app CONNINFO`: serves on a free loopback port, which it prints. PostgreSQL makes the
JSON, so that Python's part is as small as it can be; one connection to it for each that the app has in use.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Final

import psycopg
import uvicorn
from fastapi import FastAPI, Query, Request, Response

from tests.bench.reference import bench_sql

_LAST_ID: Final = 2**31 - 1
_SQL: Final = {name: bench_sql(f"n8n_{name}").encode() for name in ("detail", "list", "count", "statistics", "upsert")}
_PLANNED_ONCE: Final = frozenset({"detail", "upsert"})


class Pool:
    """Connections that are free."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._free: list[psycopg.AsyncConnection[tuple[Any, ...]]] = []

    async def value(self, name: str, parameters: dict[str, Any]) -> Any:
        """The one value that the statement answers; None: no row, or it answers nothing."""
        connection = (
            self._free.pop() if self._free else await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        )
        try:
            # Planned anew for what is asked, unless that cannot matter: a general plan would use fewer indexes.
            prepare = None if name in _PLANNED_ONCE else False
            cursor = await connection.execute(_SQL[name], parameters, prepare=prepare)
            row = await cursor.fetchone() if cursor.description else None
        finally:
            self._free.append(connection)
        return None if row is None else row[0]

    async def close(self) -> None:
        for connection in self._free:
            await connection.close()


def create_app(conninfo: str) -> FastAPI:
    pool = Pool(conninfo)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await pool.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/executions/{id}")
    async def detail(id: int) -> Response:
        found = await pool.value("detail", {"id": id})
        return _json("{}" if found is None else found, 404 if found is None else 200)

    @app.get("/executions")
    async def page(
        limit: int = 20,
        status: Annotated[list[str] | None, Query()] = None,
        before_id: int = _LAST_ID,
        total_before_id: int = _LAST_ID,
        total: bool = False,
    ) -> Response:
        asked = {"statuses": status, "before_id": before_id, "limit": limit}
        rows = await pool.value("list", asked)
        count = await pool.value("count", {**asked, "before_id": total_before_id}) if total else "null"
        return _json(f'{{"results":{rows},"count":{count}}}')

    @app.get("/statistics")
    async def statistics(since: datetime, until: datetime) -> Response:
        return _json(await pool.value("statistics", {"since": since, "until": until}) or "[]")

    @app.post("/executions")
    async def upsert(request: Request) -> Response:
        await pool.value("upsert", {"body": (await request.body()).decode()})
        return _json("{}")

    return app


def _json(text: str, status: int = 200) -> Response:
    return Response(text, status, media_type="application/json")


def main(conninfo: str) -> None:
    # With the protocol named asyncio turns Nagle's algorithm off; with it each answer would wait 40 ms for an ACK.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(create_app(conninfo), log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
