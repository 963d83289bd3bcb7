"""Webhooks of one server process: the registry, and the thread that delivers."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.config import Config
from api.webhooks.addresses import AddressRules
from api.webhooks.dispatcher import Dispatcher
from api.webhooks.metrics import WebhookMetrics
from api.webhooks.registration import Registration
from api.webhooks.resolver import Resolve, SystemResolver
from api.webhooks.sender import Sender
from warehouse.hot.event_log import EventLog
from warehouse.hot.webhooks import Webhooks

_ENDS_WITHIN_S: Final = 10.0
_LOG: Final = logging.getLogger("runlake.webhooks")


class WebhookThread:
    """A dispatcher with an event loop of its own, so that neither requests nor streams wait for deliveries."""

    def __init__(self, make: Callable[[], Dispatcher], log: EventLog) -> None:
        """`make`: called in the thread, inside its loop."""
        self._make = make
        self._log = log
        self._loop = asyncio.new_event_loop()
        self._dispatcher: Dispatcher | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is sent again by whoever leads next."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(_ENDS_WITHIN_S)

    def poke(self, *, changed: bool = True) -> None:
        """Something may have become due; from any thread. `changed`: other things than events."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._poke, changed)

    def _poke(self, changed: bool) -> None:
        if self._dispatcher is not None:
            self._dispatcher.poke(changed=changed)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            self._task = self._loop.create_task(self._serve())
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        except Exception:  # noqa: BLE001 - the last thing this thread can do
            _LOG.exception("webhooks are not delivered by this process any more")
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._dispatcher = dispatcher = self._make()
        end_listening = self._log.on_written(lambda: self.poke(changed=False))
        try:
            await dispatcher.run()
        finally:
            end_listening()
            await dispatcher.stop()


@asynccontextmanager
async def opened_webhooks(app: FastAPI, config: Config, log: EventLog) -> AsyncIterator[None]:
    """webhooks on `app.state`; needs hot and metrics there. `app.state.webhook_resolver`, where set, resolves names."""
    state = app.state
    rules = AddressRules(private=config.webhook_private, http=config.webhook_http)
    systems = SystemResolver(), SystemResolver()  # each belongs to one event loop
    given: Resolve | None = getattr(state, "webhook_resolver", None)
    metrics: WebhookMetrics = state.metrics.webhooks
    registry = Webhooks(state.hot.database)

    def make() -> Dispatcher:
        return Dispatcher(registry, log, Sender(given or systems[1], rules), metrics, log_days=config.webhook_log_days)

    thread = WebhookThread(make, log)
    state.webhooks = Registration(registry, log, rules, given or systems[0], thread.poke)
    thread.start()
    try:
        yield
    finally:
        await run_in_threadpool(thread.stop)
        for system in systems:
            system.close()
