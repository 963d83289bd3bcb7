"""What the simulator plans: reproducible, and as it was asked for."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from statistics import median
from typing import Any

import pytest

from api.simulate import Server, SimulateOptions
from api.simulate.incidents import FAILURE_RATE, SLOWER
from api.simulate.plan import Plan, Planner
from warehouse.errors import BadInputError

QUIET: dict[str, Any] = {"incident_every_s": 0.0}


def plans(count: int, **options: Any) -> list[Plan]:
    return list(islice(Planner(SimulateOptions(**options)).plans(), count))


def test_the_same_seed_plans_the_same_and_another_one_other_things() -> None:
    assert plans(500, seed=7) == plans(500, seed=7)
    assert plans(500, seed=7, max_waiting=3, duration_s=1.0) == plans(500, seed=7)
    first, other = plans(50, seed=7), plans(50, seed=8)
    assert {one.workflow.id for one in first}.isdisjoint(one.workflow.id for one in other)
    assert [one.starts_s for one in first] != [one.starts_s for one in other]


def test_executions_come_at_the_rate_and_as_in_a_poisson_process() -> None:
    found = plans(20_000, rate=50.0, **QUIET)
    gaps_s = [later.starts_s - one.starts_s for one, later in pairwise(found)]
    assert min(gaps_s) >= 0
    mean_s = sum(gaps_s) / len(gaps_s)
    assert mean_s == pytest.approx(1 / 50, rel=0.03)
    variance = sum((gap_s - mean_s) ** 2 for gap_s in gaps_s) / len(gaps_s)
    assert variance == pytest.approx(mean_s**2, rel=0.1)  # of an exponential distribution


def test_speed_compresses_what_an_execution_does_and_not_the_rate() -> None:
    usual, fast = plans(200, **QUIET), plans(200, speed=10.0, **QUIET)
    assert [one.starts_s for one in usual] == [one.starts_s for one in fast]
    for one, other in zip(usual, fast, strict=True):
        assert sum(other.node_s) == pytest.approx(sum(one.node_s) / 10)
        assert (other.queue_s, other.limit_s) == pytest.approx((one.queue_s / 10, one.limit_s / 10))
        assert (one.workflow, one.fail_node, one.error_message) == (
            other.workflow,
            other.fail_node,
            other.error_message,
        )


def test_there_are_the_usual_failures_modes_and_waits() -> None:
    found = plans(20_000, **QUIET)
    assert 0.005 < sum(one.fail_node is not None for one in found) / len(found) < 0.05
    assert 0.3 < sum(one.is_queued for one in found) / len(found) < 0.4
    assert {one.mode for one in found} == {"manual", "scheduled", "webhook", "trigger"}
    shares = Counter(one.workflow.id for one in found).most_common()
    assert len(shares) == 40
    assert shares[0][1] > 5 * shares[20][1]
    for one in found:
        assert len(one.node_s) == len(one.workflow.nodes)
        assert (one.error_type is None) == (one.error_message is None) == (one.fail_node is None)
        assert one.error_message is None or "{" not in one.error_message


def test_an_incident_touches_what_it_says_while_it_lasts() -> None:
    options = SimulateOptions(rate=200.0, incident_every_s=20.0)
    planner = Planner(options)
    quiet = plans(20_000, rate=200.0, **QUIET)
    touched: dict[Any, list[tuple[Plan, Plan]]] = {}
    for one, usual in zip(islice(planner.plans(), 20_000), quiet, strict=True):
        incident = planner.incidents.at(one.starts_s)
        node = incident.node_of(one.workflow) if incident is not None else None
        if incident is None or node is None:
            assert one == usual
        else:
            touched.setdefault(incident, []).append((one, usual))
    assert [(one.kind, one.workflow is None) for one in touched] == [
        ("fails", False), ("slows", True), ("fails", True), ("slows", False), ("fails", False),
    ]  # fmt: skip
    for incident, pairs in touched.items():
        assert len(pairs) > 20
        assert 0.25 * 20 <= incident.until_s - incident.since_s <= 0.5 * 20
        if incident.kind == "fails":
            failed = [one for one, _ in pairs if one.fail_node is not None]
            assert len(failed) / len(pairs) == pytest.approx(FAILURE_RATE, abs=0.15)
            assert {one.error_type for one in failed} == {incident.family.type}
        else:
            ratios = [
                one.node_s[incident.node_of(one.workflow) or 0] / usual.node_s[incident.node_of(one.workflow) or 0]
                for one, usual in pairs
            ]
            assert median(ratios) == pytest.approx(SLOWER)


def test_a_retry_begins_where_it_is_asked_to_and_never_fails_before() -> None:
    planner = Planner(SimulateOptions(**QUIET))
    flow = planner.workflows[0]
    assert planner.workflow(flow.id) is flow
    assert planner.workflow("wf_none") is None
    found = [planner.retry(flow, 3.0, 2, f"exec_{number}") for number in range(2_000)]
    assert {(one.first_node, one.mode, one.is_queued, one.starts_s) for one in found} == {(2, "retry", False, 3.0)}
    assert {one.fail_node for one in found} - {None} <= set(range(2, len(flow.nodes)))
    assert planner.retry(flow, 3.0, 2, "exec_1") == found[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 0.0}, "--rate is 0"),
        ({"rate": float("nan")}, "--rate is nan"),
        ({"workflows": 0}, "--workflows is 0; allowed: 1 to 5000"),
        ({"speed": -1.0}, "--speed is -1"),
        ({"seed": -1}, "--seed is -1"),
        ({"incident_every_s": -1.0}, "--incident is -1"),
        ({"duration_s": float("inf")}, "--duration is inf"),
        ({"executions": 0}, "--executions is 0"),
    ],
)
def test_what_cannot_be_simulated_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said.replace("[", "\\[")):
        SimulateOptions(**options)


@pytest.mark.parametrize(
    "url", ["", "runlake.example.org", "ftp://a", "http://", "http://u:secret@a", "http://a/?k=secret", "http://a:x"]
)
def test_what_is_no_address_of_a_server_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadInputError) as refused:
        Server(url)
    assert "secret" not in str(refused.value)
    assert "http://127.0.0.1:8080" in str(refused.value)


def test_a_token_is_never_shown() -> None:
    assert "rl_secret" not in repr(Server("http://a", "rl_secret"))
    with pytest.raises(BadInputError) as refused:
        Server("http://a", "rl_secret\nX-Other: 1")
    assert "rl_secret" not in str(refused.value)
