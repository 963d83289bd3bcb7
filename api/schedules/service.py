"""The schedules of a serving process: working them off, from the start of the app to its end."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.background import Background
from api.config import Config
from api.schedules.deliver import channels_of
from api.schedules.runner import Runner
from api.webhooks.resolver import Resolve
from reports.archive import default_location
from warehouse import Warehouse
from warehouse.hot.database import Database

LOOK_EVERY_S: Final = 5.0
_LOG: Final = logging.getLogger("runlake.reports")


def runner_of(
    config: Config, house: Warehouse, database: Database, environ: Mapping[str, str], resolve: Resolve | None = None
) -> Runner:
    """What works schedules off as the settings say. `environ`: where targets of the form env:NAME are looked up."""
    return Runner(
        house,
        database,
        channels_of(config, default_location(config.lake), environ, resolve),
        public_url=config.public_url,
        keep_days=config.report_days,
        keep_count=config.report_count,
    )


@asynccontextmanager
async def opened_schedules(app: FastAPI, config: Config, house: Warehouse, database: Database) -> AsyncIterator[None]:
    """Work schedules off while the app runs; `schedules` on `app.state`, to be poked when there is something to do."""
    runner = runner_of(config, house, database, os.environ, getattr(app.state, "webhook_resolver", None))
    counter = app.state.metrics.reports

    def look() -> None:
        tally = runner.pass_over()
        if tally is not None:
            for outcome in ("made", "skipped", "delivered", "failed"):
                counter.labels(outcome).inc(getattr(tally, outcome))

    thread = Background("reports", look, LOOK_EVERY_S, failing="schedules are not worked off", log=_LOG)
    runner.stopping = lambda: thread.stopping
    app.state.schedules = thread
    thread.start()
    try:
        yield
    finally:
        await run_in_threadpool(thread.stop)
