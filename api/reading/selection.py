"""From the words of a caller (flags, query parameters) to instants. Used by the command and the routes alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from warehouse.errors import BadInputError
from warehouse.period import zone

LATEST: Final = "latest"
"""As `until`: just after the newest record."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOST_PLUS: Final = re.compile(r"(T[\d:.]+) (\d{2}:?\d{2})$")
"""`+02:00` in a URL that was not escaped arrives as ` 02:00`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which executions are meant, in the caller's own words; None: not said."""

    period: str | None = None
    since: str | None = None
    until: str | None = None
    granularity: str | None = None
    workflow_id: str | None = None
    statuses: Sequence[str] = ()
    modes: Sequence[str] = ()
    timezone: str = "UTC"
    limit: int | None = None
    workflow_ids: tuple[str, ...] = ()
    """Only these, where `workflow_id` names none; empty: all."""
    visible: tuple[str, ...] = ()
    """The only workflows that exist for the caller; empty: all do."""


DATE_RANGES: Final = {"1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30), "custom": None}
"""Words of filter[dateRange] and how far back they reach."""


@dataclass(frozen=True, slots=True)
class FilterWords:
    """The filters of the contract's list, in the caller's own words; None or empty: not said."""

    workflow_ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    date_range: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    error_types: tuple[str, ...] = ()
    fingerprint: str | None = None
    error_text: str | None = None
    min_duration_s: float | None = None
    retry_of: str | None = None

    @property
    def moving(self) -> bool:
        """The range begins at an instant that moves with the clock."""
        return self.date_range not in (None, "custom")


@dataclass(frozen=True, slots=True)
class Window:
    """The ends of a selection as instants; None: not said."""

    since: datetime | None
    until: datetime | None


def resolve_window(selection: Selection, newest_at: Callable[[], datetime | None]) -> Window:
    """The instants a selection names; `newest_at` is asked only for `latest`.

    Raises BadInputError for an unknown time zone (also where nothing depends on it), a text that is no instant, and
    when both a period and a since are given.
    """
    zone(selection.timezone)
    if selection.period is not None and selection.since is not None:
        raise BadInputError(
            f"both period {selection.period!r} and since {selection.since!r} are given; give one of them",
            field="since",
            value=selection.since,
        )
    since = parse_instant("since", selection.since, selection.timezone) if selection.since is not None else None
    if selection.until == LATEST:
        return Window(since, just_after(newest_at()))
    until = parse_instant("until", selection.until, selection.timezone) if selection.until is not None else None
    return Window(since, until)


def resolve_range(words: FilterWords, timezone: str, now: datetime) -> Window:
    """The instants that filter[dateRange], filter[startDate] and filter[endDate] name, half-open.

    1d, 7d and 30d have no end: what starts while somebody reads is in it too. Raises BadInputError for an unknown word,
    a text that is no instant, dates beside another range than custom, custom without one, and a start after the end.
    """
    zone(timezone)
    if words.date_range is not None and words.date_range not in DATE_RANGES:
        raise BadInputError(
            f"filter[dateRange] is {words.date_range!r}; allowed: {', '.join(DATE_RANGES)}",
            field="filter[dateRange]",
            value=words.date_range,
        )
    named = [name for name, text in _dates(words) if text is not None]
    back = DATE_RANGES[words.date_range] if words.date_range else None
    if back is not None:
        if named:
            raise BadInputError(
                f"{named[0]} is given beside filter[dateRange]={words.date_range}; use filter[dateRange]=custom, or "
                "leave one of them out",
                field=named[0],
            )
        return Window(now - back, None)
    if words.date_range == "custom" and not named:
        raise BadInputError(
            "filter[dateRange]=custom wants filter[startDate], filter[endDate] or both", field="filter[dateRange]"
        )
    since, until = (None if text is None else parse_instant(name, text, timezone) for name, text in _dates(words))
    if since is not None and until is not None and since > until:
        raise BadInputError(
            f"filter[startDate] {words.start_date} is later than filter[endDate] {words.end_date}; swap them",
            field="filter[startDate]",
            value=words.start_date,
        )
    return Window(since, until)


def _dates(words: FilterWords) -> tuple[tuple[str, str | None], ...]:
    return (("filter[startDate]", words.start_date), ("filter[endDate]", words.end_date))


def just_after(newest_at: datetime | None) -> datetime | None:
    """The first full second after the newest record; None for an empty lake."""
    return None if newest_at is None else newest_at.replace(microsecond=0) + timedelta(seconds=1)


def parse_instant(field: str, text: str, timezone: str = "UTC") -> datetime:
    """An ISO 8601 instant, or a date (its midnight in the time zone); without an offset the time zone holds."""
    try:
        if _DATE.fullmatch(text):
            found = datetime.combine(date.fromisoformat(text), time())
        else:
            found = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone(timezone))
        return found.astimezone(UTC)
    except BadInputError:
        raise
    except (ValueError, OverflowError):
        allowed = "a date such as 2026-11-23 or an instant such as 2026-11-23T10:00:00Z"
        allowed += f", or {LATEST}" if field == "until" else ""
        raise BadInputError(f"{field} is {text!r}; allowed is {allowed}", field=field, value=text) from None
