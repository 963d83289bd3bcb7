"""When a cron rule is due: against a slow reading of the same words, and around both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.schedules.due import check_cron, latest_due, next_due
from warehouse.errors import BadInputError

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def local_times(cron: str, timezone: str, after: datetime, count: int) -> list[str]:
    """The next instants on the wall clock, with their offset."""
    found, at = [], after
    for _ in range(count):
        following = next_due(cron, timezone, at)
        assert following is not None
        at = following
        found.append(at.astimezone(ZoneInfo(timezone)).strftime("%d.%m. %H:%M %z"))
    return found


def by_brute_force(minute: int, hours: list[int], weekdays: list[int], timezone: str, after: datetime) -> datetime:
    """Every day, every hour: the first instant later than `after` of a rule with fixed minute and hours.

    A wall-clock time that does not exist is the instant at which the clocks go forward; of one that exists twice it is
    the first.
    """
    zone, found = ZoneInfo(timezone), []
    first = after.astimezone(zone).date() - timedelta(days=2)
    for day in (first + timedelta(days=number) for number in range(12)):
        if weekdays and day.isoweekday() % 7 not in weekdays:
            continue
        found += [instant_of(day, hour, minute, zone) for hour in hours]
    return min(at for at in found if at > after)


def instant_of(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    at = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, time(hour, minute)):
        return at
    # It does not exist: the first instant of that day whose clock shows more.
    step = datetime.combine(day, time(), zone).astimezone(UTC)
    while step.astimezone(zone).replace(tzinfo=None) < datetime.combine(day, time(hour, minute)):
        step += timedelta(minutes=1)
    return step


@given(
    st.integers(0, 59),
    st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(0, 6), max_size=3, unique=True),
    st.sampled_from(ZONES),
    st.integers(0, 365 * 24 * 60),
)
def test_it_is_what_a_slow_reading_finds(
    minute: int, hours: list[int], weekdays: list[int], timezone: str, minutes: int
) -> None:
    cron = f"{minute} {','.join(map(str, hours))} * * {','.join(map(str, weekdays)) or '*'}"
    after = YEAR + timedelta(minutes=minutes)
    assert next_due(cron, timezone, after) == by_brute_force(minute, hours, weekdays, timezone, after)


@given(
    st.sampled_from(("*/15 * * * *", "0 * * * *", "30 2 * * *", "0 2,3 * * *", "15 0 1 * *", "0 8 * * MON")),
    st.sampled_from(ZONES),
    st.integers(0, 365 * 24 * 60),
)
def test_instants_ascend_and_none_is_jumped_over_by_asking_later(cron: str, timezone: str, minutes: int) -> None:
    at = YEAR + timedelta(minutes=minutes)
    following = next_due(cron, timezone, at)
    assert following is not None
    assert following > at
    assert next_due(cron, timezone, at + (following - at) / 2) == following
    assert next_due(cron, timezone, following - timedelta(microseconds=1)) == following


def test_where_the_clocks_go_forward_a_lost_time_is_made_up_once() -> None:
    assert local_times("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 27, 12, tzinfo=UTC), 3) == [
        "28.03. 02:30 +0100",
        "29.03. 03:00 +0200",
        "30.03. 02:30 +0200",
    ]
    assert local_times("0 2,3 * * *", "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == [
        "29.03. 03:00 +0200",
        "30.03. 02:00 +0200",
    ]


def test_where_the_clocks_go_back_a_time_that_comes_twice_counts_once() -> None:
    assert local_times("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), 3) == [
        "25.10. 02:30 +0200",
        "26.10. 02:30 +0100",
        "27.10. 02:30 +0100",
    ]


def test_a_server_that_is_started_in_the_hour_that_comes_twice_does_not_run_it_again() -> None:
    between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 02:45, the first time
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10, the second time
    for at in (between, second):
        assert local_times("30 2 * * *", "Europe/Berlin", at, 1) == ["26.10. 02:30 +0100"]


def test_every_hour_stays_every_hour_when_the_clocks_change() -> None:
    for begin in (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)):
        at, found = begin, []
        for _ in range(10):
            following = next_due("0 * * * *", "Europe/Berlin", at)
            assert following is not None
            found.append(at := following)
        assert {later - one for one, later in pairwise(found)} == {timedelta(hours=1)}


def test_of_what_was_missed_the_last_counts_and_the_others_are_counted() -> None:
    first = datetime(2026, 11, 2, 7, tzinfo=UTC)
    for days, latest, others in ((0, 2, 0), (6, 2, 0), (7, 9, 1), (21, 23, 3)):
        found = latest_due("0 8 * * MON", "Europe/Berlin", first, first + timedelta(days=days))
        assert found == (datetime(2026, 11, latest, 7, tzinfo=UTC), others)


def test_after_years_the_last_instant_is_found_without_walking_them() -> None:
    first = datetime(2016, 1, 1, tzinfo=UTC)
    until = datetime(2026, 11, 24, 3, 17, tzinfo=UTC)
    assert latest_due("*/5 * * * *", "UTC", first, until) == (datetime(2026, 11, 24, 3, 15, tzinfo=UTC), 1000)
    assert latest_due("0 0 29 2 *", "UTC", datetime(2016, 2, 29, tzinfo=UTC), until)[0] == datetime(
        2024, 2, 29, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("0 8 * *", "it has not five fields"),
        ("0 0 8 * * MON", "it has not five fields"),
        ("@weekly", "it has not five fields"),
        ("61 * * * *", "Bad minute"),
        ("0 8 30 2 *", "Bad day-of-month"),
        ("0 8 * * XYZ", "Bad day-of-week"),
        ("* * * * *", "more often than every 5 minutes"),
        ("0,2 8 * * *", "more often than every 5 minutes"),
        ("0 " * 60, "it has not five fields"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_what_is_wanted(cron: str, why: str) -> None:
    with pytest.raises(BadInputError, match=why) as refused:
        check_cron(cron, "UTC")
    assert refused.value.field == "cron"
    assert "0 8 * * MON" in str(refused.value)


@pytest.mark.parametrize(
    "cron", ["*/5 * * * *", "0 8 * * MON", "30 7 1 * *", "0 0 L * *", "0 9 * * FRI#1", "0 0 29 2 *"]
)
def test_usual_rules_are_taken(cron: str) -> None:
    check_cron(cron, "Europe/Berlin")


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(BadInputError, match="unknown timezone"):
        check_cron("0 8 * * *", "Europe/Nowhere")
