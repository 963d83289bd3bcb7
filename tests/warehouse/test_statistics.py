"""Statistics against a recount of the records, over random data, periods, steps, zones and filters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.hand_lake import HandLake, execution, random_executions
from tests.warehouse.statistics_reference import assert_equals_recount
from warehouse import duck
from warehouse.duck import Session
from warehouse.errors import BadInputError
from warehouse.period import GRANULARITIES
from warehouse.rollup_cache import RollupCache, prune_folder
from warehouse.schema import MODES, STATUSES
from warehouse.statistics import StatisticsQuery, statistics

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""

NOW = datetime(2026, 3, 10, 9, 17, 23, 456789, UTC)
"""Two days after New York changed its clocks."""


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    session = duck.connect()
    yield session
    session.close()


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> HandLake:
    """12 days in March, in two or three files a day, the last minutes after NOW."""
    lake = HandLake.create(tmp_path_factory.mktemp("lake"))
    first = NOW - timedelta(days=12)
    lake.add("executions", random_executions(1, 1500, first, 12))
    lake.add("executions", random_executions(2, 500, first + timedelta(days=3), 9.1))
    lake.add("executions", random_executions(3, 30, first + timedelta(days=11), 1))
    return lake


@pytest.fixture(scope="module")
def rollups(lake: HandLake, executor: ThreadPoolExecutor) -> RollupCache:
    return RollupCache(lake.folder / "rollups", executor)


ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Chatham", "Australia/Lord_Howe"]

QUERIES = [
    StatisticsQuery(),
    StatisticsQuery("1h"),
    StatisticsQuery("7d", workflows_limit=3),
    StatisticsQuery("7d", granularity="hour"),
    StatisticsQuery("30d"),
    StatisticsQuery("1y", granularity="month"),
    StatisticsQuery("90d", granularity="week", workflows_limit=0),
    StatisticsQuery("7d", workflow_id="wf_1"),
    StatisticsQuery("7d", workflow_id="nobody"),
    StatisticsQuery("7d", statuses=("failed", "timeout")),
    StatisticsQuery("7d", modes=("webhook",), statuses=("success", "queued")),
    StatisticsQuery("24h", modes=("manual", "retry"), workflow_id="wf_0"),
    StatisticsQuery(since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 3, 8, tzinfo=UTC)),
    StatisticsQuery(since=datetime(2026, 3, 3, 5, 10, tzinfo=UTC), until=datetime(2026, 3, 3, 5, 50, tzinfo=UTC)),
    *(StatisticsQuery("7d", granularity=step, timezone=name) for name in ZONES[1:] for step in ("hour", "day", "week")),
]


@pytest.mark.parametrize("query", QUERIES)
def test_equals_a_recount(session: Session, lake: HandLake, rollups: RollupCache, query: StatisticsQuery) -> None:
    found = statistics(session, lake.snapshot, rollups, query, now=NOW)
    assert_equals_recount(found, lake.frame("executions"), query)


@settings(max_examples=20 * SCALE, deadline=None)
@given(
    since=st.integers(0, 12 * 86_400),
    length=st.one_of(st.integers(1, 7200), st.integers(1, 12 * 24).map(lambda hours: hours * 3600)),
    aligned=st.booleans(),
    granularity=st.sampled_from(GRANULARITIES),
    timezone=st.sampled_from(ZONES),
    workflow_id=st.sampled_from([None, None, "wf_0", "wf_3"]),
    workflow_ids=st.sampled_from([(), (), (), ("wf_0", "wf_2"), ("wf_1", "no such")]),
    statuses=st.sets(st.sampled_from(STATUSES), max_size=3).map(tuple),
    modes=st.sets(st.sampled_from(MODES), max_size=2).map(tuple),
    limit=st.integers(0, 7),
)
def test_equals_a_recount_for_any_question(
    session: Session,
    lake: HandLake,
    rollups: RollupCache,
    since: int,
    length: int,
    aligned: bool,
    granularity: str,
    timezone: str,
    workflow_id: str | None,
    workflow_ids: tuple[str, ...],
    statuses: tuple[str, ...],
    modes: tuple[str, ...],
    limit: int,
) -> None:
    length = min(length, 300 * 60) if granularity == "minute" else length  # each step is recounted
    start = NOW - timedelta(days=12) + timedelta(seconds=since)
    if aligned:
        start = start.replace(minute=0, second=0, microsecond=0)
    query = StatisticsQuery(
        since=start,
        until=start + timedelta(seconds=length),
        granularity=granularity,
        workflow_id=workflow_id,
        workflow_ids=workflow_ids,
        statuses=statuses,  # type: ignore[arg-type]
        modes=modes,  # type: ignore[arg-type]
        timezone=timezone,
        workflows_limit=limit,
    )
    found = statistics(session, lake.snapshot, rollups, query, now=NOW)
    assert_equals_recount(found, lake.frame("executions"), query)


@settings(max_examples=6 * SCALE, deadline=None)
@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_equals_a_recount_while_files_come_and_go(
    session: Session, executor: ThreadPoolExecutor, seed: int, counts: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as folder:
        lake = HandLake.create(Path(folder))
        rollups = RollupCache(Path(folder) / "rollups", executor)
        for step, count in enumerate(counts):
            lake.add("executions", random_executions(seed * 10 + step, count, NOW - timedelta(days=2), 2))
            files = lake.snapshot.files["executions"]
            victim = files[int(rng.integers(0, len(files)))]
            rows = lake.frame("executions").filter(False).to_dicts() if rng.random() < 0.3 else []
            if rng.random() < 0.7:
                rows = random_executions(seed * 10 + step + 5, 5, NOW - timedelta(days=1), 1)
            lake.replace_file("executions", victim, rows)
            live = {file.name for file in lake.snapshot.files["executions"]}
            rollups.discard({file.name for file in files} - live)
            prune_folder(Path(folder) / "rollups", live)
            query = StatisticsQuery("24h", granularity="hour", timezone=ZONES[step])
            found = statistics(session, lake.snapshot, rollups, query, now=NOW)
            assert_equals_recount(found, lake.frame("executions"), query)


def test_an_empty_lake(session: Session, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    found = statistics(session, lake.snapshot, RollupCache(tmp_path / "r", executor), StatisticsQuery("24h"), now=NOW)
    assert (found.totals.executions, found.totals.avg_s, found.totals.success_rate) == (0, None, None)
    assert len(found.buckets) == 25  # 23 whole hours, one cut at each end
    assert all(bucket.totals.executions == 0 and bucket.totals.p50_s is None for bucket in found.buckets)
    assert (found.workflows, found.workflows_total, found.as_of, found.lake_version) == ((), 0, None, 0)


def test_queued_executions_only(session: Session, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    lake.add("executions", [execution(n, NOW - timedelta(minutes=n), queued=True) for n in range(1, 4)])
    query = StatisticsQuery("1h")
    found = statistics(session, lake.snapshot, RollupCache(tmp_path / "r", executor), query, now=NOW)
    assert found.totals.by_status == {**dict.fromkeys(STATUSES, 0), "queued": 3}
    assert (found.totals.timed, found.totals.success_rate, found.totals.max_s) == (0, None, None)
    assert_equals_recount(found, lake.frame("executions"), query)


def test_intervals_are_half_open(session: Session, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    hour = timedelta(hours=1)
    lake.add("executions", [execution(n, NOW - n * hour) for n in range(3)])
    found = statistics(session, lake.snapshot, RollupCache(tmp_path / "r", executor), StatisticsQuery("1h"), now=NOW)
    assert found.totals.executions == 1  # placed at since; the one at until is not in
    assert found.previous.executions == 1


def test_sums_beyond_the_exact_floating_point_numbers(
    session: Session, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    lake = HandLake.create(tmp_path)
    longest_s = 4_000_000_000.000001
    lake.add("executions", [execution(n, NOW - timedelta(minutes=n), duration_s=longest_s) for n in range(1, 6)])
    found = statistics(session, lake.snapshot, RollupCache(tmp_path / "r", executor), StatisticsQuery("1h"), now=NOW)
    assert found.totals.total_s == 5 * 4_000_000_000_000_001 / 1e6
    assert found.totals.max_s == found.totals.p99_s == longest_s


BAD = [
    (StatisticsQuery("2h"), r"unknown period '2h'; allowed: 1h, 24h, 7d, 30d, 90d, 1y"),
    (StatisticsQuery(granularity="second"), r"unknown granularity 'second'; allowed: minute, hour, day, week, month"),
    (StatisticsQuery(timezone="Mars/Base"), r"unknown timezone 'Mars/Base'"),
    (StatisticsQuery(timezone="../etc/passwd"), r"unknown timezone"),
    (StatisticsQuery(statuses=("lost",)), r"unknown status 'lost'; allowed: queued, running"),  # type: ignore[arg-type]
    (StatisticsQuery(modes=("magic",)), r"unknown mode 'magic'; allowed: manual"),  # type: ignore[arg-type]
    (StatisticsQuery(since=NOW, until=NOW), r"is not before until"),
    (StatisticsQuery(since=datetime(2026, 1, 1)), r"has no time zone"),  # noqa: DTZ001
    (StatisticsQuery(since=datetime(1, 1, 1, tzinfo=UTC)), r"too long"),
    (StatisticsQuery(since=datetime(2020, 1, 1, tzinfo=UTC), granularity="hour"), r"at most 10,000 are allowed"),
    (StatisticsQuery(workflows_limit=-1), r"workflows_limit -1 is not in 0\.\.10000"),
]


@pytest.mark.parametrize(("query", "message"), BAD)
def test_what_cannot_be_answered_is_refused_with_the_allowed_values(
    session: Session, lake: HandLake, rollups: RollupCache, query: StatisticsQuery, message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        statistics(session, lake.snapshot, rollups, query, now=NOW)
