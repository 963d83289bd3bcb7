"""Periods and the steps they are cut into: plain arithmetic on instants, no data.

A period is a rolling window [until - length, until); its predecessor is the window of equal length before it. Steps
(minutes, hours, days, weeks from Monday, months) begin at the borders of a time zone's wall clock; the first is cut at
`since`, the last at `until`. A day in which the clock changes has 23 or 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warehouse.errors import BadInputError

Granularity = Literal["minute", "hour", "day", "week", "month"]
GRANULARITIES: Final[tuple[Granularity, ...]] = get_args(Granularity)

PERIODS: Final[dict[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
}
"""The words for a period and their lengths; a year is 365 days whatever the calendar says."""

CUSTOM: Final = "custom"
"""The word for a period given by its ends."""

MAX_BUCKETS: Final = 10_000
"""Most steps one answer may have."""

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_NOMINAL: Final[dict[Granularity, timedelta]] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A window of time [since, until), UTC, and the word that asked for it."""

    word: str
    since: datetime
    until: datetime
    previous_since: datetime
    """Where the preceding window of equal length begins; it ends at `since`."""


def resolve_period(
    period: str = "24h", since: datetime | None = None, until: datetime | None = None, *, now: datetime
) -> Period:
    """The window that a period's word or a pair of ends means.

    With `since` the word is not looked at: the window ends at `until`, else at `now`. Without it the window is as long
    as the word says and ends at `until`, else at `now`.

    Raises:
        BadInputError: an unknown word, an instant without a time zone, an empty window, or one so long that the
            window before it would begin before the year 1.
    """
    end = _utc("until", until) if until is not None else now.astimezone(UTC)
    if since is not None:
        word, start = CUSTOM, _utc("since", since)
    elif period in PERIODS:
        word, start = period, period_start(period, end)
    else:
        raise BadInputError(
            f"unknown period {period!r}; allowed: {', '.join(PERIODS)}, or give since and until",
            field="period",
            value=period,
        )
    if start >= end:
        raise BadInputError(
            f"since {start.isoformat()} is not before until {end.isoformat()}; give an earlier since or a later until",
            field="since",
            value=start,
        )
    try:
        previous_since = start - (end - start)
    except OverflowError as error:
        raise BadInputError(
            f"the period from {start.isoformat()} to {end.isoformat()} is too long: the equal period before it would "
            "begin before the year 1; give a later since",
            field="since",
            value=start,
        ) from error
    return Period(word, start, end, previous_since)


def period_start(period: str, until: datetime) -> datetime:
    """Where the window that a word of PERIODS means begins when it ends at `until`.

    Raises:
        BadInputError: before the year 1.
    """
    try:
        return until - PERIODS[period]
    except OverflowError as error:
        raise BadInputError(
            f"the {period} up to {until.isoformat()} would begin before the year 1; give a later until",
            field="until",
            value=until,
        ) from error


def zone(name: str) -> tzinfo:
    """The time zone of that name.

    Raises:
        BadInputError: no such name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError(
            f"unknown timezone {name!r}; allowed: UTC and the names of the IANA database, e.g. Europe/Berlin",
            field="timezone",
            value=name,
        ) from error


def choose_granularity(granularity: str | None, since: datetime, until: datetime) -> Granularity:
    """The step that was asked for; when none was: hours up to 48 h, days up to 31 d, weeks up to 366 d, else months.

    Raises:
        BadInputError: an unknown word.
    """
    for known in GRANULARITIES:
        if granularity == known:
            return known
    if granularity is not None:
        raise BadInputError(
            f"unknown granularity {granularity!r}; allowed: {', '.join(GRANULARITIES)}",
            field="granularity",
            value=granularity,
        )
    length = until - since
    if length <= timedelta(hours=48):
        return "hour"
    if length <= timedelta(days=31):
        return "day"
    return "week" if length <= timedelta(days=366) else "month"


def borders(since: datetime, until: datetime, granularity: Granularity, timezone: tzinfo) -> list[datetime]:
    """The ends of the steps of [since, until): `since`, each border inside it, `until`; ascending, UTC.

    Raises:
        BadInputError: more than MAX_BUCKETS steps.
    """
    expected = (until - since) // _NOMINAL[granularity] + 1
    if expected > MAX_BUCKETS + 2:  # the exact number is found below; this only spares walking a million of them
        raise _too_many(expected, granularity)
    found = [since]
    for border in _walk(since, granularity, timezone):
        if border >= until:
            break
        if border == found[-1]:  # a day that the zone's calendar skips has no length
            continue
        found.append(border)
        if len(found) > MAX_BUCKETS:
            raise _too_many(expected, granularity)
    found.append(until)
    return found


def to_us(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The instant, UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def day_start_us(day: date) -> int:
    """Midnight UTC of a date, microseconds since 1970."""
    return (day.toordinal() - _EPOCH.toordinal()) * DAY_US


def _walk(since: datetime, granularity: Granularity, timezone: tzinfo) -> Iterator[datetime]:
    """Each border after `since`, ascending, until the calendar ends."""
    try:
        if granularity == "minute":
            yield from _walk_even(since, _MINUTE)  # full minutes are the same in every zone of today
        if granularity == "hour":
            yield from _walk_hours(since, timezone) if timezone is not UTC else _walk_even(since, _HOUR)
        day = since.astimezone(timezone).date()
        while True:
            day = _next_day(day, granularity)
            yield datetime.combine(day, time(), timezone).astimezone(UTC)
    except (OverflowError, ValueError):  # beyond the year 9999
        return


def _walk_even(since: datetime, step: timedelta) -> Iterator[datetime]:
    """Full minutes or hours of UTC."""
    at = since.replace(minute=0, second=0, microsecond=0) if step == _HOUR else since.replace(second=0, microsecond=0)
    while True:
        at += step
        yield at


def _walk_hours(since: datetime, timezone: tzinfo) -> Iterator[datetime]:
    """Full hours of the wall clock. An hour in which the clock changes by less than one ends at the next full hour."""
    at = since
    while True:
        local = at.astimezone(timezone)
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        at = at - past + timedelta(hours=1)
        yield at


def _next_day(day: date, granularity: Granularity) -> date:
    """First day of the step after the one that holds `day`."""
    if granularity == "day":
        return day + timedelta(days=1)
    if granularity == "week":
        return day + timedelta(days=7 - day.weekday())
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _utc(field: str, instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise BadInputError(
            f"{field} {instant.isoformat()} has no time zone; write it as e.g. {instant.isoformat()}Z",
            field=field,
            value=instant,
        )
    return instant.astimezone(UTC)


def _too_many(count: int, granularity: Granularity) -> BadInputError:
    return BadInputError(
        f"{count:,} steps of one {granularity} are too many; at most {MAX_BUCKETS:,} are allowed: "
        "ask for a shorter period or a coarser granularity",
        field="granularity",
        value=granularity,
    )
