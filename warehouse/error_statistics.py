"""Why executions fail: groups of like errors (one fingerprint each) in a window of time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import numpy as np

from warehouse.duck import Session, read_sql
from warehouse.period import CUSTOM, Period, from_us, resolve_period, to_us
from warehouse.results import ErrorGroup, ErrorStatistics
from warehouse.rollup_cache import ErrorSpan, RollupCache
from warehouse.scan import attach, over_files
from warehouse.schema import UNSUCCESSFUL, Mode, Status
from warehouse.selection import Filters, select
from warehouse.snapshot import Snapshot
from warehouse.statistics import StatisticsQuery, as_of

LISTED: Final = 5
"""Most workflows, nodes and sample ids told of one group."""


def error_statistics(
    session: Session,
    snapshot: Snapshot,
    rollups: RollupCache,
    *,
    since: datetime,
    until: datetime,
    workflow_id: str | None = None,
    workflow_ids: tuple[str, ...] = (),
    statuses: tuple[Status, ...] = (),
    modes: tuple[Mode, ...] = (),
    limit: int = 50,
) -> ErrorStatistics:
    """The error groups of the unsuccessful executions placed in [since, until), most executions first.

    Equal counts are ordered by the newest execution, then by fingerprint. `first_seen` and `last_seen` are over the
    whole lake and all workflows, whatever the window and the filter. Executions without type and message of an error
    have no fingerprint: they are in `executions` and in no group.

    Args:
        session: its views executions and rollup_source are replaced.
        snapshot: the lake to look at.
        rollups: the cache of that lake; knows when each group was first and last seen without a scan.
        since: first instant.
        until: end, not included.
        workflow_id: only this workflow. None: all.
        workflow_ids: only these, as if there were no others: first and last seen are theirs too. Empty: all.
        statuses: only executions with one of these (of the unsuccessful ones). Empty: all.
        modes: only executions with one of these. Empty: all.
        limit: most groups to list, at least 0; `groups_total` says how many there are.

    Raises:
        BadInputError: an instant without time zone, an empty window, or one too long.
        QueryError: the files cannot be read, or the time limit is hit.

    Cost: one scan of the status column of the window and the one before it, and of the other columns where it failed.
    """
    window = resolve_period(CUSTOM, since, until, now=until)
    chosen = StatisticsQuery(workflow_id=workflow_id, workflow_ids=workflow_ids).workflows
    parameters = {
        "previous_since": window.previous_since,
        "since": window.since,
        "until": window.until,
        "workflow_ids": list(chosen) or None,
        "statuses": list(statuses) or None,
        "modes": list(modes) or None,
        "limit": max(limit, 1),
        "listed": LISTED,
    }
    with session.tables():  # keeps other threads from attaching theirs in between
        attach(session, snapshot, window.previous_since, window.until, ("executions",))
        table = session.table(read_sql("warehouse", "error_groups"), parameters)
    rows = table.to_pylist()
    fingerprints = [row["fingerprint"] for row in rows]
    if workflow_ids:
        spans = _spans_of(session, snapshot, fingerprints, workflow_ids)
    else:
        spans = rollups.error_spans(snapshot.files["executions"], fingerprints)
    filters = Filters(chosen, tuple(one for one in UNSUCCESSFUL if not statuses or one in statuses), modes)
    return ErrorStatistics(
        since=window.since,
        until=window.until,
        groups=tuple(_group(row, spans[row["fingerprint"]], window) for row in rows[: max(limit, 0)]),
        groups_total=rows[0]["groups_total"] if rows else 0,
        executions=_count(session, snapshot, rollups, window, filters) if filters.statuses else 0,
        as_of=as_of(session, rollups, snapshot, workflow_ids),
        lake_version=snapshot.version,
    )


def _group(row: dict[str, Any], span: ErrorSpan, window: Period) -> ErrorGroup:
    return ErrorGroup(
        fingerprint=row["fingerprint"],
        error_type=row["error_type"],
        message=row["message"],
        executions=row["executions"],
        previous=row["previous"],
        first_seen=from_us(span.first_at_us),
        last_seen=from_us(span.last_at_us),
        is_new=window.since <= from_us(span.first_at_us) < window.until,
        workflows=tuple((one["id"], one["name"], one["executions"]) for one in row["workflows"]),
        workflows_total=row["workflows_total"],
        nodes=tuple(row["nodes"]),
        sample_ids=tuple(row["sample_ids"]),
    )


def _spans_of(
    session: Session, snapshot: Snapshot, fingerprints: list[str], workflow_ids: tuple[str, ...]
) -> dict[str, ErrorSpan]:
    """When each group occurred first and last in these workflows; a scan of the lake's column of fingerprints."""
    if not fingerprints:
        return {}
    sql = over_files("executions", "executions", snapshot.files["executions"], read_sql("warehouse", "error_spans"))
    rows = session.rows(sql, {"fingerprints": fingerprints, "workflow_ids": list(workflow_ids)})
    return {fingerprint: ErrorSpan(*span) for fingerprint, *span in rows}


def _count(session: Session, snapshot: Snapshot, rollups: RollupCache, window: Period, filters: Filters) -> int:
    """Executions of the window that pass, from the rollups."""
    entries = rollups.get(snapshot.live("executions", window.since, window.until))
    borders = np.array([to_us(window.since), to_us(window.until)], np.int64)
    found = select(session, rollups, entries, borders, filters)
    return sum(int(part.cells.measures["executions"][part.slot == 0].sum()) for part in found)
