"""What follows an attempt: done, tried again, given up, the webhook switched off."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from api.webhooks.sender import Attempt
from warehouse.hot.webhook_deliveries import Delivery, Outcome
from warehouse.hot.webhooks import Webhook

RETRIES_AFTER_S: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after the first failed try, the second, …; Standard Webhooks' own."""
JITTER_RATIO: Final = 0.1
"""A retry comes up to so much later: receivers that were down are not all called at once."""
FAILING_MAX: Final = timedelta(hours=120)
GONE: Final = 410


def outcome_of(delivery: Delivery, attempt: Attempt, at: datetime) -> Outcome:
    """What an attempt that ended at an instant makes of a delivery."""
    said = {
        "at": at.isoformat(),
        "status": attempt.status,
        "latency_s": round(attempt.latency_s, 6),
        "answer": attempt.answer,
        "error": attempt.error,
    }
    if attempt.delivered:
        return Outcome(delivery, said, at, "delivered", None)
    if delivery.test or attempt.status == GONE or delivery.tries >= len(RETRIES_AFTER_S):
        return Outcome(delivery, said, at, "failed", None)
    delay_s = RETRIES_AFTER_S[delivery.tries] * (1 + random.uniform(0, JITTER_RATIO))
    return Outcome(delivery, said, at, "pending", at + timedelta(seconds=max(delay_s, attempt.retry_after_s or 0)))


def why_disable(webhook: Webhook, delivery: Delivery, attempt: Attempt, at: datetime) -> str | None:
    """Why the webhook is switched off now. None: it is not."""
    if delivery.test or attempt.delivered:
        return None
    if attempt.status == GONE:
        return "its receiver answered 410: it is gone for good"
    if webhook.failing_since is not None and at - webhook.failing_since >= FAILING_MAX:
        hours = FAILING_MAX // timedelta(hours=1)
        return f"nothing could be delivered for {hours} hours; the last reason: {attempt.error}"
    return None
