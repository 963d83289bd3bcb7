"""Bottlenecks: where the time of the executions of a window goes, node by node."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from warehouse.duck import Session, read_sql
from warehouse.histogram import percentiles
from warehouse.node_days import days_of, read_node_day
from warehouse.period import CUSTOM, Period, resolve_period, to_us
from warehouse.results import NodeStatistics, NodeTotals
from warehouse.rollup_cache import RollupCache
from warehouse.selection import Filters, select
from warehouse.snapshot import Snapshot
from warehouse.statistics import StatisticsQuery, as_of, executions_by_workflow, workflow_names

_RANKS = (0.50, 0.95)


def node_statistics(
    session: Session,
    snapshot: Snapshot,
    rollups: RollupCache,
    *,
    since: datetime,
    until: datetime,
    workflow_id: str | None = None,
    workflow_ids: tuple[str, ...] = (),
    limit: int = 50,
) -> NodeStatistics:
    """The nodes of the executions placed in [since, until), most exclusive time first (then runs, then ids).

    A run belongs to the window of its execution, whenever it ran itself. Runs without a start or a duration count as
    runs and add no time. Percentiles have a relative error of at most 1 %, everything else is exact. Names and types
    are those of the newest execution that has them.

    Args:
        session: reads the days that the window cuts; its views executions, node_runs and rollup_source are replaced.
        snapshot: the lake to look at.
        rollups: the cache of that lake; whole days are built once and kept there.
        since: first instant.
        until: end, not included.
        workflow_id: only this workflow. None: all.
        workflow_ids: only these, as if there were no others. Empty: all.
        limit: most nodes to list, at least 0; `nodes_total` says how many there are.

    Raises:
        BadInputError: an instant without time zone, or an empty window.
        QueryError: the files cannot be read, or the time limit is hit.

    Cost: a scan of the (at most two) days that the window cuts, and of whole days not asked for before; some
    milliseconds for each other day. Quadratic in the runs of an execution only where those overlap in time.
    """
    window = resolve_period(CUSTOM, since, until, now=until)
    chosen = StatisticsQuery(workflow_id=workflow_id, workflow_ids=workflow_ids).workflows
    rows = _rows(session, snapshot, rollups, window, chosen, max(limit, 1))
    listed = rows[: max(limit, 0)]
    workflows = _workflows(session, snapshot, rollups, window, chosen)
    times_s = _percentiles(listed)
    return NodeStatistics(
        since=window.since,
        until=window.until,
        nodes=tuple(
            _node(row, *workflows[row["workflow_id"]], *times) for row, times in zip(listed, times_s, strict=True)
        ),
        nodes_total=rows[0]["nodes_total"] if rows else 0,
        as_of=as_of(session, rollups, snapshot, workflow_ids),
        lake_version=snapshot.version,
    )


def _rows(
    session: Session,
    snapshot: Snapshot,
    rollups: RollupCache,
    window: Period,
    workflow_ids: tuple[str, ...],
    limit: int,
) -> list[dict[str, Any]]:
    """Rows of node_totals.sql: the first `limit` nodes."""
    days = days_of(snapshot, window.since, window.until)
    whole = [day for day in days if window.since <= day.since and day.until <= window.until and not day.hot]
    tables = rollups.node_days.get(whole)
    tables += [read_node_day(session, day, window.since, window.until) for day in days if day not in whole]
    if not tables:
        return []
    with session.tables(node_days=pa.concat_tables(tables)):
        parameters = {"workflow_ids": list(workflow_ids) or None, "limit": limit}
        rows: list[dict[str, Any]] = session.table(read_sql("warehouse", "node_totals"), parameters).to_pylist()
    return rows


def _workflows(
    session: Session, snapshot: Snapshot, rollups: RollupCache, window: Period, workflow_ids: tuple[str, ...]
) -> dict[str | None, tuple[str | None, int]]:
    """Name and executions in the window of each workflow that has any."""
    entries = rollups.get(snapshot.live("executions", window.since, window.until))
    borders = np.array([to_us(window.since), to_us(window.until)], np.int64)
    found = select(session, rollups, entries, borders, Filters(workflow_ids), by_workflow=True)
    counts = executions_by_workflow(rollups, found, 0)
    numbers = np.flatnonzero(counts).tolist()
    names = workflow_names(entries, numbers)
    return {rollups.workflow_id(number): (names.get(number), int(counts[number])) for number in numbers}


def _percentiles(rows: list[dict[str, Any]]) -> list[tuple[float | None, ...]]:
    """p50 and p95 of each row in seconds; None where no run was timed."""
    slots = np.repeat(np.arange(len(rows)), [len(row["buckets"]) for row in rows])
    buckets = np.array([bucket for row in rows for bucket in row["buckets"]], np.int64)
    counts = np.array([count for row in rows for count in row["counts"]], np.int64)
    low = np.array([row["min_us"] or 0 for row in rows], np.int64)
    high = np.array([row["max_us"] or 0 for row in rows], np.int64)
    found = percentiles(slots, buckets, counts, low, high, _RANKS)
    return [tuple(None if np.isnan(us) else float(us) / 1e6 for us in row) for row in found]


def _node(
    row: dict[str, Any], workflow_name: str | None, executions: int, p50_s: float | None, p95_s: float | None
) -> NodeTotals:
    timed: int = row["timed"]
    return NodeTotals(
        workflow_id=row["workflow_id"],
        workflow_name=workflow_name,
        node_id=row["node_id"],
        node_name=row["node_name"],
        node_type=row["node_type"],
        runs=row["runs"],
        executions=row["executions"],
        execution_share=row["executions"] / executions,
        failures=row["failures"],
        failure_rate=row["failures"] / row["finished"] if row["finished"] else None,
        total_s=row["total_us"] / 1e6,
        exclusive_s=row["exclusive_us"] / 1e6,
        exclusive_share=row["exclusive_us"] / row["all_exclusive_us"] if row["all_exclusive_us"] else None,
        avg_s=row["total_us"] / timed / 1e6 if timed else None,
        p50_s=p50_s,
        p95_s=p95_s,
        max_s=row["max_us"] / 1e6 if timed else None,
        items_out=row["items_out"],
    )
