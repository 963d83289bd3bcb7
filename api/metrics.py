"""What the server counts, and GET /metrics in Prometheus' text format.

With several worker processes the counters live in files of a folder that all of them map (prometheus-client's
multiprocess mode, switched on by `runlake serve --workers N` before a worker starts): whichever worker is scraped
answers for all. What lies in the lake and the hot store is not counted but looked up at each scrape, so it is the same
whoever looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.live.metrics import LiveMetrics
from api.webhooks.metrics import WebhookMetrics

MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus-client when it is imported; set for the workers before they start."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Holdings:
    """What lies in both tiers now."""

    hot_executions: int
    """Executions that are not in the lake yet."""
    hot_unfinished: int
    """Those of them that are queued or running, and stay."""
    oldest_unsealed_s: float
    """How long the finished execution that waits longest for the lake has waited; 0: none waits."""
    lake_version: int
    lake: Mapping[str, tuple[int, int, int]]
    """Table -> live files, rows, bytes."""


class Metrics:
    """The counters of one server process."""

    def __init__(self, *, multiprocess_folder: str | None = None) -> None:
        """`multiprocess_folder`: where the workers of one server meet; None: this process is all there is."""
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, which no question needs
        self._multiprocess_folder = multiprocess_folder
        self._own = CollectorRegistry()
        own = self._own
        self.requests = Counter(
            "runlake_http_requests", "Requests answered.", ("route", "method", "status"), registry=own
        )
        self.seconds = Histogram(
            "runlake_http_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route", "method"),
            buckets=_SECONDS,
            registry=own,
        )
        self.in_flight = Gauge(
            "runlake_http_requests_in_flight",
            "Requests being answered.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.ingested = Counter(
            "runlake_ingested_executions", "Executions taken in over HTTP, by outcome.", ("outcome",), registry=own
        )
        self.rejected = Counter(
            "runlake_rejected_executions", "Records refused over HTTP, by reason.", ("reason",), registry=own
        )
        self.refused = Counter(
            "runlake_refused_requests", "Requests refused for who they were from.", ("reason",), registry=own
        )
        self.sealed = Counter(
            "runlake_sealed_executions", "Executions moved from the hot store to the lake.", registry=own
        )
        self.seal_failures = Counter("runlake_seal_failures", "Seals that failed and are tried again.", registry=own)
        self.reports = Counter(
            "runlake_reports",
            "Reports of schedules: made, skipped; deliveries: delivered, failed.",
            ("outcome",),
            registry=own,
        )
        self.alert_changes = Counter(
            "runlake_alert_changes", "Alerts that fired or were resolved.", ("change",), registry=own
        )
        self.live = LiveMetrics(own)
        self.webhooks = WebhookMetrics(own)

    def observe(self, route: str, method: str, status: int, took_s: float) -> None:
        """Count one request. `route` is a template, never a path a client made up."""
        known = method if method in _METHODS else "OTHER"
        self.requests.labels(route, known, str(status)).inc()
        self.seconds.labels(route, known).observe(took_s)

    def page(self, look: Callable[[], Holdings]) -> tuple[bytes, str]:
        """The text for a scraper, and its content type. `look` may take some milliseconds."""
        shown = CollectorRegistry()
        if self._multiprocess_folder is None:
            shown.register(_Again(self._own))
        else:
            MultiProcessCollector(shown, path=self._multiprocess_folder)  # type: ignore[no-untyped-call]
        shown.register(_Holdings(look))
        return generate_latest(shown), CONTENT_TYPE_PLAIN_0_0_4


class _Again(Collector):
    """A registry inside a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """All its metrics."""
        return self._registry.collect()

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking for names must not look anything up."""
        return ()


class _Holdings(Collector):
    def __init__(self, look: Callable[[], Holdings]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking for names must not look anything up."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """What lies in both tiers now."""
        found = self._look()
        yield _gauge(
            "runlake_hot_executions", "Executions in the hot store, not in the lake yet.", found.hot_executions
        )
        yield _gauge("runlake_hot_unfinished_executions", "Those of them queued or running.", found.hot_unfinished)
        yield _gauge(
            "runlake_hot_oldest_unsealed_seconds",
            "How long the finished execution that waits longest for the lake has waited.",
            found.oldest_unsealed_s,
        )
        yield _gauge("runlake_lake_version", "Version of the lake.", found.lake_version)
        for at, (name, text) in enumerate(
            (
                ("files", "Live data files."),
                ("rows", "Rows of live data files."),
                ("bytes", "Bytes of live data files."),
            )
        ):
            family = GaugeMetricFamily(f"runlake_lake_{name}", text, labels=("table",))
            for table, counts in found.lake.items():
                family.add_metric((table,), counts[at])
            yield family
        build = GaugeMetricFamily("runlake_build_info", "The release that runs.", labels=("version",))
        build.add_metric((metadata.version("runlake"),), 1)
        yield build


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
