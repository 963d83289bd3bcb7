"""All executions to CSV, against DuckDB's own COPY of the same rows and columns in the same order."""

from __future__ import annotations

from pathlib import Path

import warehouse
from tests.bench.data import BenchData, remove
from tests.bench.model import Bar, Measure
from tests.bench.reference import bench_sql, yardstick_session
from tests.bench.timing import alternate
from warehouse.duck import Session
from warehouse.export import EXPORT_SCHEMA, ExportQuery
from warehouse.scan import attach

_BAR = Bar("at least", 0.7)
_MAX_RUNS = 3
"""A run of ten million writes 6 GB."""


def run(data: BenchData, runs: int) -> list[Measure]:
    ours_path, theirs_path = data.scratch("export-ours.csv"), data.scratch("export-theirs.csv")
    columns = ", ".join(f'"{name}"' for name in EXPORT_SCHEMA.names)
    path = str(theirs_path).replace("'", "''")
    copy = f"COPY (SELECT {columns} FROM executions) TO '{path}' (FORMAT csv, HEADER)"
    session = yardstick_session()
    with warehouse.open(data.lake()) as house:
        attach(session, house.snapshot(), tables=("executions",))
        rows = house.snapshot().rows("executions")

        def ours(_: int) -> None:
            with ours_path.open("wb") as sink:
                assert house.export(ExportQuery(), "csv", sink).rows == rows

        def theirs(_: int) -> None:
            session.run(copy, time_limit_s=0)

        try:
            ours(0)  # the warm-up of both
            theirs(0)
            _assert_equal(session, ours_path, theirs_path, rows)
            sizes_gb = [path.stat().st_size / 1e9 for path in (ours_path, theirs_path)]
            pairs = alternate(ours, theirs, min(runs, _MAX_RUNS), warm_ups=0)
        finally:
            session.close()
            remove(ours_path)
            remove(theirs_path)
    note = f"{rows} executions, {sizes_gb[0]:.2f} GB against {sizes_gb[1]:.2f} GB"
    ratios = pairs.throughput_ratios()
    return [Measure("export", "csv", "throughput ratio", ratios, _BAR, pairs.ours_s, pairs.theirs_s, note)]


def _assert_equal(session: Session, ours: Path, theirs: Path, rows: int) -> None:
    """The same number of records, and the same ids."""
    sums = [session.rows(bench_sql("csv_sum"), {"path": str(path)})[0] for path in (ours, theirs)]
    assert sums[0] == sums[1], f"records and checksum of ids: {sums[0]} != {sums[1]}"
    assert sums[0][0] == rows, f"{sums[0][0]} records of {rows}"
