"""Lasting changes: planted ones are found, noise, cycles and busy days are not told."""

from __future__ import annotations

import pytest

from reports.regressions import Blocks, find
from tests.reports.alarm_rates import Case, measure

REPORTS = 12


@pytest.mark.parametrize("days", [7, 30])
def test_noise_raises_no_alarm(days: int) -> None:
    """The promised rate is 1 % of reports; two of twelve would be far from it."""
    assert measure(Case(days, 1.0), REPORTS).false_alarms <= 1


def test_a_large_lasting_change_is_found_where_it_began() -> None:
    rates = measure(Case(30, 2.0, 14), REPORTS)
    assert rates.missed <= 3
    assert rates.false_alarms <= 1
    assert rates.late_blocks is not None
    assert rates.late_blocks <= 1


def test_a_change_that_does_not_last_is_none() -> None:
    slots = [n % 28 for n in range(140)]
    level = [1.0 + 0.02 * ((n * 7919) % 13) for n in range(140)]
    bump = [value * (3 if 118 <= n < 124 else 1) for n, value in enumerate(level)]
    lasting = [value * (3 if n >= 118 else 1) for n, value in enumerate(level)]
    found = find([Blocks([50] * 140, values) for values in (level, bump, lasting)], 112, slots)
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert found[2].block == 118
    assert found[2].ratio == pytest.approx(3, rel=0.1)


def test_too_little_is_not_tested() -> None:
    assert find([Blocks([5] * 140, [1.0] * 140)], 112, [0] * 140) == [None]
    assert find([Blocks([50] * 140, [None] * 140)], 112, [0] * 140) == [None]
    assert find([], 0, []) == []
