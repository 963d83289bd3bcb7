"""The schedule with the clock moved: retries, Retry-After, 410, order, five days of failure, slow receivers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from api.webhooks.addresses import AddressRules
from api.webhooks.dispatcher import SIDE_BY_SIDE, Dispatcher
from api.webhooks.metrics import WebhookMetrics
from api.webhooks.schedule import JITTER_RATIO, RETRIES_AFTER_S
from api.webhooks.sender import Sender
from tests.api.live.streams import event, put
from tests.api.webhooks.receivers import Answer, receiving
from warehouse.clock import now
from warehouse.hot.event_schema import EVENT_TYPES
from warehouse.hot.store import HotStore
from warehouse.hot.webhook_deliveries import Delivery, WebhookDeliveries
from warehouse.hot.webhooks import Webhook, Webhooks

HOUR = timedelta(hours=1)


class World:
    """A store, a dispatcher that is stepped by hand, and a clock that is moved."""

    def __init__(self, url: str) -> None:
        self.store = HotStore.open(url)
        self.registry = Webhooks(self.store.database)
        self.deliveries = WebhookDeliveries(self.store.database)
        self.at = now()

    def webhook(self, url: str, *events: str) -> Webhook:
        fields = {"url": url, "events": events or ("execution.started", "execution.completed"), "workflow_ids": ()}
        made = self.registry.add(
            {**fields, "statuses": (), "modes": (), "description": None, "state": "enabled"}, limit=9
        )
        assert made is not None
        return made

    def log(self, webhook: Webhook) -> Sequence[Delivery]:
        """Oldest first."""
        return self.deliveries.page(webhook.id, state=None, before_no=None, limit=1000)[::-1]

    def again(self, webhook: Webhook) -> Webhook:
        found = self.registry.find(webhook.id)
        assert found is not None
        return found

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    def running(self, work: Callable[[Dispatcher], Awaitable[None]], *, log_days: float = 7) -> None:
        async def run() -> None:
            sender = Sender(self.resolve, AddressRules(private=True, http=True))
            metrics = WebhookMetrics(CollectorRegistry())
            dispatcher = Dispatcher(
                self.registry, self.store.events, sender, metrics, log_days=log_days, clock=lambda: self.at
            )
            try:
                await work(dispatcher)
            finally:
                await dispatcher.stop()

        asyncio.run(run())


async def step(dispatcher: Dispatcher) -> None:
    """Everything that can be done now."""
    for _ in range(3):
        dispatcher.poke(changed=True)
        await dispatcher.look()
        await dispatcher.idle()


@pytest.fixture
def world(hot_url: str) -> Iterator[World]:
    world = World(hot_url)
    yield world
    world.store.close()


def test_retries_come_when_the_schedule_says_and_then_end(world: World) -> None:
    with receiving(Answer(500, body=b"broken")) as receiver:
        webhook = world.webhook(receiver.url)
        put(world.store, event(1))

        async def work(dispatcher: Dispatcher) -> None:
            for number, after_s in enumerate(RETRIES_AFTER_S):
                await step(dispatcher)
                (delivery,) = world.log(webhook)
                assert (delivery.state, delivery.tries, len(receiver.requests)) == ("pending", number + 1, number + 1)
                delay_s = (delivery.due_at - world.at).total_seconds()
                assert after_s <= delay_s <= after_s * (1 + JITTER_RATIO)
                world.at += timedelta(seconds=after_s - 1)
                await step(dispatcher)
                assert len(receiver.requests) == number + 1
                world.at = delivery.due_at
            await step(dispatcher)

        world.running(work)
        (delivery,) = world.log(webhook)
        assert (delivery.state, delivery.tries) == ("failed", 10)
        assert [one["answer"] for one in delivery.attempts] == ["broken"] * 10
        assert len({one.id for one in receiver.requests}) == 1


def test_500_then_200(world: World) -> None:
    with receiving(Answer(500), Answer(200, body=b"thanks")) as receiver:
        webhook = world.webhook(receiver.url)
        put(world.store, event(1))

        async def work(dispatcher: Dispatcher) -> None:
            await step(dispatcher)
            assert world.again(webhook).failing_since is not None
            world.at += timedelta(seconds=6)
            await step(dispatcher)

        world.running(work)
        (delivery,) = world.log(webhook)
        assert [one["status"] for one in delivery.attempts] == [500, 200]
        assert (delivery.state, world.again(webhook).failing_since) == ("delivered", None)


def test_retry_after_is_honoured(world: World) -> None:
    with receiving(Answer(429, {"Retry-After": "3600"}), Answer()) as receiver:
        webhook = world.webhook(receiver.url)
        put(world.store, event(1))

        async def work(dispatcher: Dispatcher) -> None:
            await step(dispatcher)
            world.at += timedelta(minutes=59)
            await step(dispatcher)
            assert len(receiver.requests) == 1
            world.at += timedelta(minutes=2)
            await step(dispatcher)

        world.running(work)
        assert world.log(webhook)[0].state == "delivered"


def test_410_disables_and_says_so(world: World) -> None:
    with receiving(Answer(410)) as gone, receiving() as watcher:
        webhook = world.webhook(gone.url)
        world.webhook(watcher.url, "webhook.disabled")
        put(world.store, event(1), event(2))

        async def work(dispatcher: Dispatcher) -> None:
            for _ in range(2):
                await step(dispatcher)
            put(world.store, event(3))
            await step(dispatcher)

        world.running(work)
        after = world.again(webhook)
        assert (after.state, "410" in (after.disabled_reason or "")) == ("disabled", True)
        assert {one.state for one in world.log(webhook)} == {"failed"}
        assert len(gone.requests) <= 2
        (told,) = watcher.requests
        assert told.json["event"] == "webhook.disabled"
        assert told.json["data"]["webhookId"] == webhook.id
        assert "/hook" not in told.body
        enabled = world.registry.change(webhook.id, {"state": "enabled"})
        assert enabled is not None
        assert (enabled.disabled_at, enabled.position_no) == (None, world.store.events.newest())


def test_five_days_of_nothing_but_failure_disable(world: World) -> None:
    with receiving(Answer(500)) as receiver:
        webhook = world.webhook(receiver.url, *EVENT_TYPES)
        put(world.store, event(1))

        async def work(dispatcher: Dispatcher) -> None:
            await step(dispatcher)
            world.at += 119 * HOUR
            put(world.store, event(2))
            await step(dispatcher)
            assert world.again(webhook).state == "enabled"
            world.at += HOUR
            put(world.store, event(3))
            await step(dispatcher)

        world.running(work)
        after = world.again(webhook)
        assert after.state == "disabled"
        assert "120 hours" in (after.disabled_reason or "")
        events = world.store.events.read(0).to_pylist()
        assert [one["type"] for one in events][-1] == "webhook.disabled"


def test_events_of_one_execution_come_in_order(world: World) -> None:
    """The second waits for the first until that is in long retry; other executions wait for neither."""
    with receiving(
        lambda request, _: Answer(500 if '"exec_1","' in request.body and "started" in request.body else 204)
    ) as receiver:
        webhook = world.webhook(receiver.url)
        put(world.store, event(1), event(1, "execution.completed"), event(2))

        async def work(dispatcher: Dispatcher) -> None:
            await step(dispatcher)
            assert {one.json["executionId"] for one in receiver.requests} == {"exec_1", "exec_2"}
            assert [one.tries for one in world.log(webhook)] == [1, 0, 1]
            world.at += timedelta(seconds=6)
            await step(dispatcher)
            assert [one.tries for one in world.log(webhook)] == [2, 0, 1]
            world.at += timedelta(minutes=6)
            await step(dispatcher)

        world.running(work)
        assert [one.state for one in world.log(webhook)] == ["pending", "delivered", "delivered"]


def test_a_slow_receiver_delays_nobody_else(world: World) -> None:
    with receiving(Answer(after_s=60)) as slow, receiving() as quick:
        late, early = world.webhook(slow.url), world.webhook(quick.url)
        put(world.store, *(event(number) for number in range(50)))

        async def work(dispatcher: Dispatcher) -> None:
            deadline = asyncio.get_running_loop().time() + 10
            while len(quick.requests) < 50:
                assert asyncio.get_running_loop().time() < deadline
                await dispatcher.look()
                await asyncio.sleep(0.01)
            dispatcher.poke(changed=True)
            await dispatcher.look()

        world.running(work)
        assert len(slow.requests) == SIDE_BY_SIDE
        assert {one.state for one in world.log(late)} == {"pending"}
        assert "delivered" in {one.state for one in world.log(early)}


def test_old_rows_leave_the_log(world: World) -> None:
    with receiving() as receiver:
        webhook = world.webhook(receiver.url)
        put(world.store, event(1))

        async def work(dispatcher: Dispatcher) -> None:
            await step(dispatcher)
            assert len(world.log(webhook)) == 1
            world.at += timedelta(days=3)
            dispatcher._purge_s = 0.0
            await step(dispatcher)

        world.running(work, log_days=2)
        assert world.log(webhook) == []


def test_a_full_backlog_stays_in_the_event_log_and_what_that_forgets_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.webhooks.collector.BACKLOG_MAX", 3)
    with receiving(*[Answer(500)] * 4, Answer()) as receiver:
        webhook = world.webhook(receiver.url)
        put(world.store, *(event(number) for number in range(4)))

        async def work(dispatcher: Dispatcher) -> None:
            await step(dispatcher)
            put(world.store, event(5), event(6))
            world.store.events.forget(now() + HOUR)
            put(world.store, event(7))
            await step(dispatcher)
            assert len(world.log(webhook)) == 4
            world.at += timedelta(seconds=10)
            await step(dispatcher)
            await step(dispatcher)

        world.running(work)
        assert [one.execution_id for one in world.log(webhook)][-1] == "exec_7"
        assert world.again(webhook).missed_events == 2
        assert receiver.requests[-1].json["executionId"] == "exec_7"


def test_one_process_delivers_and_the_next_takes_over(world: World) -> None:
    with receiving() as receiver:
        webhook = world.webhook(receiver.url)
        put(world.store, event(1))

        async def work(first: Dispatcher) -> None:
            await step(first)
            sender = Sender(world.resolve, AddressRules(private=True, http=True))
            metrics = WebhookMetrics(CollectorRegistry())
            log = world.store.events
            second = Dispatcher(world.registry, log, sender, metrics, log_days=1, clock=lambda: world.at)
            put(world.store, event(2))
            await step(second)
            assert len(receiver.requests) == 1
            await first.stop()
            await step(second)
            await second.stop()

        world.running(work)
        assert [one.json["executionId"] for one in receiver.requests] == ["exec_1", "exec_2"]
        assert len(world.log(webhook)) == 2
