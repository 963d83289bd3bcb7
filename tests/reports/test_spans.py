"""Periods of reports that come by themselves: they end at borders of the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.spans import CALENDAR, WORDS, span_of
from warehouse.errors import BadInputError

BERLIN = "Europe/Berlin"
MONDAY_8 = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
"""Monday 08:00 in Berlin."""


def local(word: str, at: datetime = MONDAY_8, timezone: str = BERLIN) -> list[str]:
    span = span_of(word, at, timezone)
    return [
        one.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")
        for one in (span.previous_since, span.since, span.until)
    ]


@pytest.mark.parametrize(
    ("word", "borders"),
    [
        ("7d", ["2026-11-09 00:00", "2026-11-16 00:00", "2026-11-23 00:00"]),
        ("last-week", ["2026-11-09 00:00", "2026-11-16 00:00", "2026-11-23 00:00"]),
        ("yesterday", ["2026-11-21 00:00", "2026-11-22 00:00", "2026-11-23 00:00"]),
        ("last-month", ["2026-09-01 00:00", "2026-10-01 00:00", "2026-11-01 00:00"]),
        ("last-quarter", ["2026-04-01 00:00", "2026-07-01 00:00", "2026-10-01 00:00"]),
        ("last-year", ["2024-01-01 00:00", "2025-01-01 00:00", "2026-01-01 00:00"]),
        ("24h", ["2026-11-21 08:00", "2026-11-22 08:00", "2026-11-23 08:00"]),
        ("1h", ["2026-11-23 06:00", "2026-11-23 07:00", "2026-11-23 08:00"]),
    ],
)
def test_a_word_means_whole_hours_days_or_months_of_the_zone(word: str, borders: list[str]) -> None:
    assert local(word) == borders


def test_the_last_week_of_a_sunday_is_the_one_before() -> None:
    assert local("last-week", datetime(2026, 11, 22, 22, 59, tzinfo=UTC))[1:] == [
        "2026-11-09 00:00",
        "2026-11-16 00:00",
    ]


def test_a_week_in_which_the_clocks_change_has_an_hour_more_or_less() -> None:
    for at, hours in ((datetime(2026, 3, 30, 6, tzinfo=UTC), 167), (datetime(2026, 10, 26, 7, tzinfo=UTC), 169)):
        span = span_of("7d", at, BERLIN)
        assert span.until - span.since == timedelta(hours=hours)
        assert local("7d", at)[2].endswith("00:00")


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert span_of("1h", first, BERLIN).until == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    assert span_of("1h", second, BERLIN).until == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


@given(
    st.sampled_from(WORDS),
    st.integers(0, 100 * 365 * 24 * 60),
    st.sampled_from(("UTC", BERLIN, "Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe")),
)
def test_a_period_is_over_and_follows_the_one_before(word: str, minutes: int, timezone: str) -> None:
    at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    span = span_of(word, at, timezone)
    assert span.previous_since < span.since < span.until <= at
    assert span_of(word, span.until, timezone) == span  # nothing changes between the border and the instant
    if word in CALENDAR:
        assert span_of(word, span.since, timezone).until == span.since


def test_an_unknown_word_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BadInputError, match=r"unknown period 'fortnight'; allowed: 1h, .*last-week"):
        span_of("fortnight", MONDAY_8, BERLIN)
