"""What the tests of alerts share: rules, an evaluator over an empty lake, records in its hot store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import warehouse
from api.alerts.evaluator import Evaluator
from api.live.events import decode
from warehouse.hot.alert_rule import AlertKind, AlertRule
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.lake import Lake
from warehouse.settings import LakeSettings

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def rule(kind: AlertKind = "failures", **fields: Any) -> AlertRule:
    """A rule without cool-down, over five minutes, that fires at 2."""
    threshold = {} if kind in ("silence", "newError") else {"threshold": 0.5 if kind == "failureRate" else 2.0}
    return AlertRule(**{"name": kind, "kind": kind, "cooldown_s": 0, **threshold, **fields})


@dataclass
class Scene:
    """A lake with its hot store, as the evaluators of several processes see it."""

    folder: Path
    hot_url: str
    database: Database

    @property
    def log(self) -> EventLog:
        return EventLog(self.database)

    def alert_events(self) -> list[Any]:
        """The events of alerts, in their order, as JSON texts."""
        return [event for event in decode(self.log.read(0)) if event.type.startswith("alert.")]

    @contextmanager
    def evaluator(self, **options: Any) -> Iterator[Evaluator]:
        """One more process' evaluator, not started."""
        house = warehouse.open(self.folder / "lake", LakeSettings(hot_url=self.hot_url))
        database = Database.open(self.hot_url)
        evaluator = Evaluator(house, database, every_s=30, **options)
        try:
            yield evaluator
        finally:
            evaluator.stop()
            database.close()
            house.close()


@contextmanager
def scene_in(folder: Path, hot_url: str) -> Iterator[Scene]:
    """An empty lake."""
    Lake.open(folder / "lake", create=True).close()
    database = Database.open(hot_url)
    try:
        yield Scene(folder, hot_url, database)
    finally:
        database.close()
