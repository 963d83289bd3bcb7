"""All routers of the app, in the order in which they are asked."""

from typing import Final

from fastapi import APIRouter

from api.routes import (
    alerts,
    bulk,
    commands,
    control,
    events,
    execution_data,
    execution_logs,
    executions,
    export,
    health,
    ingest,
    login,
    page,
    statistics,
    stream,
    webhooks,
)

SERVER_ROUTERS: Final[tuple[APIRouter, ...]] = (health.router, page.router, login.router)
"""What belongs to the server, at its root."""

API_ROUTERS: Final[tuple[APIRouter, ...]] = (
    statistics.router,
    export.router,
    bulk.router,
    events.router,
    stream.router,
    executions.router,
    execution_data.router,
    execution_logs.router,
    ingest.router,
    control.router,
    commands.router,
    alerts.router,
    webhooks.router,
)
"""What belongs to the contract, below /v1 (and by redirect without it). The first that matches a path answers:
`/executions/statistics` stands before `/executions/{id}`."""
