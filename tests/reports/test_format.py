"""Numbers as text: tables of examples, and what must hold for every number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import format as fmt

BERLIN = "Europe/Berlin"


def plain(text: str) -> str:
    """With ordinary spaces, to be read in a table."""
    return text.replace(fmt.NBSP, " ").replace(fmt.THIN, " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0, "0"), (7, "7"), (999, "999"), (1000, "1 000"), (1284302, "1 284 302"), (-4200, "−4 200"),
        (2**63, "9 223 372 036 854 775 808"),
    ],
)  # fmt: skip
def test_count(value: float | None, text: str) -> None:
    assert plain(fmt.count(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0, "0 s"), (0.00002, "<0.1 ms"), (0.0042, "4.2 ms"), (0.82, "820 ms"), (0.9994, "999 ms"),
        (0.9996, "1.0 s"), (3.2, "3.2 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"),
        (250, "4 min 10 s"), (240, "4 min"), (3599.7, "1 h"), (7500, "2 h 5 min"), (7200, "2 h"),
        (47.99 * 3600, "47 h 59 min"), (76 * 3600, "3 d 4 h"), (400 * 86400, "400 d"), (-3.2, "−3.2 s"),
    ],
)  # fmt: skip
def test_duration(value: float | None, text: str) -> None:
    assert plain(fmt.duration(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0, "0 %"), (1, "100 %"), (0.982, "98.2 %"), (0.5, "50.0 %"), (0.9999, "99.99 %"),
        (0.99996, "99.996 %"), (0.9999999, ">99.999 %"), (0.0004, "0.04 %"), (0.000001, "<0.001 %"), (-0.25, "−25.0 %"),
        (0.000499, "0.05 %"),
    ],
)  # fmt: skip
def test_percent(value: float | None, text: str) -> None:
    assert plain(fmt.percent(value)) == text


@pytest.mark.parametrize(
    ("value", "signed", "words"),
    [
        (None, "–", "–"), (0.12, "+12 %", "12 %"), (-0.45, "−45 %", "45 %"), (0.004, "+0.4 %", "0.4 %"),
        (2.4, "×3.4", "3.4×"), (1.0, "×2.0", "2.0×"), (0.0, "±0 %", "0.0 %"), (34.0, "×35", "35×"),
        (-1.0, "−100 %", "100 %"),
    ],
)  # fmt: skip
def test_relative_change(value: float | None, signed: str, words: str) -> None:
    assert plain(fmt.signed_relative(value)) == signed
    assert plain(fmt.relative(value)) == words


@pytest.mark.parametrize(
    ("value", "signed", "words"),
    [
        (None, "–", "–"), (0.012, "+1.2 pp", "1.2 points"), (-0.01, "−1.0 pp", "1.0 point"),
        (0.0005, "+0.05 pp", "0.05 points"), (0.0, "±0 pp", "0.00 points"),
    ],
)  # fmt: skip
def test_change_in_points(value: float | None, signed: str, words: str) -> None:
    assert plain(fmt.signed_points(value)) == signed
    assert plain(fmt.points(value)) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (3200, "3.2 kB"),
        (41_000_000, "41 MB"),
        (999_600, "1.0 MB"),
        (5e15, "5 000 TB"),
    ],
)
def test_size(value: float | None, text: str) -> None:
    assert plain(fmt.size(value)) == text


def test_instants_are_in_the_time_zone_of_the_report() -> None:
    at = datetime(2026, 5, 12, 12, 5, tzinfo=UTC)
    assert plain(fmt.instant(at, BERLIN)) == "12 May 2026, 14:05 CEST"
    assert plain(fmt.instant(at, "America/Sao_Paulo")) == "12 May 2026, 09:05 UTC−03"
    assert plain(fmt.instant(at, "UTC")) == "12 May 2026, 12:05 UTC"
    assert fmt.instant(None, BERLIN) == "–"
    assert fmt.utc(at) == "2026-05-12T12:05:00Z"


@pytest.mark.parametrize(
    ("granularity", "name", "inside"),
    [
        ("hour", "Tue 12 May, 00:00", "on Tue 12 May, 00:00"),
        ("day", "Tue 12 May", "on Tue 12 May"),
        ("week", "week of 12 May", "in the week of 12 May"),
        ("month", "May 2026", "in May 2026"),
    ],
)
def test_steps(granularity: str, name: str, inside: str) -> None:
    start = datetime(2026, 5, 11, 22, tzinfo=UTC)
    assert plain(fmt.step(start, granularity, BERLIN)) == name
    assert plain(fmt.within(start, granularity, BERLIN)) == inside


def test_the_hour_that_comes_twice_has_two_names() -> None:
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    names = [plain(fmt.step(first + timedelta(hours=hour), "hour", BERLIN)) for hour in range(3)]
    assert names == ["Sun 25 Oct, 02:00 CEST", "Sun 25 Oct, 02:00 CET", "Sun 25 Oct, 03:00"]


def test_spans_and_ranges() -> None:
    start = datetime(2026, 5, 11, 22, tzinfo=UTC)
    assert plain(fmt.span(start, start + timedelta(hours=3), "hour", BERLIN)) == "on Tue 12 May, 00:00–03:00"
    assert plain(fmt.span(start, start + timedelta(days=1), "day", BERLIN)) == "on Tue 12 May"
    assert plain(fmt.span(start, start + timedelta(days=2), "day", BERLIN)) == "from Tue 12 May to Wed 13 May"
    assert plain(fmt.date_range(start - timedelta(days=30), start, BERLIN)) == "12 Apr – 11 May 2026"
    assert plain(fmt.date_range(start - timedelta(days=365), start, BERLIN)) == "12 May 2025 – 11 May 2026"
    assert plain(fmt.date_range(start - timedelta(days=1), start, BERLIN)) == "11 May, 00:00 – 12 May 2026, 00:00"


@pytest.mark.parametrize(
    ("period", "this", "before"),
    [
        ("24h", "these 24 hours", "the 24 hours before"), ("30d", "these 30 days", "the 30 days before"),
        ("1h", "this hour", "the hour before"), ("1y", "this year", "the year before"),
        ("custom", "this period", "the period before"),
    ],
)  # fmt: skip
def test_period_words(period: str, this: str, before: str) -> None:
    assert tuple(plain(word) for word in fmt.period_words(period, timedelta(minutes=90))) == (this, before)


@pytest.mark.parametrize(
    ("length", "this"),
    [(timedelta(days=7), "these 7 days"), (timedelta(hours=36), "these 36 hours"), (timedelta(days=1), "this day")],
)
def test_a_custom_period_is_called_by_its_length(length: timedelta, this: str) -> None:
    assert plain(fmt.period_words("custom", length)[0]) == this


def test_clean_takes_out_what_is_not_seen() -> None:
    assert fmt.clean("a\x00b\u202ec\r\nd\u2028e\tf") == "a\ufffdb\ufffdc\nd\ufffde\tf"
    assert fmt.clean("受注 مزامنة") == "受注 مزامنة"


@given(st.floats(min_value=0, max_value=1))
def test_percent_never_says_all_or_nothing_falsely(ratio: float) -> None:
    text = plain(fmt.percent(ratio))
    assert (text == "100 %") == (ratio * 100 == 100)
    assert (text == "0 %") == (ratio == 0)


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=1.1, max_value=1e3))
def test_a_number_never_breaks_from_its_unit(value: float, factor: float) -> None:
    for text in (fmt.duration(value), fmt.size(value), fmt.signed_relative(factor), fmt.percent(value)):
        pieces = text.split(" ")
        assert all(piece[-1].isalpha() or piece[-1] in "%×" or piece[0] == "×" for piece in pieces), text


@given(st.floats(min_value=0.001, max_value=1e8))
def test_a_duration_is_said_to_within_six_per_cent(value: float) -> None:
    units = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
    text = plain(fmt.duration(value))
    total, number = 0.0, ""
    for word in text.split():
        if word in units:
            total += float(number) * units[word]
            number = ""
        else:
            number += word
    assert total == pytest.approx(value, rel=0.06)


def test_days_in_which_the_clocks_change_are_days() -> None:
    for hours, days in ((167, 7), (168, 7), (169, 7), (719, 30), (721, 30), (8760, 365)):
        assert fmt.period_words("custom", timedelta(hours=hours))[0] == f"these {days}{fmt.NBSP}days"
    for hours in (23, 25, 47, 49, 166, 170):
        assert fmt.period_words("custom", timedelta(hours=hours))[0] == f"these {hours}{fmt.NBSP}hours"
