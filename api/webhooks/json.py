"""Webhooks and deliveries as the API shows them, and bodies as the registry takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.models.webhooks import (
    AttemptModel,
    DeliveryModel,
    WebhookBody,
    WebhookChangeBody,
    WebhookFilters,
    WebhookModel,
    WebhookSecretModel,
)
from warehouse.clock import now
from warehouse.hot.webhook_deliveries import Delivery
from warehouse.hot.webhooks import Webhook


def fields_of(body: WebhookBody) -> dict[str, Any]:
    """A new webhook, as Webhooks.add takes it."""
    return {
        "url": body.url,
        "events": tuple(dict.fromkeys(body.events)),
        **_filter_fields(body.filters),
        "description": body.description,
        "state": body.status,
    }


def changed_fields(body: WebhookChangeBody) -> dict[str, Any]:
    """Only what is to change."""
    given = body.model_fields_set
    fields: dict[str, Any] = {}
    if body.url is not None:
        fields["url"] = body.url
    if body.events is not None:
        fields["events"] = tuple(dict.fromkeys(body.events))
    if "filters" in given:
        fields |= _filter_fields(body.filters)
    if "description" in given:
        fields["description"] = body.description
    if body.status is not None:
        fields["state"] = body.status
    return fields


def webhook_model(webhook: Webhook, pending: int) -> WebhookModel:
    """One webhook, without its secret."""
    return WebhookModel(**_shown(webhook, pending))


def secret_model(webhook: Webhook, pending: int = 0) -> WebhookSecretModel:
    """The same with it."""
    return WebhookSecretModel(**_shown(webhook, pending), secret=webhook.secret)


def delivery_model(delivery: Delivery) -> DeliveryModel:
    """One row of the log."""
    return DeliveryModel(
        id=delivery.id,
        event=delivery.event_type,
        executionId=delivery.execution_id,
        status=delivery.state,
        createdAt=delivery.created_at,
        nextAttemptAt=delivery.due_at if delivery.state == "pending" else None,
        settledAt=delivery.settled_at,
        attempts=[_attempt(one) for one in delivery.attempts],
    )


def _attempt(attempt: Mapping[str, Any]) -> AttemptModel:
    return AttemptModel(
        at=datetime.fromisoformat(attempt["at"]),
        status=attempt["status"],
        latency=attempt["latency_s"],
        answer=attempt["answer"],
        error=attempt["error"],
    )


def _shown(webhook: Webhook, pending: int) -> dict[str, Any]:
    two = len(webhook.secrets(now())) > 1
    filters = {
        "workflowId": _one_or_more(webhook.workflow_ids),
        "status": _one_or_more(webhook.statuses),
        "mode": _one_or_more(webhook.modes),
    }
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "filters": WebhookFilters(**filters),
        "description": webhook.description,
        "status": webhook.state,
        "disabledReason": webhook.disabled_reason,
        "disabledAt": webhook.disabled_at,
        "createdAt": webhook.created_at,
        "updatedAt": webhook.updated_at,
        "failingSince": webhook.failing_since,
        "pending": pending,
        "missedEvents": webhook.missed_events,
        "previousSecretValidUntil": webhook.old_secret_until if two else None,
    }


def _filter_fields(filters: WebhookFilters | None) -> dict[str, tuple[str, ...]]:
    filters = filters or WebhookFilters()
    return {
        "workflow_ids": _words(filters.workflowId),
        "statuses": _words(filters.status),
        "modes": _words(filters.mode),
    }


def _words(given: str | list[Any] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))


def _one_or_more(words: tuple[str, ...]) -> Any:
    """As it is most readable: nothing, the one word, or the list."""
    return None if not words else words[0] if len(words) == 1 else list(words)
