"""The HTTP API as an ASGI app. Routes are in api/routes, errors in api/failures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

import warehouse
from api import failures
from api.config import Config
from api.guard import Guard
from api.routes import health, page, statistics

BASE: Final = "/v1"

_DESCRIPTION: Final = """\
Statistics and reports over the whole history of workflow executions.

Times are seconds, ratios 0..1, instants RFC 3339 in UTC, intervals half-open `[since, until)`. `null` means that there
is no such number, never zero. Every error has the same body: `{"error": {"code", "message", "timestamp", …}}`.
"""


def create_app(config: Config, *, allowed_hosts: Sequence[str] = ()) -> FastAPI:
    """The app over the lake of `config`; the lake is opened when the app starts.

    `allowed_hosts`: host names a request may be addressed to; empty: any. Starting raises LakeNotFoundError.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.house = await run_in_threadpool(warehouse.open, config.lake, config.lake_settings())
        yield
        await run_in_threadpool(app.state.house.close)

    app = FastAPI(
        title="runlake",
        version=metadata.version("runlake"),
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.config = config
    app.include_router(health.router)
    app.include_router(page.router)
    app.include_router(statistics.router, prefix=BASE)
    _redirect_without_base(app, statistics.router)
    failures.install(app)
    app.add_middleware(Guard, allowed_hosts=tuple(allowed_hosts))
    return app


def _redirect_without_base(app: FastAPI, *routers: APIRouter) -> None:
    """Every path below /v1 answers 308 without it too, so that clients of either form work."""

    async def to_base(request: Request) -> Response:
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope["raw_path"].decode("latin-1")
        return RedirectResponse(f"{BASE}{path}{'?' + query if query else ''}", status_code=308)

    for router in routers:
        for route in router.routes:
            app.add_route(route.path, to_base, methods=sorted(route.methods), include_in_schema=False)  # type: ignore[attr-defined]
