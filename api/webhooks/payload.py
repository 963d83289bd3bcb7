"""Which events a webhook wants, and what it is sent of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from api.models import instant_text
from warehouse.hot.webhook_deliveries import NewDelivery
from warehouse.hot.webhooks import Webhook

ENDED_BADLY: Final = frozenset({"execution.failed", "execution.timeout", "execution.cancelled"})


def wanted(events: pa.Table, webhook: Webhook) -> pa.Table:
    """The rows (EVENTS) that a webhook is told of, in their order."""
    mask = _among(events["type"], webhook.events)
    for column, words in (
        ("workflow_id", webhook.workflow_ids),
        ("status", webhook.statuses),
        ("mode", webhook.modes),
    ):
        if words:
            mask = pc.and_(mask, _among(events[column], words))
    return events.filter(mask)


def deliveries_of(events: pa.Table, webhook: Webhook) -> Iterator[NewDelivery]:
    """A delivery for each event (EVENTS); its id is the webhook's and the event's."""
    for row in events.to_pylist():
        yield NewDelivery(
            id=f"msg_{webhook.id.removeprefix('wh_')}_{row['event_no']}",
            webhook_id=webhook.id,
            event_type=row["type"],
            execution_id=row["execution_id"],
            body=_body(row),
        )


def test_body(webhook: Webhook, at: datetime) -> str:
    """What a test sends: the contract's form, and no execution."""
    return payload("webhook.test", None, None, None, at, {"webhookId": webhook.id, "message": "A test of this webhook"})


def payload(
    event: str,
    execution_id: str | None,
    workflow_id: str | None,
    workflow_name: str | None,
    at: datetime,
    data: dict[str, Any],
) -> str:
    """The contract's body."""
    body = {
        "event": event,
        "executionId": execution_id,
        "workflowId": workflow_id,
        "workflowName": workflow_name,
        "timestamp": instant_text(at),
        "data": data,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _body(row: dict[str, Any]) -> str:
    data = json.loads(row["data"])
    if row["type"] in ENDED_BADLY:
        data.setdefault("retryCount", 0)
    return payload(row["type"], row["execution_id"], row["workflow_id"], row["workflow_name"], row["at"], data)


def _among(column: pa.ChunkedArray, words: tuple[str, ...]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(words, pa.string()))
