"""The periods that people expect of a report that comes by itself: they end at a border, not in the middle of an hour.

A rolling word of hours (1h, 24h) ends at the last full hour, one of days (7d, 30d, 90d, 1y) at the last midnight, and
it begins so many hours, or midnights, earlier: the week of a Monday 08:00 is the seven days up to Monday 00:00, and
where the clocks change it has 167 or 169 hours. A calendar word is the last whole day, week (from Monday), month,
quarter or year. All by the clocks of a time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from warehouse.errors import BadInputError
from warehouse.period import PERIODS, zone

CALENDAR: Final = ("yesterday", "last-week", "last-month", "last-quarter", "last-year")
WORDS: Final = (*PERIODS, *CALENDAR)
_MONTHS: Final = {"last-month": 1, "last-quarter": 3, "last-year": 12}


@dataclass(frozen=True, slots=True)
class Span:
    """A period [since, until) and the like one before it, which ends at `since`. UTC."""

    previous_since: datetime
    since: datetime
    until: datetime


def span_of(word: str, at: datetime, timezone: str) -> Span:
    """The period of a word for a report that is due at an instant. Raises BadInputError for an unknown word or zone."""
    check_word(word)
    clocks = zone(timezone)
    if word in ("1h", "24h"):
        local = at.astimezone(clocks)
        # Backwards on the time line, so that the hour that comes twice has two ends.
        until = at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        length = PERIODS[word]
        return Span(until - 2 * length, until - length, until.astimezone(UTC))
    today = at.astimezone(clocks).date()
    days = _days_of(word, today)
    return Span(*(_midnight(day, clocks) for day in days))


def check_word(word: str) -> None:
    """Raises BadInputError for a word that is no period."""
    if word not in WORDS:
        raise BadInputError(f"unknown period {word[:50]!r}; allowed: {', '.join(WORDS)}", field="period", value=word)


def _days_of(word: str, today: date) -> tuple[date, date, date]:
    """The three borders, earliest first."""
    if word in PERIODS:
        length = PERIODS[word]
        return today - 2 * length, today - length, today
    if word == "yesterday":
        return today - timedelta(days=2), today - timedelta(days=1), today
    if word == "last-week":
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(days=14), monday - timedelta(days=7), monday
    months = _MONTHS[word]
    first = date(today.year, (today.month - 1) // months * months + 1, 1)
    return _earlier(first, 2 * months), _earlier(first, months), first


def _earlier(first: date, months: int) -> date:
    """The first of the month so many months before a first of a month."""
    number = first.year * 12 + first.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def _midnight(day: date, clocks: tzinfo) -> datetime:
    return datetime.combine(day, time(), clocks).astimezone(UTC)
