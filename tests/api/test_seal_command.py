"""`runlake seal`, and `runlake ingest` beside a hot store: over both databases."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.command import run
from tests.warehouse.hot_helpers import ids_of, in_hot, in_lake
from warehouse.hot.store import HotStore
from warehouse.lake import Lake

TIMES = {"createdAt": "2026-03-01T10:00:00Z", "startedAt": "2026-03-01T10:00:00Z"}
RUNNING = {"workflowId": "w", "status": "running", "mode": "webhook", "updatedAt": "2026-03-01T10:00:00Z", **TIMES}
DONE = RUNNING | {"status": "success", "stoppedAt": "2026-03-01T10:00:09Z", "updatedAt": "2026-03-01T10:00:09Z"}


def _file(path: Path, **records: dict[str, str]) -> str:
    path.write_text("".join(json.dumps({"id": id_} | record) + "\n" for id_, record in records.items()))
    return str(path)


def test_finished_ones_are_sealed_and_running_ones_stay(hot_url: str, tmp_path: Path) -> None:
    environ = {"RUNLAKE_HOT_URL": hot_url}
    first = _file(tmp_path / "1.ndjson", a=RUNNING, b=DONE, c=RUNNING)
    second = _file(tmp_path / "2.ndjson", a=DONE, b=RUNNING)

    def ingest(path: str) -> tuple[int, int, int]:
        report = json.loads(run(tmp_path, "ingest", path, "--json", environ=environ).stdout)
        return report["new"], report["updated"], report["unchanged"]

    assert ingest(first) == (3, 0, 0)
    assert ingest(second) == (0, 1, 1)
    assert ingest(first) == ingest(first) == (0, 0, 3)
    store, lake = HotStore.open(hot_url), Lake.open(tmp_path / "lake")
    assert (ids_of(in_lake(lake)), ids_of(in_hot(store))) == (["b"], ["a", "c"])

    done = json.loads(run(tmp_path, "seal", "--json", environ=environ).stdout)
    assert (done["sealed"], done["seals"], done["left"]) == (1, 1, 1)
    assert (ids_of(in_lake(lake)), ids_of(in_hot(store))) == (["a", "b"], ["c"])
    assert ingest(second) == (0, 0, 2)
    again = run(tmp_path, "seal", environ=environ)
    assert again.stdout.startswith("0 executions sealed in ")
    assert again.stdout.endswith("; 1 are left in the hot store\n")
    assert run(tmp_path, "vacuum", "--after-hours", "0", environ=environ).returncode == 0
    assert run(tmp_path, "verify", environ=environ).returncode == 0
    store.close()
    lake.close()


def test_a_lake_without_a_hot_store_has_nothing_to_seal(tmp_path: Path) -> None:
    run(tmp_path, "ingest", _file(tmp_path / "1.ndjson", b=DONE))
    done = run(tmp_path, "seal", "--json")
    assert (done.returncode, json.loads(done.stdout)["sealed"]) == (0, 0)
    assert not (tmp_path / "lake" / "state.db").exists()


def test_no_lake_is_said_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "seal")
    assert done.returncode != 0
    assert "there is no lake at" in done.stderr
