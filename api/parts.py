"""What one server process holds open: lake, hot store, gate, sealer; from the start of the app to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

import warehouse
from api.alerts.service import opened_alerts
from api.auth.gate import OpenGate, TokenGate
from api.auth.uses import cancelled
from api.config import Config
from api.edge.exposure import Exposure
from api.live.service import opened_live
from api.metrics import Metrics
from api.readiness import Readiness
from api.reading.etag import kept_answers
from api.reading.exporting import export_slots
from api.reading.warming import Warming
from api.schedules.service import opened_schedules
from api.webhooks.service import opened_webhooks
from api.writing.service import opened_writing
from warehouse.hot.commands import Commands
from warehouse.hot.database import Database
from warehouse.hot.idempotency import IdempotencyKeys
from warehouse.hot.sealer import Sealer
from warehouse.hot.server_secrets import server_secret


class ServerSecrets:
    """The keys that all processes of one hot store share."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> bytes:
        """The 32 random bytes of that name; made by whoever asks first."""
        return server_secret(self._database, name)


@asynccontextmanager
async def opened_parts(app: FastAPI, config: Config, exposure: Exposure) -> AsyncIterator[None]:
    """Everything on `app.state` while the app runs.

    answers, exports, house, hot, secrets, gate, readiness, idempotency_keys, commands, intake, control,
    acknowledgements, live, webhooks, schedules;
    metrics, config, exposure and route_table are there from the beginning. Raises LakeNotFoundError, HotStoreError.
    """
    state = app.state
    state.answers = kept_answers()
    state.exports = export_slots()
    state.house = await run_in_threadpool(warehouse.open, config.lake, config.lake_settings())
    try:
        state.hot = await run_in_threadpool(partial(state.house.lake.hot, create=True))  # closed with the lake
        database = state.hot.database
        state.secrets = ServerSecrets(database)
        state.idempotency_keys = IdempotencyKeys(database)
        state.commands = Commands(database)
        async with (
            _sealing(app, config),
            _warming(state.house),
            _gate(app, config, exposure, database),
            opened_writing(app, config, state.house, state.hot),
            opened_live(app, state.hot.events),
            opened_webhooks(app, config, state.hot.events),
            opened_alerts(app, config, state.house, database),
            opened_schedules(app, config, state.house, database),
        ):
            yield
    finally:
        await run_in_threadpool(state.house.close)


@asynccontextmanager
async def _sealing(app: FastAPI, config: Config) -> AsyncIterator[None]:
    """Each process has a sealer; a lease lets one of them at it."""
    state = app.state
    metrics: Metrics = state.metrics
    sealer = Sealer(
        state.hot,
        state.house.lake,
        rows=config.seal_rows,
        age_s=config.seal_age_s,
        event_hours=config.event_hours,
        on_seal=lambda report: metrics.sealed.inc(report.rows),
        on_failure=metrics.seal_failures.inc,
    )
    state.readiness = Readiness(state.house, state.hot, lambda: sealer.alive)
    sealer.start()
    try:
        yield
    finally:
        # What is not sealed stays where it is and is read there: nothing has to be moved before the end.
        await run_in_threadpool(sealer.stop)


@asynccontextmanager
async def _warming(house: warehouse.Warehouse) -> AsyncIterator[None]:
    warming = Warming(house)
    warming.start()
    try:
        yield
    finally:
        await run_in_threadpool(warming.stop)


@asynccontextmanager
async def _gate(app: FastAPI, config: Config, exposure: Exposure, database: Database) -> AsyncIterator[None]:
    if exposure.no_auth:
        app.state.gate = OpenGate()
        yield
        return
    make = partial(TokenGate, database, app.state.metrics, session_hours=config.session_hours)
    gate = app.state.gate = await run_in_threadpool(make)
    writing = asyncio.create_task(gate.uses.keep_writing())
    try:
        yield
    finally:
        await cancelled(writing)
        await gate.uses.write(last=True)
