"""Rollups as files: built anywhere, kept, found damaged, forgotten."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.hand_lake import HandLake, execution, random_executions
from warehouse.errors import LakeCorruptError
from warehouse.rollup import LEVELS, build_rollup
from warehouse.rollup_cache import RollupCache, prune_folder

FIRST = datetime(2026, 3, 1, tzinfo=UTC)


class CountingExecutor(Executor):
    """Runs tasks at once and remembers which files they were about."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.built.append(args[0].name)
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


@pytest.fixture
def lake(tmp_path: Path) -> HandLake:
    lake = HandLake.create(tmp_path)
    lake.add("executions", random_executions(7, 200, FIRST, 5))
    return lake


@pytest.fixture
def executor() -> CountingExecutor:
    return CountingExecutor()


def rollup_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.rollup.arrow"))


def test_every_file_is_built_once_and_kept_on_disk(lake: HandLake, executor: CountingExecutor) -> None:
    files = lake.snapshot.files["executions"]
    folder = lake.folder / "rollups"
    cache = RollupCache(folder, executor)
    entries = cache.get(files)
    assert [entry.file for entry in entries] == list(files)
    assert sorted(executor.built) == sorted(file.name for file in files)
    cache.get(files)
    RollupCache(folder, executor).get(files)  # another process later
    assert len(executor.built) == len(files) == len(rollup_files(folder))
    assert cache.as_of(files) == lake.frame("executions")["updated_at"].max()
    for entry in entries:
        for level in LEVELS:
            cells = entry.rollup.levels[level]
            assert cells.measures["executions"].sum() == entry.file.rows
            assert cells.count.sum() == cells.measures["timed"].sum()


def test_a_rollup_is_a_pure_function_of_its_file(lake: HandLake) -> None:
    file = lake.snapshot.files["executions"][0]
    assert build_rollup(file) == build_rollup(file)


def test_damaged_and_foreign_rollups_are_built_again(lake: HandLake, executor: CountingExecutor) -> None:
    files = lake.snapshot.files["executions"]
    folder = lake.folder / "rollups"
    cache = RollupCache(folder, executor)
    expected = [entry.rollup.levels["file"].measures["executions"].tolist() for entry in cache.get(files)]
    one, two, three, *_ = rollup_files(folder)
    one.write_bytes(one.read_bytes()[:-100])
    two.write_bytes(b"")
    three.write_bytes(rollup_files(folder)[-1].read_bytes())
    again = RollupCache(folder, executor).get(files)
    assert len(executor.built) == len(files) + 3
    assert [entry.rollup.levels["file"].measures["executions"].tolist() for entry in again] == expected


def test_a_wrong_rollup_is_told(lake: HandLake, executor: CountingExecutor) -> None:
    files = lake.snapshot.files["executions"]
    cache = RollupCache(lake.folder / "rollups", executor)
    cache.get(files[1:])
    assert cache.differing(files) == []
    path = rollup_files(lake.folder / "rollups")[0]
    stored = bytearray(path.read_bytes())
    stored[len(stored) // 2] ^= 1
    path.write_bytes(stored)
    assert cache.differing(files) == [files[1]]


def test_prune_forgets_what_is_not_live(lake: HandLake, executor: CountingExecutor) -> None:
    files = lake.snapshot.files["executions"]
    folder = lake.folder / "rollups"
    cache = RollupCache(folder, executor)
    cache.get(files)
    assert prune_folder(folder, [file.name for file in files]) == 0
    assert prune_folder(folder, [files[0].name]) == len(files) - 1
    cache.discard([file.name for file in files[1:]])
    assert len(rollup_files(folder)) == 1
    cache.get(files)
    assert len(executor.built) == 2 * len(files) - 1
    assert prune_folder(folder / "none", []) == 0


def test_little_memory_changes_no_answer(lake: HandLake, executor: CountingExecutor) -> None:
    files = lake.snapshot.files["executions"]
    cache = RollupCache(
        lake.folder / "rollups", executor, mapped_limit_bytes=1, rows_limit_bytes=1, merged_limit_bytes=1
    )
    for _ in range(2):
        assert [entry.file for entry in cache.get(files)] == list(files)
    assert len(executor.built) == len(files)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_any_executor_will_do(lake: HandLake, kind: str) -> None:
    files = lake.snapshot.files["executions"]
    context = multiprocessing.get_context("spawn")
    pool: Executor = ThreadPoolExecutor(3) if kind == "threads" else ProcessPoolExecutor(1, mp_context=context)
    with pool:
        entries = RollupCache(lake.folder / "rollups", pool).get(files)
    counted = sum(int(entry.rollup.levels["file"].measures["executions"].sum()) for entry in entries)
    assert counted == lake.frame("executions").height


@pytest.mark.parametrize(
    ("columns", "message"),
    [({"status": "lost"}, "holds the status 'lost'; allowed: queued"), ({"mode": "magic"}, "holds the mode 'magic'")],
)
def test_rows_against_the_contract_are_told(
    tmp_path: Path, executor: CountingExecutor, columns: dict[str, Any], message: str
) -> None:
    lake = HandLake.create(tmp_path)
    lake.add("executions", [execution(1, FIRST), execution(2, FIRST, **columns)])
    with pytest.raises(LakeCorruptError, match=message):
        RollupCache(tmp_path / "r", executor).get(lake.snapshot.files["executions"])


def test_a_row_on_another_date_is_told(tmp_path: Path, executor: CountingExecutor) -> None:
    lake = HandLake.create(tmp_path)
    lake.add("executions", [execution(1, FIRST + timedelta(days=1), date=date(2026, 3, 1))])
    with pytest.raises(LakeCorruptError, match="not placed on its date 2026-03-01"):
        RollupCache(tmp_path / "r", executor).get(lake.snapshot.files["executions"])


def test_a_file_with_another_number_of_rows_is_told(lake: HandLake, executor: CountingExecutor) -> None:
    file = replace(lake.snapshot.files["executions"][0], rows=1)
    with pytest.raises(LakeCorruptError, match="does not count the 1 rows"):
        RollupCache(lake.folder / "r", executor).get([file])
