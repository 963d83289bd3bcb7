"""What is counted of webhooks."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class WebhookMetrics:
    """Those of one server process; a part of api.metrics.Metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "runlake_webhook_attempts",
            "Attempts to deliver, by outcome: delivered, retried, failed (given up).",
            ("outcome",),
            registry=registry,
        )
        self.missed = Counter(
            "runlake_webhook_missed_events",
            "Events that were forgotten before webhooks could be told, matching or not.",
            registry=registry,
        )
        self.disabled = Counter(
            "runlake_webhook_disabled", "Webhooks switched off because of their receivers.", registry=registry
        )
        self.pending = Gauge(
            "runlake_webhook_pending_deliveries",
            "Deliveries that wait, as the process that delivers sees them.",
            registry=registry,
            multiprocess_mode="livesum",
        )
