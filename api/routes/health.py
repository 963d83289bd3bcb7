"""GET /healthz, /readyz, /metrics: is it alive, can it work, what does it do."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from api.auth import may
from api.failures import error_response
from api.models import HealthModel, ReadyModel
from api.readiness import Readiness
from api.routes.deps import failures

router = APIRouter(tags=["server"])


@router.get(
    "/healthz",
    summary="Whether the server is alive",
    response_model=HealthModel,
    responses=failures(closed=False, reading=False),
)
async def get_health() -> HealthModel:
    """Looks at nothing but the process itself; for restarting what hangs. Needs no token."""
    return HealthModel(status="ok", version=metadata.version("runlake"))


@router.get(
    "/readyz",
    summary="Whether the server can work",
    response_model=ReadyModel,
    responses=failures(closed=False, reading=False),
)
def get_ready(request: Request) -> Any:
    """Reads the lake, writes into the hot store, looks whether sealing goes on; for sending requests elsewhere.

    503 NOT_READY says in `checks` what fails. Done at most once a second, so it may be asked as often as wanted. Needs
    no token.
    """
    readiness: Readiness = request.app.state.readiness
    checks = readiness.check()
    if all(word == "ok" for word in checks.values()):
        return ReadyModel(status="ok", checks=dict(checks))
    failing = ", ".join(name for name, word in checks.items() if word != "ok")
    return error_response(
        503, "NOT_READY", f"Not ready: {failing}; the server's log says why", {"Retry-After": "5"}, checks=checks
    )


async def operator(request: Request) -> None:
    """Lets through whoever may see the server from inside: see Exposure.open_metrics."""
    if not request.app.state.exposure.open_metrics:
        await may(request, "admin")


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=PlainTextResponse,
    responses=failures(reading=False, page=True),
    dependencies=[Depends(operator)],
)
def get_metrics(request: Request) -> Response:
    """Requests, latencies, what was taken in, refused and sealed, what lies in hot store and lake.

    Needs no token on a server of this machine only, else the scope admin, unless `public_metrics` is set.
    """
    text, content_type = request.app.state.metrics.page(request.app.state.readiness.holdings)
    return Response(text, media_type=content_type)


@router.get("/openapi.json", include_in_schema=False, dependencies=[Depends(operator)])
def get_description(request: Request) -> JSONResponse:
    """The description of the API."""
    return JSONResponse(request.app.openapi())
