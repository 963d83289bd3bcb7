"""Instants in a caller's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.reading.selection import Selection, just_after, parse_instant, resolve_window
from warehouse.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("2026-11-23", "UTC", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23", "Europe/Berlin", datetime(2026, 11, 22, 23, tzinfo=UTC)),
        ("2026-11-23T10:00", "Europe/Berlin", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("2026-11-23T10:00:00Z", "Europe/Berlin", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T10:00:00.250+02:00", "UTC", datetime(2026, 11, 23, 8, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-11-23T10:00:00 02:00", "UTC", datetime(2026, 11, 23, 8, tzinfo=UTC)),
    ],
)
def test_instants_and_dates_are_read(text: str, timezone: str, expected: datetime) -> None:
    assert parse_instant("since", text, timezone) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-11-23T25:00", "0001-01-01T00:00:00+14:00", "1e9"]
)
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInputError, match="2026-11-23T10:00:00Z") as caught:
        parse_instant("since", text)
    assert repr(text) in str(caught.value)


def test_latest_is_the_second_after_the_newest_record() -> None:
    newest = datetime(2026, 11, 23, 10, 0, 0, 999_999, tzinfo=UTC)
    window = resolve_window(Selection(until="latest"), lambda: newest)
    assert window.until == datetime(2026, 11, 23, 10, 0, 1, tzinfo=UTC)
    assert window.since is None
    assert just_after(None) is None


def test_a_period_and_a_since_contradict_each_other() -> None:
    with pytest.raises(BadInputError, match="give one of them"):
        resolve_window(Selection(period="7d", since="2026-11-01"), lambda: None)
