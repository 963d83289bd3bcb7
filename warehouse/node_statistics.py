"""Bottlenecks: where the time of the executions of a window goes, node by node."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from warehouse.duck import Session, read_sql
from warehouse.period import CUSTOM, resolve_period
from warehouse.results import NodeStatistics, NodeTotals
from warehouse.rollup_cache import RollupCache
from warehouse.scan import attach
from warehouse.snapshot import Snapshot


def node_statistics(
    session: Session,
    snapshot: Snapshot,
    rollups: RollupCache,
    *,
    since: datetime,
    until: datetime,
    workflow_id: str | None = None,
    limit: int = 50,
) -> NodeStatistics:
    """The nodes of the executions placed in [since, until), most exclusive time first (then runs, then ids).

    A run belongs to the window of its execution, whenever it ran itself. Runs without a start or a duration count as
    runs and add no time. Percentiles are exact. Names and types are those of the newest execution that has them.

    Args:
        session: its views executions and node_runs are replaced by the files of the window.
        snapshot: the lake to look at.
        rollups: the cache of that lake; says how new its newest record is.
        since: first instant.
        until: end, not included.
        workflow_id: only this workflow. None: all.
        limit: most nodes to list, at least 0; `nodes_total` says how many there are.

    Raises:
        BadInputError: an instant without time zone, or an empty window.
        QueryError: the files cannot be read, or the time limit is hit.

    Cost: one scan of the window's node runs and their join with the executions; quadratic in the number of runs of an
    execution only where those overlap in time.
    """
    window = resolve_period(CUSTOM, since, until, now=until)
    attach(session, snapshot, window.since, window.until, ("executions", "node_runs"))
    table = session.table(
        read_sql("warehouse", "node_statistics"),
        {"since": window.since, "until": window.until, "workflow_id": workflow_id, "limit": max(limit, 1)},
    )
    rows = table.to_pylist()
    return NodeStatistics(
        since=window.since.astimezone(UTC),
        until=window.until.astimezone(UTC),
        nodes=tuple(_node(row) for row in rows[: max(limit, 0)]),
        nodes_total=rows[0]["nodes_total"] if rows else 0,
        as_of=rollups.as_of(snapshot.files["executions"]),
        lake_version=snapshot.version,
    )


def _node(row: dict[str, Any]) -> NodeTotals:
    timed: int = row["timed"]

    def seconds(name: str) -> float | None:
        return None if row[name] is None else row[name] / 1e6

    return NodeTotals(
        workflow_id=row["workflow_id"],
        workflow_name=row["workflow_name"],
        node_id=row["node_id"],
        node_name=row["node_name"],
        node_type=row["node_type"],
        runs=row["runs"],
        executions=row["executions"],
        execution_share=row["executions"] / row["workflow_executions"],
        failures=row["failures"],
        failure_rate=row["failures"] / row["finished"] if row["finished"] else None,
        total_s=row["total_us"] / 1e6,
        exclusive_s=row["exclusive_us"] / 1e6,
        exclusive_share=row["exclusive_us"] / row["all_exclusive_us"] if row["all_exclusive_us"] else None,
        avg_s=row["total_us"] / timed / 1e6 if timed else None,
        p50_s=seconds("p50_us"),
        p95_s=seconds("p95_us"),
        max_s=seconds("max_us"),
        items_out=row["items_out"],
    )
