"""From records in a lake to a page: the numbers of the model are those of the records."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reports.data import make
from reports.model import ReportModel
from reports.render import render
from reports.request import ReportRequest
from tests.warehouse.hand_lake import HandLake, execution, node_run
from warehouse import duck
from warehouse.capacity_door import CapacityQuestions
from warehouse.duck import Session
from warehouse.error_statistics import error_statistics
from warehouse.lru import Lru
from warehouse.node_statistics import node_statistics
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.rollup_cache import RollupCache
from warehouse.snapshot import Snapshot
from warehouse.statistics import StatisticsQuery, statistics

UNTIL = datetime(2026, 3, 15, tzinfo=UTC)
QUERY = ReportRequest(period="7d", until=UNTIL)


class Door(CapacityQuestions):
    """The warehouse's answers on a lake written by hand."""

    def __init__(self, lake: HandLake, session: Session, rollups: RollupCache) -> None:
        self.lake, self._session, self.rollups = lake, session, rollups
        self._answers = Lru(1)

    def _snapshot(self, *, details: bool = False) -> Snapshot:
        return self.lake.snapshot

    def statistics(self, query: StatisticsQuery, /) -> Statistics:
        return statistics(self._session, self.lake.snapshot, self.rollups, query, now=UNTIL)

    def nodes(self, query: StatisticsQuery, /) -> NodeStatistics:
        assert query.since is not None
        assert query.until is not None
        return node_statistics(
            self._session,
            self.lake.snapshot,
            self.rollups,
            since=query.since,
            until=query.until,
            workflow_ids=query.workflow_ids,
        )

    def errors(self, query: StatisticsQuery, /) -> ErrorStatistics:
        assert query.since is not None
        assert query.until is not None
        return error_statistics(
            self._session,
            self.lake.snapshot,
            self.rollups,
            since=query.since,
            until=query.until,
            workflow_ids=query.workflow_ids,
            statuses=query.statuses,
            modes=query.modes,
        )


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Two weeks: every hour one execution of `w`, in the second every sixth one fails; `old` ran before only."""
    lake = HandLake.create(tmp_path_factory.mktemp("lake"))
    hours = [UNTIL - timedelta(hours=back) for back in range(14 * 24, 0, -1)]
    rows = []
    for number, at in enumerate(hours):
        failed = number >= 168 and number % 6 == 0
        error: dict[str, Any] = {}
        if failed:
            error = {"error_type": "HttpError", "error_message": "503 <b>", "error_fingerprint": "v1:a"}
        status = "failed" if failed else "success"
        rows.append(execution(number, at, duration_s=2.0, status=status, workflow_name="Sync", **error))
    old = [execution(f"old-{n}", hours[n], workflow_id="old", workflow_name="Old export") for n in range(30)]
    lake.add("executions", [*rows, *old])
    runs = [node_run(number, 0, node_name="Fetch", started_at=at, duration_s=1.5) for number, at in enumerate(hours)]
    lake.add("node_runs", runs)
    session = duck.connect()
    with ThreadPoolExecutor(1) as executor:
        yield Door(lake, session, RollupCache(lake.folder / "rollups", executor))
    session.close()


@pytest.fixture(scope="module")
def model(door: Door) -> ReportModel:
    return make(door, QUERY, generated_at=UNTIL)


def test_the_numbers_are_those_of_the_records(model: ReportModel) -> None:
    found = {metric.key: [metric.value, metric.previous] for metric in model.metrics}
    wanted = {"executions": [168, 198], "failures": [28, 0], "success_rate": [140 / 168, 1], "total_time": [336, 366]}
    for key, values in wanted.items():
        assert found[key] == pytest.approx(values), key
    assert [point.executions for point in model.points] == [24] * 7
    assert list(model.workflows[0].series) == [24] * 7
    assert [(row.name, row.runs, row.exclusive_s) for row in model.nodes] == [("Fetch", 168, 252.0)]
    assert [(row.message, row.executions, row.is_new) for row in model.errors] == [("503 <b>", 28, True)]
    assert model.as_of == UNTIL - timedelta(hours=1) + timedelta(seconds=2)


def test_the_findings_are_those_of_the_records(model: ReportModel) -> None:
    rules = {finding.rule: finding.text for finding in model.headline}
    assert {"success_rate", "new_errors", "workflow_stopped"} <= set(rules)
    assert "Old export" in rules["workflow_stopped"]
    assert "503 &lt;b&gt;" in render(model)


def test_filters_are_told_and_parts_that_do_not_follow_them_say_so(door: Door) -> None:
    one = make(
        door, ReportRequest(period="7d", until=UNTIL, workflow_ids=("w",), statuses=("success",)), generated_at=UNTIL
    )
    assert [(item.name, item.value) for item in one.filters] == [("workflow", "Sync"), ("status", "success")]
    assert one.metrics[0].value == 140
    assert one.section("nodes").summary.endswith("This part is not restricted by status.")
    assert one.section("errors").empty == "Nothing failed in this period."
    assert "new_errors" not in {finding.rule for finding in one.headline}


def test_a_period_before_all_records(door: Door) -> None:
    empty = make(door, ReportRequest(period="7d", until=UNTIL - timedelta(days=90)), generated_at=UNTIL)
    assert empty.verdict.rule == "empty"
    assert "The newest record is of" in render(empty)
