"""An open lake as the command and the server ask it: one `House` a thread, all of them on one set of caches."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from warehouse.clock import now
from warehouse.duck import Session, read_sql
from warehouse.error_statistics import error_statistics
from warehouse.export import ExportFormat, ExportQuery, ExportReport, Progress, export
from warehouse.lake import Lake
from warehouse.node_statistics import node_statistics
from warehouse.period import resolve_period
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.rollup_cache import RollupCache
from warehouse.scan import attach
from warehouse.snapshot import Snapshot
from warehouse.statistics import StatisticsQuery, statistics

if TYPE_CHECKING:
    from api.config import Config


@dataclass(frozen=True, slots=True)
class House:
    """The lake at one instant, with a session of its own. Not for two threads at once: `fork()` for that."""

    lake: Lake
    session: Session
    rollups: RollupCache
    executor: ThreadPoolExecutor

    @classmethod
    def open(cls, config: Config) -> House:
        """The lake of the settings. Raises LakeNotFoundError."""
        settings = config.lake_settings()
        lake = Lake.open(config.lake, settings)
        executor = ThreadPoolExecutor(settings.duck.threads or None, "rollup")
        return cls(lake, lake.session.fork(), RollupCache(lake.folder("rollups"), executor), executor)

    def close(self) -> None:
        """Give everything back; only of the house that was opened."""
        self.session.close()
        self.executor.shutdown()
        self.lake.close()

    @contextmanager
    def fork(self) -> Iterator[House]:
        """The same for another thread, on the same caches."""
        session = self.lake.session.fork()
        try:
            yield House(self.lake, session, self.rollups, self.executor)
        finally:
            session.close()

    def snapshot(self) -> Snapshot:
        """The lake as it is now."""
        return self.lake.snapshot()

    def statistics(self, query: StatisticsQuery, /) -> Statistics:
        """Counts and times."""
        return statistics(self.session, self.snapshot(), self.rollups, query, now=now())

    def nodes(self, query: StatisticsQuery, /) -> NodeStatistics:
        """Where the time goes."""
        period = resolve_period(query.period, query.since, query.until, now=now())
        return node_statistics(
            self.session,
            self.snapshot(),
            self.rollups,
            since=period.since,
            until=period.until,
            workflow_id=query.workflow_id,
        )

    def errors(self, query: StatisticsQuery, /) -> ErrorStatistics:
        """Why things failed."""
        period = resolve_period(query.period, query.since, query.until, now=now())
        return error_statistics(
            self.session,
            self.snapshot(),
            self.rollups,
            since=period.since,
            until=period.until,
            workflow_id=query.workflow_id,
        )

    def export(
        self, query: ExportQuery, format: ExportFormat, sink: BinaryIO, on_progress: Progress | None = None
    ) -> ExportReport:
        """Write executions to an open file."""
        return export(self.session, self.snapshot(), query, format, sink, on_progress=on_progress)

    def newest_at(self) -> datetime | None:
        """When the newest execution started (else: was created); None: the lake is empty. Opens one day's files."""
        files = self.snapshot().files["executions"]
        if not files:
            return None
        last = max(file.date for file in files)
        begin = datetime.combine(last, datetime.min.time(), UTC)
        attach(self.session, self.snapshot(), begin, None, ["executions"])
        found: datetime | None = self.session.rows(read_sql("api", "newest_at"))[0][0]
        return found
