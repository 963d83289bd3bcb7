"""Periods and the borders of their steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.errors import BadInputError
from warehouse.period import (
    GRANULARITIES,
    MAX_BUCKETS,
    PERIODS,
    Granularity,
    borders,
    choose_granularity,
    day_start_us,
    from_us,
    resolve_period,
    to_us,
    zone,
)

NOW = datetime(2026, 3, 10, 9, 17, 23, 456789, UTC)


def local(since: str, until: str, granularity: Granularity, name: str) -> list[str]:
    """Borders between two wall-clock times, as wall-clock times."""
    timezone = ZoneInfo(name)
    start, end = (datetime.fromisoformat(text).replace(tzinfo=timezone).astimezone(UTC) for text in (since, until))
    found = borders(start, end, granularity, timezone)
    return [at.astimezone(timezone).strftime("%Y-%m-%dT%H:%M%z") for at in found]


@pytest.mark.parametrize("word", PERIODS)
def test_a_word_is_a_rolling_window_that_ends_now(word: str) -> None:
    period = resolve_period(word, now=NOW)
    assert (period.word, period.until) == (word, NOW)
    assert period.until - period.since == PERIODS[word] == period.since - period.previous_since


def test_ends_may_be_given() -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    assert resolve_period("7d", since, now=NOW).until == NOW
    assert resolve_period("7d", since, now=NOW).word == "custom"
    ended = resolve_period("24h", until=since, now=NOW)
    assert (ended.since, ended.until) == (since - timedelta(hours=24), since)
    india = resolve_period(since=datetime(2026, 3, 1, 5, 30, tzinfo=ZoneInfo("Asia/Kolkata")), now=NOW)
    assert india.since == since
    assert india.since.tzinfo is UTC


def test_the_granularity_follows_from_the_length() -> None:
    def chosen(**length: float) -> str:
        return choose_granularity(None, NOW - timedelta(**length), NOW)

    assert [chosen(hours=1), chosen(hours=48), chosen(hours=49), chosen(days=31)] == ["hour", "hour", "day", "day"]
    assert [chosen(days=32), chosen(days=366), chosen(days=367)] == ["week", "week", "month"]


def test_first_and_last_step_are_cut() -> None:
    found = borders(NOW - timedelta(hours=3), NOW, "hour", UTC)
    hours = [NOW.replace(hour=hour, minute=0, second=0, microsecond=0) for hour in (7, 8, 9)]
    assert found == [NOW - timedelta(hours=3), *hours, NOW]


def test_days_around_a_change_of_the_clock_have_23_and_25_hours() -> None:
    assert local("2026-03-07T12:00", "2026-03-09T12:00", "day", "America/New_York") == [
        "2026-03-07T12:00-0500",
        "2026-03-08T00:00-0500",
        "2026-03-09T00:00-0400",
        "2026-03-09T12:00-0400",
    ]
    new_york = zone("America/New_York")
    spring = borders(datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC), "hour", new_york)
    autumn = borders(datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC), "hour", new_york)
    assert (len(spring) - 1, len(autumn) - 1) == (23, 25)


def test_zones_off_by_half_an_hour_and_less() -> None:
    assert local("2026-03-01T10:10", "2026-03-01T12:00", "hour", "Asia/Kolkata")[1] == "2026-03-01T11:00+0530"
    assert local("2026-03-01T10:10", "2026-03-01T12:00", "hour", "Pacific/Chatham")[1] == "2026-03-01T11:00+1345"
    half = local("2026-04-05T00:30", "2026-04-05T03:10", "hour", "Australia/Lord_Howe")
    assert half == [
        "2026-04-05T00:30+1100",
        "2026-04-05T01:00+1100",
        "2026-04-05T01:30+1030",  # the clock goes back from 02:00 to 01:30
        "2026-04-05T02:00+1030",
        "2026-04-05T03:00+1030",
        "2026-04-05T03:10+1030",
    ]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    weeks = local("2026-03-04T00:00", "2026-03-17T00:00", "week", "Europe/Berlin")
    assert [at[:10] for at in weeks] == ["2026-03-04", "2026-03-09", "2026-03-16", "2026-03-17"]
    months = local("2025-12-15T00:00", "2026-02-02T00:00", "month", "Europe/Berlin")
    assert [at[:10] for at in months] == ["2025-12-15", "2026-01-01", "2026-02-01", "2026-02-02"]


def test_a_day_without_midnight_and_a_day_that_never_was() -> None:
    assert local("2018-11-03T12:00", "2018-11-04T12:00", "day", "America/Sao_Paulo")[1] == "2018-11-04T01:00-0200"
    apia = local("2011-12-29T00:00", "2012-01-01T00:00", "day", "Pacific/Apia")
    assert [at[:10] for at in apia] == ["2011-12-29", "2011-12-31", "2012-01-01"]


@settings(max_examples=200, deadline=None)
@given(
    start=st.datetimes(datetime(1999, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001
    hours=st.floats(0.001, 2000),
    granularity=st.sampled_from(GRANULARITIES),
    name=st.sampled_from(
        ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "Australia/Lord_Howe", "Africa/Casablanca"]
    ),
)
def test_steps_are_gap_free_and_begin_at_full_wall_clock_times(
    start: datetime, hours: float, granularity: Granularity, name: str
) -> None:
    since = start.replace(tzinfo=UTC)
    until = since + timedelta(hours=min(hours, 160) if granularity == "minute" else hours)
    found = borders(since, until, granularity, zone(name))
    assert (found[0], found[-1]) == (since, until)
    assert all(one < other for one, other in pairwise(found))
    limit = {"minute": 1 / 60, "hour": 1, "day": 25, "week": 24 * 7 + 1, "month": 24 * 31 + 1}[granularity]
    assert all(other - one <= timedelta(hours=limit) for one, other in pairwise(found))
    for at in found[1:-1]:
        wall = at.astimezone(zone(name))
        if granularity not in ("minute", "hour"):
            assert wall.hour <= 1
            assert wall.weekday() == 0 or granularity != "week"
            assert wall.day == 1 or granularity != "month"


def test_too_many_steps_are_refused_with_both_numbers() -> None:
    exact = borders(NOW - timedelta(hours=MAX_BUCKETS - 1), NOW, "hour", UTC)
    assert len(exact) - 1 == MAX_BUCKETS
    for hours in (MAX_BUCKETS, 10 * MAX_BUCKETS):
        with pytest.raises(BadInputError, match=rf"{hours + 1:,} steps of one hour are too many; at most 10,000"):
            borders(NOW - timedelta(hours=hours), NOW, "hour", UTC)


def test_instants_as_microseconds_and_back() -> None:
    for at in (NOW, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)):
        assert from_us(to_us(at)) == at
    assert from_us(day_start_us(NOW.date())) == NOW.replace(hour=0, minute=0, second=0, microsecond=0)
