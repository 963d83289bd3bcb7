"""Ids to files: never a file left out that holds an id."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from tests.warehouse.records import Record, batch
from warehouse.id_index import SUFFIX, IdIndex, id_hashes, index_path
from warehouse.lake import Lake
from warehouse.listing import find_execution
from warehouse.one_row import read_row
from warehouse.scan import files_query
from warehouse.schema import EXECUTIONS


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    opened = Lake.open(tmp_path, create=True)
    yield opened
    opened.close()


def ids_by_day(days: int, each: int) -> list[list[str]]:
    """Ids whose ranges overlap in every file."""
    return [[str(uuid.uuid5(uuid.NAMESPACE_URL, f"{day}/{n}")) for n in range(each)] for day in range(days)]


@given(st.lists(st.text(max_size=40), max_size=30), st.integers(0, 5))
def test_a_hash_depends_on_the_id_alone(ids: list[str], start: int) -> None:
    together = id_hashes(ids)
    assert together.dtype == np.uint64
    assert together.tolist() == [int(id_hashes([id_])[0]) for id_ in ids]
    array = pa.array(ids, pa.string())
    assert id_hashes(pa.chunked_array([array.slice(start), array])).tolist() == [
        *together.tolist()[start:],
        *together.tolist(),
    ]
    assert len(set(together.tolist())) == len(set(ids))


def test_the_hashes_that_lie_on_disks_stay_what_they_were() -> None:
    expected = [0x9E3779B93051C0C9, 0x2D0AECFF6BEDDC14, 0xFB5825E3E15F95CF]  # another hash wants another SUFFIX
    assert id_hashes(["", "exec_1234567890", "ä€😀"]).tolist() == expected


def test_each_id_is_found_in_its_file(lake: Lake) -> None:
    days = ids_by_day(4, 300)
    for number, ids in enumerate(days):
        lake.write(batch([Record(id_, started=number * 1440) for id_ in ids]))
    files = lake.snapshot().files["executions"]
    assert len(files) == len(days)
    wanted = [*days[2][:5], "no such", days[0][7], *(f"not there {n}" for n in range(200))]
    for asked in (wanted, wanted[:7]):  # with and without the bits that rule most ids out
        found = lake.id_index.candidates(lake.session, files, asked)
        assert found == {files[0]: [6], files[2]: [0, 1, 2, 3, 4]}
    held = lake.id_index.lookup(lake.session, files, wanted)
    assert {file: sorted(ids) for file, ids in held.items()} == {files[0]: [days[0][7]], files[2]: sorted(days[2][:5])}
    assert lake.id_index.candidates(lake.session, files, []) == {}
    assert lake.id_index.candidates(lake.session, [], wanted) == {}


def test_every_id_of_a_file_is_found_when_all_are_asked_for(lake: Lake) -> None:
    (ids,) = ids_by_day(1, 2_000)
    lake.write(batch([Record(id_) for id_ in ids]))
    (file,) = lake.snapshot().files["executions"]
    others = [id_.upper() for id_ in ids]
    assert lake.id_index.candidates(lake.session, [file], [*others, *ids]) == {file: list(range(2_000, 4_000))}


def test_a_candidate_is_read_before_it_is_believed(lake: Lake) -> None:
    lake.write(batch([Record("a"), Record("c")]))
    (file,) = lake.snapshot().files["executions"]
    index = IdIndex(lake.folder("other"))
    index.candidates(lake.session, [file], ["a"])
    hashes = id_hashes(["a", "b"])  # as if "b" and "c" had one number
    order = np.argsort(hashes)
    pretended = np.concatenate([hashes[order], order.astype(np.uint32).view(np.uint64)])
    np.save(index_path(lake.folder("other"), file.name), pretended)
    fresh = IdIndex(lake.folder("other"))
    assert fresh.candidates(lake.session, [file], ["b"]) == {file: [0]}
    assert fresh.rows(lake.session, [file], "b") == [(file, 1)]
    assert fresh.lookup(lake.session, [file], ["b"]) == {}
    for id_, found in (("a", True), ("b", False)):
        assert (find_execution(lake.session, lake.snapshot(), id_, index=fresh) is not None) == found


def test_the_row_of_each_id_is_known(lake: Lake) -> None:
    days = ids_by_day(2, 1_001)
    for ids in days:
        lake.write(batch([Record(id_) for id_ in ids]))
    files = lake.snapshot().files["executions"]
    for ids in days:
        for id_ in ids[::83]:
            ((file, row),) = lake.id_index.rows(lake.session, files, id_)
            assert read_row(file, row)["id"].to_pylist() == [id_]
    assert lake.id_index.rows(lake.session, files, days[0][0].upper()) == []


def test_a_row_read_by_its_number_is_the_row(lake: Lake) -> None:
    lake.write(batch([Record("b", name=None, retry_success="c"), Record("a", started=3)]))
    (file,) = lake.snapshot().files["executions"]
    rows = lake.session.table(files_query("executions", [file])).cast(EXECUTIONS)
    for row in range(2):
        assert read_row(file, row).equals(rows.slice(row, 1))


def test_files_whose_range_leaves_the_ids_out_are_not_opened(lake: Lake) -> None:
    lake.write(batch([Record(f"b{n}") for n in range(3)]))
    files = lake.snapshot().files["executions"]
    for wanted in (["a"], ["z", "y"], ["a", "b"]):
        assert lake.id_index.candidates(lake.session, files, wanted) == {}
    assert not list(lake.folder("rollups").glob(f"*{SUFFIX}"))


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_what_is_damaged_is_made_again(lake: Lake, damage: bytes | None) -> None:
    lake.write(batch([Record("a"), Record("b")]))
    (file,) = lake.snapshot().files["executions"]
    lake.id_index.candidates(lake.session, [file], ["a"])
    path = index_path(lake.folder("rollups"), file.name)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] if damage is None else damage)
    assert IdIndex(lake.folder("rollups")).candidates(lake.session, [file], ["b"]) == {file: [0]}
    assert path.read_bytes() == whole


def test_vacuum_takes_the_ids_of_dead_files(lake: Lake) -> None:
    lake.write(batch([Record("a")]))
    lake.id_index.candidates(lake.session, lake.snapshot().files["executions"], ["a"])
    assert len(list(lake.folder("rollups").glob(f"*{SUFFIX}"))) == 1
    lake.delete(["a"])
    lake.vacuum(0)
    assert not list(lake.folder("rollups").glob(f"*{SUFFIX}"))


def test_an_interrupt_is_the_main_threads_alone(lake: Lake, tmp_path: Path) -> None:
    """Polars, imported after a server has set its handler of Ctrl-C, raises in whatever thread reads."""
    lake.write(batch([Record("a")]))
    script = f"""
import os, signal, threading, warehouse
heard, read, ended = [], [], threading.Event()
signal.signal(signal.SIGINT, lambda *_: heard.append(1))
from warehouse.one_row import read_row
house = warehouse.open({str(tmp_path)!r})
(file,) = house.lake.snapshot().files["executions"]
def reader():
    while not ended.is_set():
        read.append(read_row(file, 0)["id"].to_pylist())
thread = threading.Thread(target=reader)
thread.start()
while thread.is_alive() and len(heard) < 100:
    os.kill(os.getpid(), signal.SIGINT)
    ended.wait(0.01)
ended.set()
thread.join()
assert len(heard) >= 100 and read and all(row == ["a"] for row in read), (len(heard), len(read))
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
