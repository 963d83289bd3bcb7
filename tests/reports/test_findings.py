"""The rules: what is announced, what is noise, and in which words."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from reports import compare, incidents
from reports.build import MAX_STEPS, build
from reports.extras import Extras
from reports.model import Point, ReportModel, StatusCounts
from tests.reports import samples
from tests.reports.golden import month_model, tiny_model
from warehouse.errors import BadInputError
from warehouse.results import Bucket, ErrorStatistics, NodeStatistics, Totals, WorkflowTotals


def one(now: Totals, before: Totals, *, workflows: tuple[WorkflowTotals, ...] = (), **more: object) -> ReportModel:
    """A report of a single day with these totals."""
    statistics = replace(
        samples.empty()[0],
        buckets=(Bucket(samples.UNTIL - timedelta(days=1), samples.UNTIL, now),),
        totals=now,
        previous=before,
        workflows=workflows,
        workflows_total=len(workflows),
    )
    nodes = NodeStatistics(statistics.since, statistics.until, (), 0, None, 1)
    errors = ErrorStatistics(statistics.since, statistics.until, (), 0, now.failures, None, 1)
    return build(statistics, nodes, errors, generated_at=samples.GENERATED_AT, **more)  # type: ignore[arg-type]


def rules(model: ReportModel) -> dict[str, str]:
    return {finding.rule: finding.tone for finding in model.headline}


def test_what_was_planted_in_the_month_is_found() -> None:
    found = rules(month_model())
    assert found == {
        "success_rate": "bad",
        "failure_peak": "bad",
        "workflow_success_rate": "bad",
        "new_errors": "bad",
        "regression": "bad",
        "still_failing": "watch",
        "volume": "neutral",
    }
    texts = {finding.rule: finding.text for finding in month_model().headline}
    assert "Lead enrichment" in texts["workflow_success_rate"]
    assert "Invoice PDF" in texts["regression"]
    assert "Mon\u00a020\u00a0Apr" in texts["failure_peak"]


def test_bad_findings_come_first() -> None:
    tones = [finding.tone for finding in month_model().headline]
    assert tones == sorted(tones, key=["bad", "watch", "neutral", "good"].index)


@pytest.mark.parametrize("seed", range(40))
def test_chance_is_not_announced(seed: int) -> None:
    rng = random.Random(seed)
    halves = [samples.totals(400 - bad, bad, p50_s=rng.uniform(1.0, 1.05)) for bad in (rng.randint(14, 26), 20)]
    assert set(rules(one(*halves))) <= {"success_rate", "volume"}
    assert set(rules(one(*halves)).values()) == {"neutral"}


def test_few_executions_are_not_judged() -> None:
    model = one(samples.totals(2, 8, p50_s=60), samples.totals(10, p50_s=1))
    assert model.verdict.rule == "few"
    assert "bad" not in rules(model).values()


def test_a_clear_fall_is_bad_and_a_clear_rise_is_good() -> None:
    low, high = samples.totals(900, 100, p50_s=1), samples.totals(990, 10, p50_s=1)
    assert rules(one(low, high))["success_rate"] == "bad"
    assert rules(one(high, low))["success_rate"] == "good"
    metric = {metric.key: metric for metric in one(low, high).metrics}
    assert metric["success_rate"].change.tone == metric["failures"].change.tone == "bad"
    assert metric["executions"].change.tone == "neutral"
    fewer = {metric.key: metric for metric in one(samples.totals(80, 20), samples.totals(9900, 100)).metrics}
    assert (fewer["success_rate"].change.tone, fewer["failures"].change.tone) == ("bad", "neutral")


def test_all_well_and_nothing_at_all() -> None:
    assert one(samples.totals(500, p50_s=1), samples.totals(500, p50_s=1)).verdict.rule == "all_well"
    assert one(samples.totals(running=3), samples.totals()).verdict.rule == "unfinished"
    empty = one(samples.totals(), samples.totals(40))
    assert (empty.verdict.rule, empty.verdict.tone, empty.headline) == ("empty", "watch", ())
    assert "40" in empty.verdict.text


def test_a_workflow_that_stopped_is_named_unless_the_list_is_capped() -> None:
    now, before = samples.totals(500, p50_s=1), samples.totals(600, p50_s=1)
    gone = WorkflowTotals("w9", "Nightly export", samples.totals(30), samples.totals())
    here = WorkflowTotals("w1", "Other", now, before)
    model = one(now, before, workflows=(here,), extras=Extras(before=(gone, here)))
    assert rules(model)["workflow_stopped"] == "watch"
    assert "Nightly export" in next(f.text for f in model.headline if f.rule == "workflow_stopped")
    statistics, nodes, errors = samples.tiny()
    capped = replace(statistics, workflows_total=5)
    quiet = build(capped, nodes, errors, generated_at=samples.GENERATED_AT, extras=Extras(before=(gone,)))
    assert "workflow_stopped" not in rules(quiet)


def test_changes_without_a_value_say_why() -> None:
    for model in (tiny_model(), month_model()):
        changes = [metric.change for metric in model.metrics]
        changes += [change for row in model.workflows for change in (row.success_change, row.p95_change)]
        for change in changes:
            assert (change.value is None) == (change.reason is not None) == (change.direction is None)


def test_a_difference_of_rates_is_tested_against_its_spread() -> None:
    now, before = samples.totals(90, 10), samples.totals(96, 4)
    # pooled 186/200 = 0.93; sqrt(0.93 * 0.07 * 0.02) = 0.03608; (0.90 - 0.96) / 0.03608 = -1.663
    assert compare.rate_z(now, before) == pytest.approx(-1.663, abs=0.001)
    assert compare.rate_z(now, samples.totals(5)) is None
    assert compare.rate_z(samples.totals(50), samples.totals(50)) == 0


def _points(failures: list[int], finished: int = 100) -> list[Point]:
    counts = StatusCounts(0, 0, finished, 0, 0, 0)
    start = samples.UNTIL
    return [
        Point(
            start + timedelta(hours=i),
            start + timedelta(hours=i + 1),
            finished,
            counts,
            finished,
            n,
            None,
            None,
            None,
            None,
        )
        for i, n in enumerate(failures)
    ]


def test_failure_peaks() -> None:
    found = incidents.find(_points([2, 2, 3, 40, 50, 2, 2, 12, 2]))
    assert [(peak.first_index, peak.last_index, peak.failures) for peak in found] == [(3, 4, 90), (7, 7, 12)]
    assert incidents.find(_points([2, 2, 3, 9, 2, 2, 2])) == ()
    assert incidents.find(_points([0, 0, 100])) == ()
    assert incidents.find(_points([20, 22, 21, 25, 30, 28, 20])) == ()
    assert incidents.find([]) == ()


def test_too_many_steps_are_refused_with_both_numbers() -> None:
    statistics, nodes, errors = samples.hourly(MAX_STEPS + 1)
    with pytest.raises(BadInputError, match=rf"at most {MAX_STEPS} steps.* has {MAX_STEPS + 1};"):
        build(statistics, nodes, errors, generated_at=samples.GENERATED_AT)


def test_new_errors_come_first_and_long_messages_say_how_long_they_are() -> None:
    rows = month_model().errors
    assert [row.is_new for row in rows] == sorted((row.is_new for row in rows), reverse=True)
    stack = next(row for row in rows if row.error_type == "ExpressionError")
    assert stack.message is not None
    assert len(stack.message) == 500
    assert stack.message_chars == len(samples.STACK)
    assert stack.nodes[-1] == "unknown-node-id"


def test_in_the_first_period_of_a_lake_new_errors_are_no_alarm() -> None:
    statistics, nodes, errors, _ = samples.month()
    first = build(replace(statistics, previous=samples.totals()), nodes, errors, generated_at=samples.GENERATED_AT)
    assert rules(first)["new_errors"] == "watch"
    assert rules(month_model())["new_errors"] == "bad"


def test_a_cut_first_step_is_said() -> None:
    statistics, nodes, errors = samples.hourly(100)
    model = build(statistics, nodes, errors, generated_at=samples.GENERATED_AT)
    assert model.section("executions").summary.endswith("The first hour is not whole.")
