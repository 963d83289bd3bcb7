"""Everything of a serving process that writes: intake of records, control, the engine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.config import Config
from api.control import Acknowledgements, Control, Engine
from api.control.commands_engine import CommandsEngine
from api.control.http_engine import HttpEngine
from api.control.recorder import Recorder
from api.metrics import Metrics
from api.writing.ingest_queue import BodyOutcome, IngestQueue
from api.writing.intake import Intake, Limits
from ingest.contract import ContractFormat
from ingest.format import NormaliseOptions, PayloadPolicy
from ingest.redact import DEFAULT_SECRET_KEYS
from warehouse import Warehouse
from warehouse.duck import Session, connect
from warehouse.errors import BadInputError
from warehouse.hot.commands import Commands
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.merge import OUTCOMES
from warehouse.schema import Batch


@asynccontextmanager
async def opened_writing(app: FastAPI, config: Config, house: Warehouse, store: HotStore) -> AsyncIterator[None]:
    """intake, control, acknowledgements on `app.state`; needs `commands` there. Ends when all that waits is written."""
    state: Any = app.state
    commands: Commands = state.commands
    engine = engine_of(config)
    session = await run_in_threadpool(_session, house.lake)
    queue = IngestQueue(StoreWriter(store, house.lake), session, ContractFormat(), normalise_options(config))
    try:
        state.intake = Intake(queue, limits_of(config), lambda outcome: count_outcome(state.metrics, outcome))
        state.control = Control(store, house.lake, engine, Recorder(store, house.lake, commands))
        state.acknowledgements = Acknowledgements(store, house.lake, commands)
        yield
    finally:
        await run_in_threadpool(queue.close)
        engine.close()


def _session(lake: Lake) -> Session:
    """A database of its own with one thread: groups are small, and the writer beside it wants a core too."""
    # Two databases must not share a folder for what they spill.
    spill_dir = lake.folder(f".spill-ingest-{os.getpid()}")
    return connect(replace(lake.settings.duck, threads=1, spill_dir=spill_dir))


class StoreWriter:
    """The store as the ingest queue needs it."""

    def __init__(self, store: HotStore, lake: Lake) -> None:
        self._store = store
        self._lake = lake

    def write(self, batch: Batch) -> pa.Array:
        """See Writer.write."""
        found = self._store.write(self._lake, batch)
        order = found.record_no.argsort(kind="stable")
        return pa.array(OUTCOMES, pa.string()).take(pa.array(found.outcome[order]))

    def workflows_of(self, ids: pa.Array) -> dict[str, str | None]:
        """See Writer.workflows_of."""
        rows = self._store.rows(self._lake, [one for one in ids.to_pylist() if "\0" not in one])
        return dict(zip(rows.column("id").to_pylist(), rows.column("workflow_id").to_pylist(), strict=True))


def count_outcome(metrics: Metrics, outcome: BodyOutcome) -> None:
    """For /metrics."""
    for word, count in Counter(outcome.outcomes.to_pylist()).items():
        metrics.ingested.labels(word).inc(count)
    for kind, count in Counter(reject.kind for reject in outcome.rows.rejects.values()).items():
        metrics.rejected.labels(kind).inc(count)


def engine_of(config: Config) -> Engine:
    """The adapter that the settings name. Raises BadInputError when it lacks something."""
    if config.engine == "commands":
        return CommandsEngine()
    for field, value in (("engine_url", config.engine_url), ("engine_secret", config.engine_secret)):
        if value is None:
            raise BadInputError(f"engine is http, which needs {field}; set it", field=field)
    assert config.engine_url is not None
    assert config.engine_secret is not None
    return HttpEngine(config.engine_url, config.engine_secret, config.engine_timeout_s)


def normalise_options(config: Config) -> NormaliseOptions:
    """What ingest does with payloads, as for files."""
    return NormaliseOptions(
        payloads=cast(PayloadPolicy, config.payloads),
        secret_keys=(*DEFAULT_SECRET_KEYS, *config.secret_keys),
    )


def limits_of(config: Config) -> Limits:
    """The limits of requests with records."""
    return Limits(
        body_bytes=config.max_body_mb << 20,
        record_bytes=config.max_record_mb << 20,
        waiting_bytes=max(config.ingest_waiting_mb, config.max_body_mb) << 20,
    )
