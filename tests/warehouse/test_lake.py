"""A lake's verbs one by one: what they return, what they leave, and what two processes do to each other."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.warehouse.records import Record, at, batch
from warehouse.errors import BadInputError, LakeBusyError, LakeNotFoundError
from warehouse.lake import Lake
from warehouse.retain import retain
from warehouse.scan import attach
from warehouse.schema import KEY_COLUMN, TABLES
from warehouse.settings import LakeSettings
from warehouse.tables import Change

FULL = Record("full", nodes=2, payload="p", logs=("one", "two"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "lake", create=True)


def test_no_lake_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LakeNotFoundError, match=r"there is no lake at .*nothing-here; give"):
        Lake.open(tmp_path / "nothing-here")
    assert not (tmp_path / "nothing-here").exists()


def test_an_empty_location_is_refused() -> None:
    with pytest.raises(BadInputError, match="location is empty"):
        Lake.open("")


def test_a_file_uri_is_a_folder(tmp_path: Path) -> None:
    Lake.open(f"file://{tmp_path}/a%20lake", create=True).write(batch([FULL]))
    assert Lake.open(tmp_path / "a lake").snapshot().rows("executions") == 1


def test_files_carry_bloom_filter_order_and_log_statistics(lake: Lake) -> None:
    lake.write(batch([Record(f"id{n}", started=100 - n, nodes=1, payload="p", logs=("l",)) for n in range(50)]))
    for table in TABLES:
        (file,) = lake.snapshot().files[table]
        assert (file.rows, file.date, file.min_key, file.max_key) == (50, date(2026, 3, 1), "id0", "id9")
        columns = pq.ParquetFile(file.path).metadata.row_group(0)
        assert {columns.column(i).compression for i in range(columns.num_columns)} == {"ZSTD"}
        ((excluded,),) = lake.session.rows(
            "SELECT bloom_filter_excludes FROM parquet_bloom_probe($path, $key, 'not there')",
            {"path": file.path, "key": KEY_COLUMN[table]},
        )
        assert excluded
    (file,) = lake.snapshot().files["executions"]
    started = pq.read_table(file.path, columns=["started_at"])["started_at"].to_pylist()
    assert started == sorted(started)


def test_large_batches_are_divided_into_files(tmp_path: Path) -> None:
    few = LakeSettings(file_rows=dict.fromkeys(TABLES, 10))
    lake = Lake.open(tmp_path, few, create=True)
    lake.write(batch([Record(f"id{n}") for n in range(25)]))
    assert sorted(file.rows for file in lake.snapshot().files["executions"]) == [5, 10, 10]
    assert lake.verify() == []


def test_delete_takes_everything_of_an_execution(lake: Lake) -> None:
    lake.write(batch([FULL, Record("other", nodes=1)]))
    assert lake.delete(["full", "full", "no such"]) == 1
    snapshot = lake.snapshot()
    assert [snapshot.rows(table) for table in TABLES] == [1, 1, 0, 0]
    before = set((Path(lake.uri) / "payloads").rglob("*.parquet"))
    assert before
    lake.vacuum(0)
    assert not set((Path(lake.uri) / "payloads").rglob("*.parquet"))
    assert lake.delete([]) == 0
    assert lake.verify() == []


def test_compaction_keeps_rows_and_order(lake: Lake) -> None:
    for number in range(5):
        lake.write(batch([Record(f"id{number}", started=50 - number, nodes=2, payload="p", logs=("l",))]))
    counts = lake.compact()
    assert (counts.files_before, counts.files_after, counts.partitions) == (20, 4, 4)
    (file,) = lake.snapshot().files["executions"]
    assert pq.read_table(file.path, columns=["id"])["id"].to_pylist() == [f"id{n}" for n in reversed(range(5))]
    assert lake.compact().files_before == 0
    assert lake.verify() == []


def test_a_reader_keeps_its_snapshot_through_changes(lake: Lake) -> None:
    lake.write(batch([FULL, Record("other")]))
    old = lake.snapshot()
    lake.delete(["full"])
    lake.compact()
    session = lake.session.fork()
    attach(session, old)
    assert session.rows("SELECT count(*) FROM executions") == [(2,)]
    attach(session, lake.snapshot())
    assert session.rows("SELECT count(*) FROM executions") == [(1,)]


def test_retention_drops_whole_dates_of_the_tables_that_age(lake: Lake) -> None:
    old = Record("old", started=0, nodes=1, payload="p", logs=("l",))
    young = Record("young", started=60 * 24 * 40, nodes=1, payload="p", logs=("l",))
    lake.write(batch([old, young]))
    now = at(60 * 24 * 40)
    assert retain(lake, now, dry_run=True) == {"executions": 0, "node_runs": 0, "payloads": 1, "logs": 0}
    assert lake.snapshot().rows("payloads") == 2
    assert retain(lake, now)["payloads"] == 1
    assert retain(lake, now, days={"executions": 40}) == {"executions": 1, "node_runs": 1, "payloads": 0, "logs": 1}
    assert lake.verify() == []


def test_the_last_day_of_retention_is_kept(lake: Lake) -> None:
    lake.write(batch([Record("a", started=0)]))
    day_30 = datetime(2026, 3, 30, 23, tzinfo=UTC)
    assert retain(lake, day_30, days={"executions": 30})["executions"] == 0
    assert retain(lake, day_30.replace(day=31), days={"executions": 30})["executions"] == 1


def _damage(lake: Lake, what: str) -> None:
    (file,) = lake.snapshot().files["executions"]
    if what == "gone":
        Path(file.path).unlink()
    elif what == "garbage":
        Path(file.path).write_bytes(b"PAR1 this is no parquet file PAR1")
    else:
        rows = pq.read_table(file.path, partitioning=None)
        if what == "row missing":
            rows = rows.slice(1)
        elif what == "id twice":
            rows = rows.take([0, 0])
        pq.write_table(rows, file.path)


@pytest.mark.parametrize(
    ("what", "check"),
    [("gone", "file opens"), ("garbage", "file opens"), ("row missing", "row count"), ("id twice", "log statistics")],
)
def test_verify_finds_damage(lake: Lake, what: str, check: str) -> None:
    lake.write(batch([Record("a", nodes=1), Record("b", started=1, nodes=1)]))
    assert lake.verify() == []
    _damage(lake, what)
    lake.close()
    assert check in {finding.check for finding in lake.verify()}


def test_verify_finds_orphans(lake: Lake) -> None:
    lake.write(batch([Record("a", nodes=1)]))
    gone = lake.snapshot().files["executions"]
    lake.change(lambda snapshot: Change(None, remove=gone))
    (finding,) = lake.verify()
    assert (finding.check, finding.table, finding.where, finding.rows) == ("orphans", "node_runs", "a", 1)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path, LakeSettings(lock_timeout_s=0.05), create=True)
    other = Lake.open(tmp_path, LakeSettings(lock_timeout_s=0.05))
    with (
        lake.location.writer_lock(1),
        pytest.raises(LakeBusyError, match="another process has been writing"),
    ):
        other.write(batch([FULL]))
    assert other.write(batch([FULL])).new == 1


def test_writers_that_meet_at_the_commit_both_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a bucket, where there is no lock: the second plans anew from what the first has done."""
    first = Lake.open(tmp_path, create=True)
    second = Lake.open(tmp_path)
    first.write(batch([Record("seed", nodes=1)]))
    plans = 0

    def plan_late(snapshot: object) -> Change[int]:
        nonlocal plans
        plans += 1
        if plans == 1:
            with pytest.MonkeyPatch.context() as unlocked:
                unlocked.setattr(type(first.location), "writer_lock", _no_lock)
                first.write(batch([Record("first", nodes=1)]))
        files = second.snapshot().files["executions"] if plans > 1 else snapshot.files["executions"]  # type: ignore[attr-defined]
        return Change(plans, remove=files[:1])

    assert second.change(plan_late) == 2


def _no_lock(self: object, timeout_s: float) -> AbstractContextManager[None]:
    return nullcontext()


WRITER = textwrap.dedent(
    """
    import sys
    from tests.warehouse.records import Record, batch
    from warehouse.lake import Lake
    lake = Lake.open(sys.argv[1])
    for number in range(100_000):
        lake.write(batch([Record(f"id{number}", nodes=2, payload="p", logs=("l",)), Record("same", updated=number)]))
        print(number, flush=True)
    """
)


def test_kill_9_loses_nothing_acknowledged_and_shows_nothing_half(tmp_path: Path) -> None:
    reader = Lake.open(tmp_path, create=True)
    for round_ in range(2):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            time.sleep(0.3 + 0.17 * round_)
            seen = reader.snapshot()
            assert seen.rows("payloads") == seen.rows("executions") - 1
            process.kill()
            acknowledged = [line for line in process.stdout.read().split() if line.isdigit()]
        snapshot = reader.snapshot()
        assert snapshot.rows("executions") - 1 >= max(map(int, acknowledged), default=0) + 1
        assert snapshot.rows("payloads") == snapshot.rows("logs") == snapshot.rows("executions") - 1
        assert snapshot.rows("node_runs") == 2 * snapshot.rows("payloads")
        assert reader.verify() == []
        assert reader.write(batch([Record("after", updated=round_)])).unchanged == 0
        assert reader.delete(["after"]) == 1


def test_executions_of_one_instant_lie_by_id_in_their_file(lake: Lake) -> None:
    same = [Record(id_, started=7) for id_ in ("d", "b", "e", "a", "c")]
    lake.write(batch([*same, Record("first", started=6)]))
    (file,) = lake.snapshot().files["executions"]
    assert pq.read_table(file.path, partitioning=None)["id"].to_pylist() == ["first", "a", "b", "c", "d", "e"]
