"""Conditions on reports: what can be said, and whether it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports.condition import CONDITION_CHARS, NUMBERS, parse_condition
from tests.reports.delivery_samples import empty, month
from warehouse.errors import BadInputError


def value(key: str) -> float:
    found = next(metric.value for metric in month().metrics if metric.key == key)
    assert found is not None
    return found


def test_each_number_is_compared_by_each_sign() -> None:
    model = month()
    for name, number in NUMBERS.items():
        found = number.of(model)
        assert found is not None, name
        unit = "s" if name in ("p50", "p95") else ""
        text = f"{found:.6f}".rstrip("0").rstrip(".")
        assert float(text) == pytest.approx(found, abs=1e-6)
        more, less = f"{found + 0.01:.6f}", f"{max(found - 0.01, 0):.6f}"
        assert parse_condition(f"{name}<{more}{unit}").holds(model), name
        assert parse_condition(f"{name}>={less}{unit}").holds(model), name
        assert not parse_condition(f"{name}>{more}{unit}").holds(model), name
        assert not parse_condition(f"{name}={more}{unit}").holds(model), name
        assert parse_condition(f"{name}!={more}{unit}").holds(model), name


def test_units_are_understood() -> None:
    model, rate, p95_s = month(), value("success_rate"), value("p95")
    above = f"{rate * 100 + 0.1:.4f}"
    assert parse_condition(f"success_rate<{above}%").holds(model)
    assert parse_condition(f"success_rate<{float(above) / 100:.6f}").holds(model)
    assert parse_condition(f"p95>{p95_s * 1000 - 1:.0f}ms").holds(model)
    assert parse_condition(f"p95<{p95_s + 60:.0f}s").holds(model)
    assert parse_condition("p95<10min").holds(model)
    assert parse_condition("p50<1h").holds(model)


def test_conditions_are_joined_by_one_word() -> None:
    model = month()
    assert parse_condition("failures>0 and executions>0").holds(model)
    assert not parse_condition("failures>0 and executions>100000000").holds(model)
    assert parse_condition("failures>0 or executions>100000000").holds(model)
    with pytest.raises(BadInputError, match="both `and` and `or`"):
        parse_condition("failures>0 and executions>0 or new_errors>0")


def test_the_tone_is_that_of_the_verdict() -> None:
    for tone in ("good", "bad", "watch", "neutral"):
        model = month(verdict=replace(month().verdict, tone=tone))
        assert parse_condition(f"tone={tone}").holds(model)
        assert not parse_condition(f"tone != {tone}").holds(model)


def test_what_a_report_does_not_have_meets_nothing() -> None:
    for sign in ("<", "<=", ">", ">=", "=", "!="):
        assert not parse_condition(f"success_rate{sign}50%").holds(empty())
        assert not parse_condition(f"p95{sign}1s").holds(empty())
    assert parse_condition("executions=0").holds(empty())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no comparison"),
        ("failures", "is no comparison"),
        ("failures>", "is no comparison"),
        ("failures>ten", "compared with a number"),
        ("failures>-1", "is no comparison"),
        ("failures>10%", "wants no unit"),
        ("failures>10 and", "is no comparison"),
        ("flavour>1", "'flavour' is not known"),
        ("success_rate<95", "a ratio from 0 to 1"),
        ("success_rate<0.95s", "wants one of %, none"),
        ("p95>30", "wants one of ms, s, min, h"),
        ("tone=red", "good, bad, watch, neutral"),
        ("tone>bad", "compared by = or !="),
        ("__import__('os').system('true')", "is no comparison"),
        ("failures>1; executions>1", "is no comparison"),
        ("failures>1 " + "and failures>1 " * 30, f"at most {CONDITION_CHARS}"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_what_can(text: str, why: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_condition(text)
    assert why in str(refused.value)
    assert refused.value.field == "onlyWhen"
