"""When a cron rule is due, in a time zone. Pure.

Five fields: minute, hour, day of the month, month, day of the week. Where the clocks go forward, what is due in the
hour that is left out is due right after it, once; where they go back, what is due in the hour that comes twice is due
the first time only. Rules that begin with `*` in minute or hour go by the time that passes instead: every hour stays
every hour. (As Debian's cron has it.)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from cronsim import CronSim, CronSimError

from warehouse.errors import BadInputError
from warehouse.period import zone

CRON_CHARS: Final = 100
SHORTEST_S: Final = 300
"""Between two instants of a rule there are at least so many seconds."""
_LOOKED_AT: Final = 50
_MISSED_MAX: Final = 1000
"""Instants that are counted; beyond it, it is at least so many."""
_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)


def check_cron(cron: str, timezone: str) -> None:
    """Raises BadInputError for a rule that cannot be read, is never due, or is due more often than every 5 minutes."""
    zone(timezone)
    if len(cron) > CRON_CHARS or len(cron.split()) != 5:
        raise _wrong(cron, "it has not five fields")
    found: list[datetime] = []
    try:
        for at in _instants(cron, timezone, _FROM):
            found.append(at)
            if len(found) >= _LOOKED_AT:
                break
    except CronSimError as error:
        raise _wrong(cron, str(error)) from error
    if not found:
        raise _wrong(cron, "it is never due")
    closest = min((later - at for at, later in pairwise(found)), default=timedelta.max)
    if closest < timedelta(seconds=SHORTEST_S):
        raise _wrong(cron, f"it is due more often than every {SHORTEST_S // 60} minutes")


def next_due(cron: str, timezone: str, after: datetime) -> datetime | None:
    """The first instant later than `after` at which the rule is due, UTC. None: there is none."""
    return next(_instants(cron, timezone, after), None)


def latest_due(cron: str, timezone: str, first: datetime, until: datetime) -> tuple[datetime, int]:
    """Of the instants from `first` (which is one) up to `until`: the last, and how many others there are.

    At most 1,000 are counted; the last is right all the same.
    """
    latest, others = first, 0
    if until - first > timedelta(days=400):  # nobody was there for a year: the last instant is all that matters
        latest, others = _near(cron, timezone, first, until), _MISSED_MAX
    for at in _instants(cron, timezone, latest):
        if at > until:
            break
        latest, others = at, min(others + 1, _MISSED_MAX)
    return latest, others


def _near(cron: str, timezone: str, first: datetime, until: datetime) -> datetime:
    """An instant of the rule not long before `until`, if there is one; else `first`."""
    for days in (2, 40, 400):
        at = next_due(cron, timezone, until - timedelta(days=days))
        if at is not None and first < at <= until:
            return at
    return first


def _instants(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Ascending, each once, UTC."""
    last = after
    # From a little earlier on: around a change of the clocks the rule's own idea of `after` may be an hour off.
    for local in CronSim(cron, (after - timedelta(hours=3)).astimezone(zone(timezone))):
        at = local.astimezone(UTC)
        if at > last:
            last = at
            yield at


def _wrong(cron: str, why: str) -> BadInputError:
    return BadInputError(
        f"cron is {cron[:CRON_CHARS]!r}: {why}; wanted are minute, hour, day of the month, month and day of the week, "
        "such as '0 8 * * MON' (Mondays at 08:00) or '30 7 1 * *' (the first of each month at 07:30)",
        field="cron",
        value=cron,
    )
