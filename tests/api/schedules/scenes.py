"""What the tests of schedules share: a lake with a day of executions, its hot store, runners of several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import warehouse
from api.live.events import decode
from api.schedules.deliver import Channels
from api.schedules.due import next_due
from api.schedules.runner import Runner
from api.webhooks.addresses import AddressRules
from reports.archive import Archive
from reports.delivery.smtp import SmtpServer
from reports.delivery.targets import parse_targets
from tests.warehouse.records import Record, batch
from warehouse.hot.database import Database
from warehouse.hot.event_log import EventLog
from warehouse.hot.schedule_rule import Run, Schedule, ScheduleRule, Target
from warehouse.hot.schedules import add_schedule, history
from warehouse.hot.webhooks import new_secret
from warehouse.lake import Lake
from warehouse.settings import LakeSettings

DUE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The first instant at which the rules are due; the lake has executions of the day before."""
FAILED = 6
LOOPBACK = AddressRules(private=True, http=True)


def later(**span: float) -> datetime:
    return DUE + timedelta(**span)


def rule(name: str = "daily", *targets: str, **fields: Any) -> ScheduleRule:
    """Every day at 08:00 about the day before."""
    found = parse_targets(targets or ("archive",))
    signed = tuple(Target(one.kind, one.address, new_secret()) if one.kind == "webhook" else one for one in found)
    given = {"name": name, "cron": "0 8 * * *", "timezone": "UTC", "period": "yesterday", "targets": signed, **fields}
    return ScheduleRule(**given)


@dataclass
class Scene:
    """A lake with its hot store, as the processes see it that work schedules off."""

    folder: Path
    hot_url: str
    database: Database
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def lake(self) -> str:
        return str(self.folder / "lake")

    @property
    def archive(self) -> Archive:
        return Archive.open(str(self.folder / "archive"))

    def add(self, rule: ScheduleRule, **options: Any) -> Schedule:
        return add_schedule(self.database, rule, next_due(rule.cron, rule.timezone, later(hours=-23)), **options)

    def runs(self, schedule: Schedule) -> list[Run]:
        """Newest first."""
        return history(self.database, schedule.schedule_id, 1000)[0]

    def states(self, schedule: Schedule) -> list[str]:
        """Of the deliveries of the newest run."""
        return [one.state for one in self.runs(schedule)[0].deliveries]

    def events(self) -> list[Any]:
        """The events of reports, in their order."""
        return [event for event in decode(EventLog(self.database).read(0)) if event.type.startswith("report.")]

    def told(self) -> list[str]:
        return [event.type.removeprefix("report.") for event in self.events()]

    @contextmanager
    def runner(self, mail_port: int | None = None, rules: AddressRules = LOOPBACK, **options: Any) -> Iterator[Runner]:
        """What one more process works schedules off with."""
        house = warehouse.open(self.lake, LakeSettings(hot_url=self.hot_url))
        database = Database.open(self.hot_url)
        mail = None if mail_port is None else SmtpServer("127.0.0.1", mail_port, False, "runlake@example.org")
        channels = Channels(str(self.folder / "archive"), rules, self.environ, mail)
        try:
            yield Runner(house, database, channels, **options)
        finally:
            database.close()
            house.close()


@contextmanager
def scene_in(folder: Path, hot_url: str) -> Iterator[Scene]:
    """A lake of 40 executions on 2026-03-01, of which 6 failed."""
    lake = Lake.open(folder / "lake", create=True)
    statuses = ["failed" if number < FAILED else "success" for number in range(40)]
    lake.write(batch([Record(f"e{n}", started=n * 30, status=status) for n, status in enumerate(statuses)]))
    lake.close()
    database = Database.open(hot_url)
    try:
        yield Scene(folder, hot_url, database, os.environ)
    finally:
        database.close()
