"""Every benchmark on a small lake: the results are equal. How fast they are is not looked at."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import warehouse
from tests.bench.__main__ import main
from tests.bench.data import SCALE, BenchData, end_of
from tests.bench.questions import QUESTIONS
from tests.bench.questions.statistics import OFF_THE_HOUR, ask
from tests.bench.reference import Reference, assert_equal
from tests.bench.show import table
from tests.bench.timing import alternate


@pytest.fixture(scope="module")
def data() -> Iterator[BenchData]:
    # Not pytest's: as root, PostgreSQL runs as another user, who must reach its folder.
    with tempfile.TemporaryDirectory(prefix="runlake-bench-") as folder:
        Path(folder).chmod(0o711)
        yield BenchData(
            Path(folder),
            executions=20_000,
            days=62,
            ingest_records=1_000,
            memory_file_bytes=4_000_000,
            http_requests=5,
            http_pages=20,
            memory_requests=40,
            stream_subscribers=120,
            stream_seconds=0.5,
        )


@pytest.mark.parametrize("name", QUESTIONS)
def test_question(data: BenchData, name: str, request: pytest.FixtureRequest) -> None:
    if name.startswith("http_"):
        request.getfixturevalue("postgres_cluster_url")  # skipped where no server is installed
    measures = QUESTIONS[name].run(data, 1)
    assert measures
    assert {measure.question for measure in measures} == {name}
    assert all(value > 0 for measure in measures for value in measure.values)
    assert len(table(measures).splitlines()) == len(measures) + 2


def test_the_data_is_made_once(data: BenchData) -> None:
    lake, large = data.lake(), data.large_lake()
    made_at = large.stat().st_mtime_ns
    assert (data.lake(), data.large_lake()) == (lake, large)
    assert large.stat().st_mtime_ns == made_at
    with warehouse.open(lake) as small, warehouse.open(large) as house:
        rows = small.snapshot().rows("executions")
        assert 19_900 <= rows <= 20_000  # all but those that have not ended
        assert house.snapshot().rows("executions") == SCALE * rows
        assert house.lake.verify() == []


def test_another_number_is_noticed(data: BenchData) -> None:
    with warehouse.open(data.lake()) as house:
        period = timedelta(days=1)
        until = end_of(house.snapshot()) - OFF_THE_HOUR
        found = ask(house, until, period)
        reference = Reference(house.snapshot(), until, period)
        rows, lean = reference.ask(until), reference.ask_lean(until)
        reference.close()
    assert_equal(found, rows, lean)
    assert found.totals.avg_s is not None
    assert found.totals.p95_s is not None
    wrong = [
        replace(found.totals, executions=found.totals.executions + 1),
        replace(found.totals, by_status={**found.totals.by_status, "failed": -1}),
        replace(found.totals, avg_s=found.totals.avg_s * 1.000001),
        replace(found.totals, p95_s=found.totals.p95_s * 1.021),
    ]
    for totals in wrong:
        with pytest.raises(AssertionError, match="the period"):
            assert_equal(replace(found, totals=totals), rows, lean)
    with pytest.raises(AssertionError, match="hours outside"):
        assert_equal(replace(found, buckets=tuple(b for b in found.buckets if not b.totals.executions)), rows, lean)
    with pytest.raises(AssertionError, match="number of workflows"):
        assert_equal(replace(found, workflows_total=found.workflows_total + 1), rows, lean)


def test_the_command(data: BenchData, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    arguments = ["bytes", "--lake", str(data.lake()), "--data", str(tmp_path), "--runs", "1", "--json", str(figures)]
    status = main(arguments)
    (measure,) = json.loads(figures.read_text("utf-8"))["measures"]
    assert (status == 0) == measure["kept"]
    assert "| bytes " in capsys.readouterr().out
    assert main(["--list"]) == 0
    with pytest.raises(SystemExit, match="2"):
        main(["nothing"])


def test_they_take_turns() -> None:
    seen: list[str] = []
    pairs = alternate(lambda run: seen.append(f"a{run}"), lambda run: seen.append(f"b{run}"), 2)
    assert seen == ["a0", "b0", "a0", "b0", "a1", "b1"]
    assert len(pairs.ratios()) == 2
