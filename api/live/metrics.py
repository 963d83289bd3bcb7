"""What the live stream counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class LiveMetrics:
    """Those of one server process; a part of api.metrics.Metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.subscribers = Gauge(
            "runlake_stream_subscribers",
            "Readers of the event stream, by transport (websocket, sse).",
            ("transport",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.events = Counter(
            "runlake_stream_events_sent", "Events written to readers.", ("transport",), registry=registry
        )
        self.gaps = Counter(
            "runlake_stream_gaps",
            "Times a reader was told that it missed events: slow, expired, reset.",
            ("reason",),
            registry=registry,
        )
        self.missed = Counter(
            "runlake_stream_events_missed", "Events that readers were too slow for.", ("reason",), registry=registry
        )
        self.waited = Histogram(
            "runlake_stream_wait_seconds",
            "From when events were read from the log to when they were written to all who keep up; of others, to each.",
            buckets=_SECONDS,
            registry=registry,
        )
