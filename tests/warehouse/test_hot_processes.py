"""Several processes on one lake and one hot store, some of them killed: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import IO

from tests.warehouse.hot_helpers import closed, ids_of, in_both, no_batch_is_left_over
from tests.warehouse.records import at
from warehouse.hot.store import HotStore
from warehouse.lake import Lake

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))

WORKER = textwrap.dedent(
    """
    import random, sys
    from tests.warehouse.records import Record, batch
    from warehouse.hot.store import HotStore
    from warehouse.lake import Lake

    url, folder, name, rounds = sys.argv[1:5]
    store, lake = HotStore.open(url), Lake.open(folder)
    dice = random.Random(name)
    for number in range(int(rounds)):
        mine = [Record(f"{name}-{number}-{n}", updated=10, nodes=1) for n in range(3)]
        mine.append(Record(f"{name}-{number}-open", status="running", updated=10))
        mine.append(Record(f"{name}-{number - 2}-open", updated=20, nodes=1))
        updated = 100 + number
        shared = Record(f"shared{dice.randrange(4)}", updated=updated, status=dice.choice(["running", "success"]))
        records = [*mine, shared]
        act = dice.randrange(4)
        if act == 0:
            store.bulk_write(lake, batch(records))
        else:
            store.write(lake, batch(records))
        print(*(f"{one.id}={one.updated}" for one in records), flush=True)
        if act == 1:
            store.seal(lake)
        elif act == 2:
            gone = f"{name}-{number}-0"
            print(f"{gone}=going", flush=True)
            store.delete(lake, [gone])
            print(f"{gone}=gone", flush=True)
    print("done", flush=True)
    """
)


def _start(url: str, lake: Path, name: str, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, url, str(lake), name, str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _said(stream: IO[str]) -> dict[str, str]:
    """What was acknowledged last of each id; a line that was cut off by the death was not."""
    found: dict[str, str] = {}
    for line in stream.read().splitlines(keepends=True):
        if line.endswith("\n") and line != "done\n":
            for word in line.split():
                id_, _, value = word.rpartition("=")
                found[id_] = value
    return found


def _holds(store: HotStore, lake: Lake, said: list[dict[str, str]]) -> None:
    """Everything that was acknowledged is there, as new as it was or newer, once; what was deleted is not."""
    tables = in_both(store, lake)
    ids = ids_of(tables)
    assert [id_ for id_, count in Counter(ids).items() if count > 1] == []
    updated = dict(zip(*(tables["executions"][name].to_pylist() for name in ("id", "updated_at")), strict=True))
    for one in said:
        for id_, value in one.items():
            if value == "gone":
                assert id_ not in updated
            elif value != "going":
                assert id_ in updated, f"{id_} was acknowledged and is lost"
                assert updated[id_] >= at(int(value))
    runs = Counter(tables["node_runs"]["execution_id"].to_pylist())
    assert set(runs.values()) <= {1}
    assert set(runs) <= set(ids)


def test_several_processes_write_and_seal_at_once(hot_url: str, tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    workers = [_start(hot_url, tmp_path / "lake", f"w{number}", 8 * SCALE) for number in range(3)]
    while any(worker.poll() is None for worker in workers):
        ids = ids_of(in_both(store, lake))
        assert len(ids) == len(set(ids))
    for worker in workers:
        assert worker.stderr is not None
        assert worker.returncode == 0, worker.stderr.read()
    said = []
    for worker in workers:
        assert worker.stdout is not None
        said.append(_said(worker.stdout))
        worker.communicate()
    _holds(store, lake, said)
    store.seal(lake)
    _holds(store, lake, said)
    no_batch_is_left_over(store)
    assert lake.verify() == []
    closed(store, lake)


def test_kill_9_loses_nothing_acknowledged(hot_url: str, tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", create=True)
    store = HotStore.open(hot_url)
    dice = random.Random(1)
    said: list[dict[str, str]] = []
    for round_ in range(2 * SCALE):
        workers = [_start(hot_url, tmp_path / "lake", f"r{round_}w{number}", 10_000) for number in range(2)]
        for worker in workers:
            assert worker.stdout is not None
            first = worker.stdout.readline()
            assert first, worker.stderr and worker.stderr.read()
        time.sleep(dice.uniform(0.1, 0.8))
        for worker in workers:
            worker.kill()
        for worker in workers:
            assert worker.stdout is not None
            said.append(_said(worker.stdout))
            worker.communicate()
        _holds(store, lake, said)
        store.seal(lake)  # takes over what the dead ones were at
        _holds(store, lake, said)
        assert store.gauges().seal_no == store.gauges().purged_seal_no
    no_batch_is_left_over(store)
    assert lake.verify() == []
    closed(store, lake)
