"""One execution by its id, there or not, and the newest failures; the yardstick is DuckDB over all live files."""

from __future__ import annotations

import warehouse
from tests.bench.data import BenchData
from tests.bench.model import Measure
from tests.bench.reference import bench_sql, yardstick_session
from tests.bench.timing import Pairs, alternate
from warehouse.duck import Session
from warehouse.filters import ExecutionFilter
from warehouse.listing import ListQuery
from warehouse.scan import attach

_FAILED = ListQuery(ExecutionFilter(statuses=("failed",)), limit=20)


def run(data: BenchData, runs: int) -> list[Measure]:
    session = yardstick_session()
    with warehouse.open(data.lake()) as house:
        try:
            attach(session, house.snapshot(), tables=("executions",))
            hits = [row[0] for row in session.rows(bench_sql("some_ids"), {"ids": runs})]
            assert len(hits) == runs, "too few executions to look up"
            pairs = {
                "id, there": _find(house, session, hits),
                "id, not there": _find(house, session, [f"{hit}x" for hit in hits]),
                "newest 20 failed": _newest_failed(house, session, runs),
            }
        finally:
            session.close()
    return [Measure("lookup", case, "ratio", p.ratios(), None, p.ours_s, p.theirs_s) for case, p in pairs.items()]


def _find(house: warehouse.Warehouse, session: Session, ids: list[str]) -> Pairs:
    def ours(run: int) -> list[str]:
        found = house.find(ids[run])
        return [] if found is None else [found.record()["id"]]

    def theirs(run: int) -> list[str]:
        return [row["id"] for row in session.table(bench_sql("find"), {"id": ids[run]}).to_pylist()]

    for run in range(len(ids)):
        assert ours(run) == theirs(run), ids[run]
    # Each id is new to both: the equality above has warmed the files, so no run is a warm-up.
    return alternate(ours, theirs, len(ids), warm_ups=0)


def _newest_failed(house: warehouse.Warehouse, session: Session, runs: int) -> Pairs:
    def ours(_: int) -> list[str]:
        return [row["id"] for row in house.list(_FAILED, with_total=False).records()]

    def theirs(_: int) -> list[str]:
        return [row["id"] for row in session.table(bench_sql("newest_failed"), {"rows": _FAILED.limit}).to_pylist()]

    assert ours(0) == theirs(0)
    return alternate(ours, theirs, runs)
