"""The first minute of a newcomer: the demo, twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.api.command import run


def fingerprints(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_demo_works_and_a_second_run_changes_nothing_in_the_lake(tmp_path: Path) -> None:
    first = run(tmp_path, "demo")
    assert (first.returncode, first.stderr) == (0, "")
    assert " 0 rejected" in first.stdout
    assert "success rate" in first.stdout
    assert "demo-report.html" in first.stdout
    assert "runlake serve --no-auth --lake ./demo-lake" in first.stdout
    page = (tmp_path / "demo-report.html").read_text()
    assert page.startswith("<!doctype html")
    before = fingerprints(tmp_path / "demo-lake")
    second = run(tmp_path, "demo", "--json")
    assert second.returncode == 0
    body = json.loads(second.stdout)
    assert body["loaded"]["new"] == body["loaded"]["updated"] == 0
    assert 1000 < body["statistics"]["totalExecutions"] <= body["loaded"]["unchanged"]
    assert fingerprints(tmp_path / "demo-lake") == before
