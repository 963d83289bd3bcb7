"""Delivers: the one process that holds the lease reads on, sends what is due, and writes down what came of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from api.webhooks.collector import Collector
from api.webhooks.metrics import WebhookMetrics
from api.webhooks.schedule import outcome_of, why_disable
from api.webhooks.sender import Attempt, Sender
from warehouse.clock import now
from warehouse.errors import HotStoreError
from warehouse.hot.event_log import EventLog
from warehouse.hot.event_schema import NewEvent
from warehouse.hot.lease import Lease
from warehouse.hot.webhook_deliveries import Delivery, Outcome, WebhookDeliveries
from warehouse.hot.webhook_position import LeaseLostError, WebhookLeader
from warehouse.hot.webhooks import Webhook, Webhooks

LEASE_NAME: Final = "webhooks"
LEASE_S: Final = 20.0
SIDE_BY_SIDE: Final = 8
"""Requests under way of one webhook: a slow receiver takes up these, and none of another's."""
LOOKS_EVERY_S: Final = 0.1
"""How soon events of other processes are seen; those of this one are at once."""
_PACE_S: Final = 0.02
_FULL_LOOK_EVERY_S: Final = 1.0
_RENEWED_EVERY_S: Final = 5.0
_STANDS_BY_S: Final = 2.0
_PURGED_EVERY_S: Final = 60.0
_LOG: Final = logging.getLogger("runlake.webhooks")

Answer = TypeVar("Answer")
Settled = tuple[Webhook, Delivery, Attempt, datetime]


class Dispatcher:
    """One event loop's. Everything that touches the database runs in its own two threads."""

    def __init__(
        self,
        registry: Webhooks,
        log: EventLog,
        sender: Sender,
        metrics: WebhookMetrics,
        *,
        log_days: float,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._registry = registry
        self._log = log
        self._sender = sender
        self._metrics = metrics
        self._log_for = timedelta(days=log_days)
        self._clock = clock
        self._deliveries = WebhookDeliveries(registry.database)
        self._lease = Lease(registry.database, LEASE_NAME, LEASE_S)
        self._leader = WebhookLeader(registry.database, log, self._lease)
        self._collector = Collector(log, self._leader)
        self._threads = ThreadPoolExecutor(2, "webhook-store")
        self._webhooks: dict[str, Webhook] = {}
        self._waiting: dict[str, int] = {}
        self._ready: set[str] = set()
        self._under_way: dict[str, dict[int, asyncio.Task[None]]] = {}
        self._settled: list[Settled] = []
        self._poke = asyncio.Event()
        self._leads = False
        self._renew_s = self._full_s = self._purge_s = self._stand_by_s = 0.0

    def poke(self, *, changed: bool = False) -> None:
        """Look again soon; from the loop's own thread. `changed`: webhooks or deliveries were, not only events."""
        if changed:
            self._full_s = self._stand_by_s = 0.0
        self._poke.set()

    async def run(self) -> None:
        """Until cancelled. What fails is logged and tried again."""
        while True:
            self._poke.clear()
            pause_s = LOOKS_EVERY_S
            try:
                pause_s = await self.look()
            except LeaseLostError:
                self._step_down()
            except HotStoreError as error:
                _LOG.warning("webhooks cannot be delivered now: %s", error)
                pause_s = _STANDS_BY_S
            except Exception:  # noqa: BLE001 - whatever it is, it must not be the end of all deliveries
                _LOG.exception("looking after webhooks failed")
                pause_s = _STANDS_BY_S
            await asyncio.sleep(_PACE_S)  # commits come in faster than it is worth looking
            await self._wait(pause_s)

    async def stop(self) -> None:
        """End what is under way (it is sent again by whoever leads next) and give the lease back."""
        tasks = [task for some in self._under_way.values() for task in some.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            if self._leads and self._settled:
                await self._write_down()
            if self._leads:
                await self._db(self._lease.release)
            self._leads = False
        except (HotStoreError, LeaseLostError) as error:
            _LOG.warning("the last deliveries could not be written down: %s", error)
        finally:
            self._threads.shutdown(wait=False)
            await self._sender.close()

    async def look(self) -> float:
        """One round; seconds until the next, unless poked. Raises LeaseLostError, HotStoreError."""
        if not await self._lead():
            return _STANDS_BY_S
        if self._settled:
            await self._write_down()
        full = time.monotonic() >= self._full_s
        if full:
            await self._look_at_all()
        webhooks = list(self._webhooks.values())
        fresh, missed = await self._db(self._collector.collect, webhooks, self._waiting, self._clock())
        if fresh:
            self._webhooks = {one.id: one for one in await self._db(self._registry.all)}
            self._ready |= set(fresh)
            self._waiting = {**self._waiting, **{one: self._waiting.get(one, 0) + n for one, n in fresh.items()}}
        if missed:
            self._metrics.missed.inc(missed)
        await self._start_due()
        more = await self._db(self._collector.behind, list(self._webhooks.values())) and bool(fresh)
        return 0.0 if more or self._settled else LOOKS_EVERY_S

    async def idle(self) -> None:
        """Wait for what is under way and write it down; for tests and orderly ends."""
        while tasks := [task for some in self._under_way.values() for task in some.values()]:
            await asyncio.wait(tasks)
        if self._settled:
            await self._write_down()

    async def _lead(self) -> bool:
        """Hold the lease; a process that has none looks for webhooks first, and writes nothing where there are none."""
        if self._leads and time.monotonic() < self._renew_s:
            return True
        if not self._leads:
            if time.monotonic() < self._stand_by_s:
                return False
            self._stand_by_s = time.monotonic() + _STANDS_BY_S
            if not await self._db(self._registry.all):
                return False
        held = await self._db(self._lease.acquire)
        if not held or not self._leads:
            self._step_down()
        self._leads = held
        self._renew_s = time.monotonic() + _RENEWED_EVERY_S
        return held

    def _step_down(self) -> None:
        self._leads = False
        self._collector.forget()
        self._waiting, self._full_s = {}, 0.0
        self._settled.clear()  # whoever leads now sends these again
        self._metrics.pending.set(0)

    async def _look_at_all(self) -> None:
        """What other processes have changed, and what has become due."""
        self._full_s = time.monotonic() + _FULL_LOOK_EVERY_S
        self._webhooks = {one.id: one for one in await self._db(self._registry.all)}
        found = await self._db(self._deliveries.waiting, self._clock())
        self._waiting = {webhook_id: count for webhook_id, (count, _) in found.items()}
        self._ready |= {webhook_id for webhook_id, (_, is_due) in found.items() if is_due}
        self._metrics.pending.set(sum(self._waiting.values()))
        if time.monotonic() >= self._purge_s:
            self._purge_s = time.monotonic() + _PURGED_EVERY_S
            await self._db(self._deliveries.purge, self._clock() - self._log_for)

    async def _start_due(self) -> None:
        for webhook_id in list(self._ready):
            webhook = self._webhooks.get(webhook_id)
            under_way = self._under_way.setdefault(webhook_id, {})
            room = SIDE_BY_SIDE - len(under_way)
            if webhook is None or room <= 0:
                self._ready.discard(webhook_id)  # again when one of them ends
                continue
            # Those that ended and are not written down yet count as under way: they are pending in the database.
            skip = {*under_way, *(one[1].delivery_no for one in self._settled)}
            due = await self._db(self._due, webhook, room, skip)
            if len(due) < room:
                self._ready.discard(webhook_id)
            for delivery in due:
                task = asyncio.create_task(self._deliver(webhook, delivery), name=delivery.id)
                under_way[delivery.delivery_no] = task

    def _due(self, webhook: Webhook, room: int, skip: set[int]) -> list[Delivery]:
        return self._deliveries.due(webhook.id, self._clock(), room, skip=skip, live=webhook.state == "enabled")

    async def _deliver(self, webhook: Webhook, delivery: Delivery) -> None:
        try:
            at = self._clock()
            attempt = await self._sender.send(webhook.url, delivery.id, delivery.body, webhook.secrets(at), at)
        except Exception:  # noqa: BLE001 - a fault of ours: tried again as late as after one of the receiver's
            _LOG.exception("delivery %s failed in the server itself", delivery.id)
            attempt = Attempt(None, 0.0, None, "the server itself failed; its log says why")
        finally:
            self._under_way[webhook.id].pop(delivery.delivery_no, None)
        self._settled.append((webhook, delivery, attempt, self._clock()))
        self._ready.add(webhook.id)
        self._poke.set()

    async def _write_down(self) -> None:
        """All that has ended since the last time, in one transaction."""
        settled = self._settled[:]
        outcomes = [outcome_of(delivery, attempt, at) for _, delivery, attempt, at in settled]
        await self._db(self._leader.record, outcomes)
        del self._settled[: len(settled)]
        for outcome in outcomes:
            self._count(outcome)
        for webhook, delivery, attempt, at in settled:
            current = self._webhooks.get(webhook.id, webhook)
            reason = why_disable(current, delivery, attempt, at)
            if reason is not None and await self._db(
                self._leader.disable, webhook.id, reason, at, _disabled_event(current, reason, at)
            ):
                self._metrics.disabled.inc()
                self._full_s = 0.0
                _LOG.warning("webhook %s is disabled: %s", webhook.id, reason)

    def _count(self, outcome: Outcome) -> None:
        word = "retried" if outcome.state == "pending" else outcome.state
        self._metrics.attempts.labels(word).inc()
        if outcome.state != "pending":
            webhook_id = outcome.delivery.webhook_id
            self._waiting[webhook_id] = max(self._waiting.get(webhook_id, 0) - 1, 0)

    async def _wait(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._poke.wait()
        except TimeoutError:
            pass

    async def _db(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _disabled_event(webhook: Webhook, reason: str, at: datetime) -> NewEvent:
    """Its host only: the rest of a URL may hold a secret."""
    workflow_id = webhook.workflow_ids[0] if len(webhook.workflow_ids) == 1 else None
    data = {"webhookId": webhook.id, "host": urlsplit(webhook.url).hostname, "reason": reason}
    return NewEvent("webhook.disabled", at, data, workflow_id=workflow_id)
