"""Whether an alert fires: every kind, and what no sequence of looks may do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.evaluate import evaluate
from api.alerts.message import render, rule_text
from api.alerts.numbers import Numbers
from tests.api.alerts.rules import at, rule
from warehouse.errors import BadInputError
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alert_state import AlertState


def numbers(value: float | None, base: int = 100, seconds: float = 0, **fields: Any) -> Numbers:
    return Numbers(None, at(seconds), value, int(value or 0), base, (), **fields)


def changes(of: AlertRule, looks: Sequence[tuple[float, float | None]]) -> list[tuple[float, str]]:
    """(second, change) of looks at (second, value)."""
    state, found = AlertState(), list[tuple[float, str]]()
    for second, value in looks:
        done = evaluate(of, numbers(value, seconds=second), state, at(second))
        state = done.state
        if done.change is not None:
            found.append((second, done.change))
    return found


def test_it_fires_at_the_threshold_and_is_resolved_below_it_for_one_window() -> None:
    looks = [(0, 1.0), (30, 2.0), (60, 3.0), (90, 1.0), (120, 2.0), (150, 1.9), (420, 1.9), (450, 0.0), (480, 0.0)]
    assert changes(rule(window_s=300), looks) == [(30, "firing"), (450, "resolved")]


def test_a_resolve_threshold_resolves_at_once_and_nothing_else_does() -> None:
    of = rule(window_s=60, threshold=10.0, resolve_threshold=5.0)
    assert changes(of, [(0, 10.0), (30, 9.0), (600, 6.0), (630, 5.0)]) == [(0, "firing"), (630, "resolved")]


def test_without_a_number_it_does_not_fire_and_is_resolved_after_a_window() -> None:
    looks = [(0, None), (30, 4.0), (60, None), (90, None), (119, None), (120, None)]
    for of in (rule(window_s=60), rule(window_s=60, resolve_threshold=1.0)):
        assert changes(of, looks) == [(30, "firing"), (120, "resolved")]


def test_too_few_executions_are_no_reason() -> None:
    of = rule("failureRate", min_count=20)
    assert evaluate(of, numbers(1.0, base=19), AlertState(), at(0)).change is None
    assert evaluate(of, numbers(1.0, base=20), AlertState(), at(0)).change == "firing"


def test_the_cool_down_counts_from_firing_to_firing() -> None:
    of = rule(window_s=60, resolve_threshold=0.0, cooldown_s=600)
    looks = [(0, 2.0), (30, 0.0), (60, 2.0), (599, 2.0), (600, 2.0)]
    assert changes(of, looks) == [(0, "firing"), (30, "resolved"), (600, "firing")]


def test_a_look_that_does_not_go_forward_changes_nothing() -> None:
    state = AlertState(evaluated_at=at(30))
    for second in (0, 30):
        assert evaluate(rule(), numbers(9.0), state, at(second)).state is state


@given(
    looks=st.lists(st.tuples(st.integers(-40, 400), st.sampled_from([None, 0.0, 1.0, 2.0, 5.0])), max_size=60),
    cooldown_s=st.sampled_from([0, 60, 900]),
    resolve=st.sampled_from([None, 0.0, 1.0]),
    kind=st.sampled_from(["failures", "silence"]),
)
def test_no_sequence_fires_twice_without_a_resolve_or_within_the_cool_down(
    looks: list[tuple[int, float | None]], cooldown_s: int, resolve: float | None, kind: Any
) -> None:
    limits = {} if kind == "silence" else {"resolve_threshold": resolve}
    second, timed = 0, []
    for step, value in looks:
        second += step
        timed.append((float(second), value))
    found = changes(rule(kind, cooldown_s=cooldown_s, **limits), timed)
    assert [change for _, change in found] == (["firing", "resolved"] * len(found))[: len(found)]
    fired = [second for second, change in found if change == "firing"]
    assert all(after - before >= cooldown_s for before, after in pairwise(fired))
    assert [second for second, _ in found] == sorted({second for second, _ in found})


@given(st.lists(st.sets(st.sampled_from("abcdef")), max_size=30), st.sampled_from([0, 90, 600]))
def test_each_new_error_is_told_once_while_it_is_in_the_window(windows: list[set[str]], cooldown_s: int) -> None:
    of = rule("newError", cooldown_s=cooldown_s)
    state, told = AlertState(), list[str]()
    for number, present in enumerate(windows):
        told = [one for one in told if one in present or number == 0]
        fresh = tuple(sorted(present - set(state.told)))
        seen = numbers(float(len(fresh)), fresh=fresh, present=tuple(sorted(present)))
        done = evaluate(of, seen, state, at(30 * number))
        if done.change == "firing":
            assert fresh
            assert not set(fresh) & set(told)
            told += fresh
        if number == 0:
            told = sorted(present)
            assert done.change is None
        state = done.state
        assert set(state.told) <= present


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"kind": "other"}, "failureRate, failures, p95"),
        ({"threshold": None}, "wants a threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"threshold": 0.0}, "threshold"),
        ({"kind": "p95", "threshold": 1.0}, "above 1"),
        ({"window_s": 59}, "window"),
        ({"window_s": 32 * 86_400}, "window"),
        ({"cooldown_s": -1}, "cooldown"),
        ({"min_count": 0}, "minCount"),
        ({"past_windows": 2}, "pastWindows"),
        ({"aggregate": "min"}, "aggregate"),
        ({"resolve_threshold": 2.0}, "resolveThreshold"),
        ({"workflow_id": ""}, "workflowId"),
        ({"emails": ("ops@example.org\nBcc: x@example.org",)}, "emails"),
        ({"emails": ("nobody",)}, "emails"),
        ({"emails": ("ops@example.org",) * 21}, "at most 20"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        AlertRule(**{"name": "x", "kind": "failures", "threshold": 2.0, **fields})


def test_the_message_says_numbers_rule_and_link_and_lets_no_markup_through() -> None:
    of = rule("failureRate", name="<b>pay</b>", window_s=900, min_count=20, workflow_id="wf_1")
    seen = Numbers(at(0) - timedelta(minutes=15), at(0), 0.625, 25, 40, (("filter[status]", "failed"),))
    told = {"numbers": seen.json(of), "url": seen.url("https://runs.example.org/")}
    found = render(of, "firing", at(0), told)
    assert found["subject"] == "[runlake] FIRING: <b>pay</b>"
    for text in (found["text"], found["html"]):
        for part in (rule_text(of), "0.625", "0.5", "25", "2026-03-01T11:45:00Z to 2026-03-01T12:00:00Z"):
            assert part in text
    assert "https://runs.example.org/v1/executions?filter%5Bstatus%5D=failed" in found["text"]
    assert 'href="https://runs.example.org/v1/executions?filter%5Bstatus%5D=failed"' in found["html"]
    assert "<b>" not in found["html"]
