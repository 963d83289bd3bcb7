"""All routers of the app, in the order in which they are asked."""

from typing import Final

from fastapi import APIRouter

from api.pages import execution as execution_page
from api.pages import executions as executions_page
from api.pages import overview, static, workflow
from api.pages import reports as reports_page
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
    reports,
    schedules,
    statistics,
    stream,
    webhooks,
)

SERVER_ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    login.router,
    static.router,
    overview.router,
    workflow.router,
    reports_page.library_router,
)
"""What belongs to the server, at its root."""

PAGE_ROUTERS: Final[tuple[APIRouter, ...]] = (executions_page.router, execution_page.router, reports_page.router)
"""Pages at paths that lead programs to the API: they answer browsers only."""

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
    reports.router,
    schedules.router,
)
"""What belongs to the contract, below /v1 (and by redirect without it). The first that matches a path answers:
`/executions/statistics` stands before `/executions/{id}`."""
