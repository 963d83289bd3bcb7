"""The first minute of a newcomer: the demo, twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.api.command import run
from warehouse.hot.store import HotStore
from warehouse.listing import Detail
from warehouse.schema import TABLES


def fingerprints(folder: Path) -> dict[str, str]:
    """Of every file of the tables and the quarantine; what is derived, and the hot store's own notes, may come anew."""
    kept = (*TABLES, "quarantine")
    files = (path for name in kept for path in (folder / name).rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def hot_records(folder: Path) -> dict[str, Detail]:
    store = HotStore.open(f"sqlite:///{folder / 'state.db'}")
    try:
        return store.find_all(store.changes_since(0).pointers["id"].to_pylist())
    finally:
        store.close()


def test_the_demo_works_and_a_second_run_changes_nothing_in_the_lake(tmp_path: Path) -> None:
    first = run(tmp_path, "demo")
    assert (first.returncode, first.stderr) == (0, "")
    assert " 0 rejected" in first.stdout
    assert "success rate" in first.stdout
    assert "demo-report.html" in first.stdout
    assert "runlake serve --no-auth --lake ./demo-lake" in first.stdout
    page = (tmp_path / "demo-report.html").read_text()
    assert page.startswith("<!doctype html")
    before, hot_before = fingerprints(tmp_path / "demo-lake"), hot_records(tmp_path / "demo-lake")
    assert len(before) >= 8
    second = run(tmp_path, "demo", "--json")
    assert second.returncode == 0
    body = json.loads(second.stdout)
    assert body["loaded"]["new"] == body["loaded"]["updated"] == 0
    assert 1000 < body["statistics"]["totalExecutions"] <= body["loaded"]["unchanged"]
    assert fingerprints(tmp_path / "demo-lake") == before
    assert hot_records(tmp_path / "demo-lake") == hot_before
