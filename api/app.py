"""The HTTP API as an ASGI app. Routes are in api/routes, errors in api/failures, what is true of all in api/edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from api import failures
from api.config import Config
from api.edge.body import BodyLimit
from api.edge.boundary import Boundary
from api.edge.cors import Cors
from api.edge.exposure import Exposure
from api.edge.gone import ClientGone
from api.edge.hosts import Hosts
from api.edge.meant import Meant
from api.edge.route_table import RouteTable
from api.edge.sockets import STREAM_PATH
from api.metrics import Metrics
from api.pages.choices import Chooser
from api.pages.error_page import error_page
from api.pages.readers import PageRefused, refused
from api.pages.reports import kept_libraries
from api.parts import opened_parts
from api.routers import API_ROUTERS, PAGE_ROUTERS, SERVER_ROUTERS
from api.routes.stream import stream_socket

BASE: Final = "/v1"

COMPRESSED_FROM_BYTES: Final = 1024
EVENT_STREAM: Final = "text/event-stream"
_COMPRESSED_TOO: Final = ("text/csv", "application/x-ndjson", "application/json")

_DESCRIPTION: Final = """\
The whole history of workflow executions: lists, details, logs, statistics, exports, records in, control.

Times are seconds, ratios 0..1, instants RFC 3339 in UTC, intervals half-open `[since, until)`. `null` means that there
is no such number, never zero. Every error has the same body: `{"error": {"code", "message", "timestamp", …}}`.

A request carries `Authorization: Bearer rl_…`, a token of `runlake token create`. For a token that is bound to
workflows the others do not exist. Every answer has an `X-Request-ID`: the caller's own where it sent one.
"""

_TAGS: Final[list[dict[str, Any]]] = [
    {"name": "executions", "description": "Lists, details, inputs and outputs, logs."},
    {"name": "statistics", "description": "Totals, series, percentiles; bottleneck nodes; error groups."},
    {"name": "exports", "description": "All that match, streamed."},
    {"name": "stream", "description": "What happens, as it happens: WebSocket and Server-Sent Events."},
    {"name": "ingest", "description": "Records and log lines in; durable when acknowledged."},
    {"name": "control", "description": "Cancel, retry, delete; what an engine has to do."},
    {"name": "webhooks", "description": "Events, sent to whoever asked for them."},
    {"name": "report", "description": "The trend report for browsers."},
    {"name": "server", "description": "Is it alive, can it work, what does it do."},
]


def create_app(config: Config, exposure: Exposure | None = None, *, multiprocess_folder: str | None = None) -> FastAPI:
    """The app over the lake of `config`; lake and hot store are opened when the app starts.

    `exposure`: who may come in; without it everybody needs a token, and any Host is good. `multiprocess_folder`: where
    the worker processes of one server count together (see api.metrics). Starting raises LakeNotFoundError,
    HotStoreError.
    """
    exposure = exposure or Exposure()
    metrics = Metrics(multiprocess_folder=multiprocess_folder)
    routers = [*(("", router) for router in SERVER_ROUTERS), *((BASE, router) for router in API_ROUTERS)]
    redirects = _without_base()
    pages = [("", router) for router in PAGE_ROUTERS]
    table = RouteTable([*routers, ("", redirects), *pages])

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened_parts(app, config, exposure):
            yield

    app = FastAPI(
        title="runlake",
        version=metadata.version("runlake"),
        summary="The executions of your workflows: ask, take in, control.",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=_TAGS,
        openapi_url=None,  # a route of our own: who may see it depends on the exposure
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        middleware=_middleware(config, exposure, table, metrics),
    )
    app.state.config, app.state.exposure, app.state.metrics = config, exposure, metrics
    app.state.route_table, app.state.error_page = table, error_page
    app.state.chooser, app.state.libraries = Chooser(), kept_libraries()
    for prefix, router in (*routers, *pages):
        app.include_router(router, prefix=prefix)
    app.include_router(redirects)
    for prefix in (BASE, ""):  # a WebSocket client follows no redirect
        app.router.routes.append(WebSocketRoute(prefix + STREAM_PATH, stream_socket))
    failures.install(app)
    app.add_exception_handler(PageRefused, refused)
    return app


def _middleware(config: Config, exposure: Exposure, table: RouteTable, metrics: Metrics) -> list[Middleware]:
    """From the outside in."""
    for content_type in _COMPRESSED_TOO:
        add_compress_type(content_type)
    remove_compress_type(EVENT_STREAM)  # each event must go out at once, and a compressor costs memory for each reader
    return [
        Middleware(Boundary, table, metrics),
        Middleware(Hosts, exposure),
        *([Middleware(Cors, config.cors_origins)] if config.cors_origins else []),
        # What has an encoding already is left as it is. Level 1: these answers are made anew for each request.
        Middleware(CompressMiddleware, minimum_size=COMPRESSED_FROM_BYTES, zstd_level=1, gzip_level=1, brotli=False),
        Middleware(Meant, table),
        Middleware(BodyLimit, table),
        Middleware(ClientGone),
    ]


def _without_base() -> APIRouter:
    """Every path below /v1 answers 308 without it too, so that clients of either form work."""

    async def to_base(request: Request) -> Response:
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope["raw_path"].decode("latin-1")
        return RedirectResponse(f"{BASE}{path}{'?' + query if query else ''}", status_code=308)

    router = APIRouter()
    methods: dict[str, set[str]] = {}
    for one in API_ROUTERS:
        for route in one.routes:
            methods.setdefault(route.path, set()).update(route.methods)  # type: ignore[attr-defined]
    for path, allowed in methods.items():
        router.add_api_route(path, to_base, methods=sorted(allowed), include_in_schema=False)
    return router
