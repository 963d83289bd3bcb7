"""NDJSON with nodes and payloads into a new lake, everything included, against DuckDB's read_json to one Parquet file.

Each in a process of its own; judged is the whole process, the time inside (imports included) stands beside it.
"""

from __future__ import annotations

import math
from pathlib import Path

import warehouse
from tests.bench.data import BenchData, remove
from tests.bench.model import Bar, Measure
from tests.bench.processes import Ran, child
from tests.bench.reference import bench_sql, yardstick_session
from tests.bench.timing import Pairs

_BAR = Bar("at least", 0.6)


def run(data: BenchData, runs: int) -> list[Measure]:
    file = data.ingest_file().resolve()
    lake, parquet = data.scratch("ingest-lake").resolve(), data.scratch("ingest.parquet").resolve()

    def ours() -> Ran:
        remove(lake)
        return child("load", file, lake)

    def theirs() -> Ran:
        remove(parquet)
        return child("copy", file, parquet)

    try:
        ran = ours()  # the warm-up of both
        theirs()
        assert (ran.answer["new"], ran.answer["rejected"]) == (data.ingest_records, 0)
        _assert_equal(lake, parquet)
        taken = [(ours(), theirs()) for _ in range(runs)]
    finally:
        remove(lake)
        remove(parquet)
    whole = Pairs([one.whole_s for one, _ in taken], [other.whole_s for _, other in taken])
    inner = Pairs([one.inner_s for one, _ in taken], [other.inner_s for _, other in taken])
    size_mb = file.stat().st_size / 1e6
    note = (
        f"{data.ingest_records} records, {size_mb:.0f} MB; ours {size_mb / min(whole.ours_s):.0f} MB/s at best, "
        f"peak {max(one.answer['peak_bytes'] for one, _ in taken) / 1e6:.0f} MB against "
        f"{max(other.answer['peak_bytes'] for _, other in taken) / 1e6:.0f} MB"
    )
    return [
        _measure("whole process", whole, _BAR, note),
        _measure("inside it", inner, None, ""),
    ]


def _measure(case: str, pairs: Pairs, bar: Bar | None, note: str) -> Measure:
    ratios = pairs.throughput_ratios()
    return Measure("ingest", case, "throughput ratio", ratios, bar, pairs.ours_s, pairs.theirs_s, note)


def _assert_equal(lake: Path, parquet: Path) -> None:
    """Both hold the same number of executions and node runs and the same sum of durations."""
    with warehouse.open(lake) as house:
        (ours,) = house.sql(bench_sql("ingest_ours")).table.to_pylist()
    session = yardstick_session()
    try:
        (theirs,) = session.table(bench_sql("ingest_theirs"), {"path": str(parquet)}).to_pylist()
    finally:
        session.close()
    for name in ("executions", "node_runs"):
        assert ours[name] == theirs[name], f"{name}: {ours[name]} != {theirs[name]}"
    for name in ("total_s", "nodes_total_s"):
        assert math.isclose(ours[name], theirs[name], rel_tol=1e-9), f"{name}: {ours[name]} != {theirs[name]}"
