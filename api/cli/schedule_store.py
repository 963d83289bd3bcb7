"""What the verbs for schedules share: the hot store, a schedule by its name, words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.config import Config
    from warehouse.errors import BadInputError
    from warehouse.hot.database import Database
    from warehouse.hot.schedule_rule import Schedule

ScheduleArgument = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="Its id or name, as `runlake schedule list` shows.")
]


@contextmanager
def opened_store(lake: str | None, hot_url: str | None, *, create: bool = False) -> Iterator[tuple[Database, Config]]:
    """The hot store of the settings; made where there is none only to put something in."""
    from api.cli.lakes import hot_store_of

    missing = "there is no schedule yet: `runlake schedule add NAME --cron RULE` makes one"
    with hot_store_of(lake, hot_url, if_missing=missing, create=create) as found:
        yield found


def existing(database: Database, id_or_name: str) -> Schedule:
    """The schedule of an id or name. Raises BadInputError."""
    from warehouse.hot.schedules import find_schedule

    found = find_schedule(database, id_or_name)
    if found is None:
        raise gone(id_or_name)
    return found


def gone(id_or_name: str) -> BadInputError:
    """There is none."""
    from warehouse.errors import BadInputError

    return BadInputError(
        f"there is no schedule with the id or name {id_or_name[:200]!r}; `runlake schedule list` shows them",
        field="schedule",
        value=id_or_name,
    )


def next_words(schedule: Schedule) -> str:
    """When a schedule is due next, in words."""
    from reports import format as fmt

    if schedule.paused:
        return "it is paused"
    if schedule.next_at is None:
        return "it is never due again"
    return f"next due {fmt.instant(schedule.next_at, schedule.rule.timezone)}"
