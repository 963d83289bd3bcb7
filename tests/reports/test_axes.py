"""Axes: every value is on them, ticks are few, in order, and say different things."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import axes
from reports.model import Point, StatusCounts

NOTHING = StatusCounts(0, 0, 0, 0, 0, 0)


def plain(texts: tuple[str, ...]) -> list[str]:
    return [text.replace("\u00a0", " ").replace("\u202f", " ") for text in texts]


def check(axis: axes.Axis, lowest: float, highest: float) -> None:
    """What holds for every axis."""
    place = math.log10 if axis.logarithmic else float
    assert axis.low < axis.high
    assert axis.low <= place(lowest) + 1e-9
    assert place(highest) - 1e-9 <= axis.high
    assert 1 <= len(axis.values) == len(axis.texts) <= 12
    assert list(axis.values) == sorted(set(axis.values))
    assert len(set(axis.texts)) == len(axis.texts)
    assert all(axis.low - 1e-9 <= place(value) <= axis.high + 1e-9 for value in axis.values)


@given(st.integers(0, 10**12))
def test_counts(highest: int) -> None:
    check(axes.counts(highest), 0, highest)


@given(st.floats(0, 1))
def test_rates(lowest: float) -> None:
    check(axes.rates(lowest), lowest, 1)


@given(st.floats(0.001, 1e7), st.floats(1, 1e5))
def test_durations(lowest: float, factor: float) -> None:
    check(axes.durations(lowest, lowest * factor), lowest, lowest * factor)


def test_examples() -> None:
    assert plain(axes.counts(9972).texts) == ["0", "5 000", "10 000"]
    assert plain(axes.counts(3).texts) == ["0", "1", "2", "3"]
    assert plain(axes.rates(0.958).texts) == ["95 %", "96 %", "97 %", "98 %", "99 %", "100 %"]
    assert plain(axes.durations(4, 36).texts) == ["0 s", "10 s", "20 s", "30 s"]
    assert plain(axes.durations(0.2, 90).texts) == ["100 ms", "1 s", "10 s", "1 min"]
    assert plain(axes.durations(0, 0).texts) == ["0 s", "1 ms"]


@pytest.mark.parametrize(("number", "limit", "ticks"), [(24, 10, 8), (24, 4, 4), (720, 10, 10), (1, 10, 1), (0, 10, 0)])
def test_hours_are_marked_on_round_hours(number: int, limit: int, ticks: int) -> None:
    start = datetime(2026, 10, 10, 6, tzinfo=UTC)
    points = [
        Point(start + timedelta(hours=n), start + timedelta(hours=n + 1), 0, NOTHING, 0, 0, None, None, None, None)
        for n in range(number)
    ]
    places, texts = axes.steps(points, "hour", "Europe/Berlin", limit)
    assert len(places) == len(texts) == ticks
    if number >= 24:
        every = {24: 3 if limit == 10 else 6, 720: 24}[number]
        assert all(points[place].start.astimezone(ZoneInfo("Europe/Berlin")).hour % every == 0 for place in places)
