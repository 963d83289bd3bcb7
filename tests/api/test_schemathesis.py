"""Schemathesis asks the served API everything its description allows and forbids, with every check, and finds nothing.

A minute in the suite, with the same requests every time; `make soak` gives it more (RUNLAKE_TEST_SCALE minutes), with
new ones every time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.app import create_app
from api.auth.throttle import Throttle
from api.config import Config
from api.edge.exposure import Exposure
from tests.api.records import load_records, record
from tests.api.serving import served
from tests.api.test_contract_examples import detail_record
from tests.api.test_data_http import RUNS
from warehouse.hot.database import Database
from warehouse.hot.tokens import create_token

CONFIG = Path(__file__).parent / "conformance" / "schemathesis.toml"
SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
AT = datetime(2026, 11, 1, tzinfo=UTC)


def test_nothing_is_found(tmp_path: Path) -> None:
    records = [record(number, AT + timedelta(minutes=number)) for number in range(30)]
    lake = load_records(tmp_path, [*records, record("loop", AT, executionData=RUNS), detail_record()])
    config = Config(lake=lake)
    database = Database.open(config.hot_url_or_default())
    _, token = create_token(database, "conformance", {"admin"})
    database.close()
    app = create_app(config, Exposure(open_metrics=True))
    with served(app) as client:
        # Each operation is tried with invalid tokens, from one address: 429 would be true, and hide the 401.
        app.state.gate.throttle = Throttle(lambda: time.monotonic() * 1000)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
                *(f"{client.base_url}/openapi.json", "--checks", "all", "--max-time", str(60 * SCALE)),
                *("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(10 * SCALE)),
                *(() if SCALE > 1 else ("--generation-deterministic",)),
                *("--header", f"Authorization: Bearer {token}", "--warnings", "off"),
            ],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "", "PYTHONPATH": str(CONFIG.parent), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=600 * SCALE,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "No issues found" in done.stdout
