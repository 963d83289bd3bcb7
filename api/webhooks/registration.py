"""What the routes do with webhooks: who may see which, which may be registered, what is sent again."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from api.auth import Principal
from api.failures import ApiError
from api.webhooks.addresses import AddressRefusedError, AddressRules, target_of
from api.webhooks.payload import deliveries_of, test_body, wanted
from api.webhooks.resolver import Resolve, check_all
from warehouse.hot.event_log import EventLog
from warehouse.hot.webhook_deliveries import Delivery, NewDelivery, WebhookDeliveries
from warehouse.hot.webhooks import Webhook, Webhooks

WEBHOOKS_MAX: Final = 100
RESENT_MAX: Final = 10_000
_LOOKUP_S: Final = 5.0
_READ_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Resent:
    """What sending again comes to."""

    deliveries: int
    complete: bool
    """Whether the event log still held everything since then."""


class Registration:
    """The webhooks as a token may manage them. The methods that are no coroutines belong into a thread."""

    def __init__(
        self, registry: Webhooks, log: EventLog, rules: AddressRules, resolve: Resolve, poke: Callable[[], None]
    ) -> None:
        """`poke`: called when there may be something to send."""
        self._registry = registry
        self._log = log
        self._rules = rules
        self._resolve = resolve
        self._poke = poke
        self._deliveries = WebhookDeliveries(registry.database)

    async def create(self, principal: Principal, fields: Mapping[str, Any]) -> Webhook:
        """Register one; see Webhooks.add. Raises ApiError."""
        bound = {**fields, "workflow_ids": self._workflows(principal, fields["workflow_ids"])}
        await self._check(fields["url"])
        made = await run_in_threadpool(lambda: self._registry.add(bound, limit=WEBHOOKS_MAX))
        if made is None:
            raise ApiError(
                409, "TOO_MANY_WEBHOOKS", f"There are {WEBHOOKS_MAX} webhooks, which is the most; delete one first"
            )
        self._poke()
        return made

    async def change(self, principal: Principal, id: str, fields: Mapping[str, Any]) -> Webhook:
        """Change some fields of one. Raises ApiError."""
        await run_in_threadpool(self.get, principal, id)
        changed = dict(fields)
        if "workflow_ids" in changed:
            changed["workflow_ids"] = self._workflows(principal, changed["workflow_ids"])
        if "url" in changed:
            await self._check(changed["url"])
        found = await run_in_threadpool(self._registry.change, id, changed)
        if found is None:
            raise not_found(id)
        self._poke()
        return found

    def all(self, principal: Principal) -> list[Webhook]:
        """All that this token sees, oldest first."""
        return [one for one in self._registry.all() if _sees(principal, one)]

    def get(self, principal: Principal, id: str) -> Webhook:
        """One of them. Raises ApiError 404."""
        found = self._registry.find(id)
        if found is None or not _sees(principal, found):
            raise not_found(id)
        return found

    def pending(self) -> Mapping[str, int]:
        """How many deliveries wait, by webhook that has any."""
        return self._registry.pending()

    def remove(self, principal: Principal, id: str) -> None:
        """Delete one with its log. Raises ApiError 404."""
        self.get(principal, id)
        if not self._registry.remove(id):
            raise not_found(id)

    def rotate(self, principal: Principal, id: str) -> Webhook:
        """Give one a new secret. Raises ApiError 404."""
        self.get(principal, id)
        found = self._registry.rotate(id)
        if found is None:
            raise not_found(id)
        self._poke()
        return found

    def page(
        self, principal: Principal, id: str, state: str | None, before_no: int | None, limit: int
    ) -> list[Delivery]:
        """Its log; see WebhookDeliveries.page. Raises ApiError 404."""
        self.get(principal, id)
        return self._deliveries.page(id, state=state, before_no=before_no, limit=limit)

    def test(self, principal: Principal, id: str) -> str:
        """Send a test; id of the delivery. Raises ApiError 404."""
        webhook = self.get(principal, id)
        delivery_id = f"msg_{id.removeprefix('wh_')}_test{secrets.token_hex(6)}"
        database = self._registry.database
        with database.write() as connection:
            now = database.now(connection)
            body = test_body(webhook, now)
            new = NewDelivery(delivery_id, id, "webhook.test", None, body, test=True)
            self._deliveries.put(connection, [new], now)
        self._poke()
        return delivery_id

    def resend(self, principal: Principal, id: str, delivery_id: str) -> None:
        """Send one delivery again. Raises ApiError 404, 409."""
        _sendable(self.get(principal, id))
        if not self._deliveries.again(id, delivery_id):
            message = f"There is no delivery {delivery_id[:100]!r} of this webhook; it may be older than the log"
            raise ApiError(404, "DELIVERY_NOT_FOUND", message)
        self._poke()

    def resend_since(self, principal: Principal, id: str, since: datetime) -> Resent:
        """Send every event since an instant that it wants (again), as far as events are kept. Raises ApiError."""
        webhook = self.get(principal, id)
        _sendable(webhook)
        new, complete = self._events_since(webhook, since)
        database = self._registry.database
        with database.write() as connection:
            count = self._deliveries.put(connection, new, database.now(connection), again=True)
        self._poke()
        return Resent(count, complete)

    def _events_since(self, webhook: Webhook, since: datetime) -> tuple[list[NewDelivery], bool]:
        gauges = self._log.gauges()
        complete = gauges.oldest_no == 1 or (gauges.oldest_at is not None and gauges.oldest_at < since)
        at_no = self._log.after_time(since)
        new: list[NewDelivery] = []
        while at_no < webhook.position_no:
            piece = self._log.read(at_no, limit=_READ_ROWS)
            if not piece.num_rows:
                break
            at_no = piece["event_no"][-1].as_py()
            new += deliveries_of(wanted(piece, webhook), webhook)
            if len(new) > RESENT_MAX:
                raise ApiError(
                    409,
                    "TOO_MANY_EVENTS",
                    f"More than {RESENT_MAX:,} events since then are for this webhook, which is the most at a time; "
                    "give a later since",
                    limit=RESENT_MAX,
                )
        return new, complete

    def _workflows(self, principal: Principal, asked: tuple[str, ...]) -> tuple[str, ...]:
        """The workflows a webhook of this token may have; its own where it asks for none."""
        if principal.workflow_ids is None:
            return asked
        foreign = [one for one in asked if one not in principal.workflow_ids]
        if foreign:
            raise ApiError(
                403,
                "WORKFLOW_NOT_ALLOWED",
                f"filters.workflowId {foreign[0][:100]!r}: this token is bound to other workflows",
                parameter="filters.workflowId",
            )
        return asked or principal.workflows()

    async def _check(self, url: str) -> None:
        try:
            target = target_of(url, self._rules)
            try:
                addresses = [str(ip_address(target.host))]
            except ValueError:
                async with asyncio.timeout(_LOOKUP_S):
                    addresses = [*await self._resolve(target.host, target.port)]
            check_all(target.host, addresses, self._rules)
        except AddressRefusedError as error:
            raise _refused(str(error)) from None
        except (OSError, TimeoutError):
            raise _refused(f"the name {target.host} cannot be looked up; give one that resolves") from None


def not_found(id: str) -> ApiError:
    """There is none, or not for this token."""
    return ApiError(404, "WEBHOOK_NOT_FOUND", f"There is no webhook {id[:100]!r}; GET /v1/webhooks lists them")


def _refused(why: str) -> ApiError:
    return ApiError(400, "WEBHOOK_URL_REFUSED", why, parameter="url")


def _sendable(webhook: Webhook) -> None:
    if webhook.state == "disabled":
        message = f"The webhook is disabled ({webhook.disabled_reason}); set its status to enabled first"
        raise ApiError(409, "WEBHOOK_DISABLED", message)


def _sees(principal: Principal, webhook: Webhook) -> bool:
    if principal.workflow_ids is None:
        return True
    return bool(webhook.workflow_ids) and principal.workflow_ids.issuperset(webhook.workflow_ids)
