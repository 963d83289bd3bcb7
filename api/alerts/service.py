"""The alerts of a serving process: looking and sending, from the start of the app to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.alerts.evaluator import Evaluator
from api.alerts.mailer import Mailer
from api.config import Config
from reports.delivery.smtp import smtp_server
from warehouse import Warehouse
from warehouse.hot.database import Database


@asynccontextmanager
async def opened_alerts(app: FastAPI, config: Config, house: Warehouse, database: Database) -> AsyncIterator[None]:
    """Look at the alerts, and send their messages, while the app runs."""
    changes = app.state.metrics.alert_changes
    evaluator = Evaluator(
        house,
        database,
        every_s=config.alert_every_s,
        public_url=config.public_url,
        on_change=lambda change: changes.labels(change).inc(),
    )
    mailer = None
    if config.smtp_url is not None:
        mailer = Mailer(database, smtp_server(config.smtp_url, config.smtp_from))
    evaluator.start()
    if mailer is not None:
        mailer.start()
    try:
        yield
    finally:
        await run_in_threadpool(evaluator.stop)
        if mailer is not None:
            await run_in_threadpool(mailer.stop)
