"""What a process of its own does: `python -m tests.bench.child WHAT …`, the answer as one line of JSON on stdout.

load FILE LAKE       ingest the file into a new lake
copy FILE PARQUET    DuckDB: COPY (FROM read_json(FILE)) TO PARQUET
first LAKE UNTIL DAYS  the first statistic of a process

Imports stand inside: they are part of what is timed, and each process should make only its own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def load(file: str, lake_path: str) -> dict[str, Any]:
    started = time.perf_counter()
    from ingest.load import load as load_files
    from ingest.memory import keep_freed_memory
    from warehouse.lake import Lake

    keep_freed_memory()  # as `runlake ingest` does
    lake = Lake.open(lake_path, create=True)
    report = load_files(lake, [file])
    lake.close()
    return {"new": report.new, "rejected": report.rejected, "inner_s": time.perf_counter() - started}


def copy(file: str, parquet: str) -> dict[str, Any]:
    started = time.perf_counter()
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM read_json({_quoted(file)})) TO {_quoted(parquet)} (FORMAT parquet)")
    return {"inner_s": time.perf_counter() - started}


def first(lake_path: str, until: str, days: str) -> dict[str, Any]:
    started = time.perf_counter()
    from datetime import datetime, timedelta

    import warehouse

    end = datetime.fromisoformat(until)
    with warehouse.open(lake_path) as house:
        found = house.statistics(since=end - timedelta(days=int(days)), until=end)
    return {"executions": found.totals.executions, "inner_s": time.perf_counter() - started}


def peak_bytes() -> int:
    """Most memory this process had at once."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: on Linux that begins with the size of the process that started this one.
        for text in status.read_text("utf-8").splitlines():
            if text.startswith("VmHWM:"):
                return int(text.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main(argv: list[str]) -> None:
    acts: dict[str, Callable[..., dict[str, Any]]] = {"load": load, "copy": copy, "first": first}
    answer = acts[argv[0]](*argv[1:])
    print(json.dumps(answer | {"peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main(sys.argv[1:])
