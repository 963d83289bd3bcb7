"""Lists: paging through them gives exactly the filtered, sorted rows, whatever the sort; details are whole."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.hand_lake import HandLake, execution, random_executions
from tests.warehouse.records import Record, batch
from warehouse import list_chunks
from warehouse.duck import Session, connect
from warehouse.errors import BadInputError
from warehouse.filters import ExecutionFilter
from warehouse.lake import Lake
from warehouse.listing import (
    SORTS,
    ListQuery,
    ListSort,
    Memory,
    PageKey,
    find_execution,
    list_executions,
)
from warehouse.rollup_cache import RollupCache
from warehouse.schema import SCHEMAS, Status, TableName
from warehouse.snapshot import Snapshot

FIRST = datetime(2026, 6, 10, 20, tzinfo=UTC)
PLACED = pl.coalesce("started_at", "created_at")
DETAILS: tuple[TableName, ...] = ("node_runs", "payloads", "logs")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    found = connect()
    yield found
    found.close()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> HandLake:
    """Seven dates, some with several files; many equal instants and durations, some without any."""
    found = HandLake.create(tmp_path_factory.mktemp("lake"))
    for seed, count, days in ((1, 250, 6.0), (2, 120, 2.5), (3, 60, 1.0)):
        found.add("executions", random_executions(seed, count, FIRST, days))
    return found


def expected(lake: HandLake, filter: ExecutionFilter, sort: ListSort) -> list[str]:
    """The ids that a whole list must have, by Polars."""
    frame = lake.frame("executions").filter(
        PLACED.ge(filter.since) if filter.since else pl.lit(True),
        PLACED.lt(filter.until) if filter.until else pl.lit(True),
        pl.col("status").is_in(filter.statuses) if filter.statuses else pl.lit(True),
        pl.col("workflow_id").is_in(filter.workflow_ids) if filter.workflow_ids else pl.lit(True),
        pl.col("mode").is_in(filter.modes) if filter.modes else pl.lit(True),
        pl.col("duration_s") >= filter.min_duration_s if filter.min_duration_s is not None else pl.lit(True),
    )
    key = PLACED if sort.endswith("startedAt") else pl.col("duration_s")
    down = sort.startswith("-")
    return frame.sort(key, "id", descending=[down, down], nulls_last=True)["id"].to_list()


def all_pages(session: Session, snapshot: Snapshot, query: ListQuery) -> list[str]:
    """The ids of all pages, one after the other."""
    found: list[str] = []
    total = None
    while True:
        page = list_executions(session, snapshot, query)
        total = page.total if total is None else total
        ids = page.rows["id"].to_pylist()
        found += ids
        assert page.rows.schema.equals(SCHEMAS["executions"])
        assert page.total == total
        assert len(ids) == query.limit or page.next_key is None
        if page.next_key is None:
            assert len(found) == total
            return found
        query = replace(query, after=page.next_key)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 43, 430, 431])
def test_pages_are_the_whole_list(session: Session, lake: HandLake, sort: ListSort, limit: int) -> None:
    chosen = ExecutionFilter(since=FIRST + timedelta(days=5)) if limit == 1 else ExecutionFilter()
    query = ListQuery(chosen, sort, limit)
    assert all_pages(session, lake.snapshot, query) == expected(lake, chosen, sort)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.sampled_from(SORTS),
    limit=st.integers(20, 90),
    since=st.none() | st.integers(0, 150).map(lambda hours: FIRST + timedelta(hours=hours)),
    length=st.none() | st.integers(0, 100),
    statuses=st.sets(st.sampled_from(["success", "failed", "queued", "running"]), max_size=2).map(sorted),
    workflows=st.sampled_from([(), ("wf_0",), ("wf_1", "wf_9")]),
    min_duration_s=st.sampled_from([None, 0.0, 0.001, 2.0]),
)
def test_any_filter_sort_and_limit(
    session: Session,
    lake: HandLake,
    sort: ListSort,
    limit: int,
    since: datetime | None,
    length: int | None,
    statuses: list[Status],
    workflows: tuple[str, ...],
    min_duration_s: float | None,
) -> None:
    until = None if length is None else (since or FIRST) + timedelta(hours=length)
    chosen = ExecutionFilter(since, until, workflows, tuple(statuses), min_duration_s=min_duration_s)
    wanted = expected(lake, chosen, sort)
    assert all_pages(session, lake.snapshot, ListQuery(chosen, sort, limit)) == wanted
    assert list_executions(session, lake.snapshot, ListQuery(chosen, limit=1)).total == len(wanted)


@pytest.fixture
def rollups(lake: HandLake, tmp_path: Path) -> Iterator[RollupCache]:
    """Those of all but two files of the lake."""
    with ThreadPoolExecutor(2) as executor:
        found = RollupCache(tmp_path, executor)
        found.get(lake.snapshot.files["executions"][2:])
        yield found


@pytest.mark.parametrize("few", [1, 40])
def test_pages_from_rollups_are_the_same(
    session: Session, lake: HandLake, rollups: RollupCache, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the size of the chunks; files without a rollup are walked beside them."""
    monkeypatch.setattr(list_chunks, "_FEW", few)
    monkeypatch.setattr(list_chunks, "_MANY", 2 * few)
    memory = Memory()
    for chosen in (
        ExecutionFilter(),
        ExecutionFilter(statuses=("failed", "running")),
        ExecutionFilter(FIRST + timedelta(hours=30, minutes=10), FIRST + timedelta(hours=77, seconds=1)),
        ExecutionFilter(workflow_ids=("wf_1", "wf_3"), modes=("webhook", "retry"), since=FIRST + timedelta(hours=3)),
        ExecutionFilter(min_duration_s=1.0),
        ExecutionFilter(workflow_ids=("no such",)),
    ):
        for sort in ("startedAt", "-startedAt"):
            wanted = expected(lake, chosen, sort)
            for limit in (29, 400):
                query = ListQuery(chosen, sort, limit)
                found: list[str] = []
                while True:
                    page = list_executions(session, lake.snapshot, query, rollups=rollups, memory=memory)
                    assert page.total == len(wanted)
                    found += page.rows["id"].to_pylist()
                    if page.next_key is None:
                        break
                    query = replace(query, after=page.next_key)
                assert found == wanted


def test_a_page_seen_before_opens_no_file(
    session: Session, lake: HandLake, rollups: RollupCache, tmp_path: Path
) -> None:
    rollups.get(lake.snapshot.files["executions"])
    memory, query = Memory(), ListQuery(ExecutionFilter(statuses=("failed",)), limit=5)
    page = list_executions(session, lake.snapshot, query, rollups=rollups, memory=memory)
    gone = tuple(replace(file, path=str(tmp_path / "gone")) for file in lake.snapshot.files["executions"])
    snapshot = replace(lake.snapshot, files={**lake.snapshot.files, "executions": gone})
    again = list_executions(session, snapshot, query, rollups=rollups, memory=memory)
    assert again.rows.equals(page.rows)
    assert (again.total, again.next_key) == (page.total, page.next_key)


def test_a_page_opens_only_the_dates_it_needs(session: Session, lake: HandLake, tmp_path: Path) -> None:
    newest = max(file.date for file in lake.snapshot.files["executions"])
    gone = tuple(
        file if file.date == newest else replace(file, path=str(tmp_path / "gone.parquet"), rows=1_000_000)
        for file in lake.snapshot.files["executions"]
    )
    snapshot = replace(lake.snapshot, files={**lake.snapshot.files, "executions": gone})
    own = ListQuery(ExecutionFilter(), limit=3)
    # The newest date alone is small; it is read together with the one before, which is not there.
    big = tuple(replace(file, rows=1_000_000) for file in gone)
    snapshot = replace(snapshot, files={**snapshot.files, "executions": big})
    page = list_executions(session, snapshot, own)
    assert page.rows["id"].to_pylist() == expected(lake, ExecutionFilter(), "-startedAt")[:3]
    assert page.total == 1_000_000 * len(big)  # from the log alone
    assert list_executions(session, snapshot, own, with_total=False).total is None


def test_a_page_after_a_key_is_stable_while_rows_are_added(session: Session, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    lake.add("executions", [execution(f"{n:03}", FIRST + timedelta(minutes=n)) for n in range(30)])
    page = list_executions(session, lake.snapshot, ListQuery(limit=10))
    lake.add("executions", [execution(f"{n:03}", FIRST + timedelta(minutes=n)) for n in range(30, 60)])
    after = list_executions(session, lake.snapshot, ListQuery(limit=10, after=page.next_key))
    assert [row["id"] for row in after.records()] == [f"{n:03}" for n in range(19, 9, -1)]


def test_an_empty_lake_has_an_empty_page(session: Session, tmp_path: Path) -> None:
    lake = HandLake.create(tmp_path)
    for sort in SORTS:
        page = list_executions(session, lake.snapshot, ListQuery(sort=sort))
        assert (page.rows.num_rows, page.total, page.next_key) == (0, 0, None)
    assert find_execution(session, lake.snapshot, "x") is None


@pytest.mark.parametrize(
    ("sort", "after"),
    [("startedAt", (1.0, "x")), ("-duration", (FIRST, "x")), ("startedAt", (None, "x")), ("duration", (True, "x"))],
)
def test_a_key_of_another_sort_is_refused(sort: ListSort, after: PageKey) -> None:
    with pytest.raises(BadInputError, match="begin with the first page"):
        ListQuery(sort=sort, after=after)


def test_limits_and_sorts_are_checked() -> None:
    for limit in (0, 10_001):
        with pytest.raises(BadInputError, match=f"limit is {limit}; allowed: 1 to 10000"):
            ListQuery(limit=limit)
    with pytest.raises(BadInputError, match="allowed: startedAt, -startedAt, duration, -duration"):
        ListQuery(sort="id")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A real lake of two loads over three dates, with node runs, payloads and logs; a few odd ids."""
    found = Lake.open(str(tmp_path_factory.mktemp("whole")), create=True)
    ids = [*(str(n) for n in range(60)), "ünï 'quoted'", "\U0001f600", "\uffff", "A" * 512]
    for part in (ids[:40], ids[40:]):
        records = [
            Record(
                key,
                started=len(part) * at % 4000,
                nodes=at % 4,
                payload=f"p{key[:9]}" if at % 3 else None,
                logs=("one", "two") if at % 5 == 0 else (),
            )
            for at, key in enumerate(part)
        ]
        found.write(batch(records))
    yield found
    found.close()


def test_every_execution_is_found_whole(whole: Lake) -> None:
    snapshot = whole.snapshot()
    ids = [row["id"] for row in list_executions(whole.session, snapshot, ListQuery(limit=100)).records()]
    assert len(ids) == 64
    for key in ids:
        detail = find_execution(whole.session, snapshot, key)
        assert detail is not None
        assert detail.record()["id"] == key
        assert detail.execution.num_rows == 1
        assert detail.node_runs.num_rows == detail.record()["node_count"]
        assert detail.node_runs["order_index"].to_pylist() == list(range(detail.node_runs.num_rows))
        assert set(detail.node_runs["execution_id"].to_pylist()) <= {key}
        assert set(detail.payloads["data"].to_pylist()) <= {f'"p{key[:9]}"'}
        assert detail.logs["message"].to_pylist() in ([], ["one", "two"])
        for table in DETAILS:
            assert getattr(detail, table).schema.equals(SCHEMAS[table])
    details = [find_execution(whole.session, snapshot, key) for key in ids]
    for table in DETAILS:
        assert sum(getattr(detail, table).num_rows for detail in details) == snapshot.rows(table)


def test_what_is_not_there_is_none_and_tables_can_be_left_out(whole: Lake) -> None:
    snapshot = whole.snapshot()
    for missing in ("", "60", "0 ", "zz", "\x00", "'; DROP TABLE x; --"):
        assert find_execution(whole.session, snapshot, missing) is None
    detail = find_execution(whole.session, snapshot, "5", tables=DETAILS[:1])
    assert detail is not None
    assert (detail.node_runs.num_rows > 0, detail.payloads.num_rows, detail.logs.num_rows) == (True, 0, 0)


def test_files_that_cannot_hold_the_id_are_not_opened(whole: Lake) -> None:
    snapshot = whole.snapshot()
    broken = {
        table: tuple(
            file
            if file.min_key is None or file.min_key <= "17" <= (file.max_key or "17")
            else replace(file, path="/gone")
            for file in files
        )
        for table, files in snapshot.files.items()
    }
    far = replace(snapshot.files["executions"][0], min_key="x", max_key="y", path="/gone")
    tampered = replace(snapshot, files={**broken, "executions": (*broken["executions"], far)})
    assert find_execution(whole.session, tampered, "17") is not None
