"""Why executions fail: groups of like errors (one fingerprint each) in a window of time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import numpy as np

from warehouse.duck import Session, read_sql
from warehouse.period import CUSTOM, Period, from_us, resolve_period, to_us
from warehouse.results import ErrorGroup, ErrorStatistics
from warehouse.rollup_cache import ErrorSpan, RollupCache
from warehouse.scan import attach
from warehouse.schema import UNSUCCESSFUL
from warehouse.selection import Filters, select
from warehouse.snapshot import Snapshot

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
        limit: most groups to list, at least 0; `groups_total` says how many there are.

    Raises:
        BadInputError: an instant without time zone, an empty window, or one too long.
        QueryError: the files cannot be read, or the time limit is hit.

    Cost: one scan of the status column of the window and the one before it, and of the other columns where it failed.
    """
    window = resolve_period(CUSTOM, since, until, now=until)
    parameters = {
        "previous_since": window.previous_since,
        "since": window.since,
        "until": window.until,
        "workflow_id": workflow_id,
        "limit": max(limit, 1),
        "listed": LISTED,
    }
    with session.tables():  # keeps other threads from attaching theirs in between
        attach(session, snapshot, window.previous_since, window.until, ("executions",))
        table = session.table(read_sql("warehouse", "error_groups"), parameters)
    rows = table.to_pylist()
    files = snapshot.files["executions"]
    spans = rollups.error_spans(files, [row["fingerprint"] for row in rows])
    return ErrorStatistics(
        since=window.since,
        until=window.until,
        groups=tuple(_group(row, spans[row["fingerprint"]], window) for row in rows[: max(limit, 0)]),
        groups_total=rows[0]["groups_total"] if rows else 0,
        executions=_unsuccessful(session, snapshot, rollups, window, workflow_id),
        as_of=rollups.as_of(files),
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


def _unsuccessful(
    session: Session, snapshot: Snapshot, rollups: RollupCache, window: Period, workflow_id: str | None
) -> int:
    """Unsuccessful executions of the window, with a fingerprint or without, from the rollups."""
    entries = rollups.get(snapshot.live("executions", window.since, window.until))
    borders = np.array([to_us(window.since), to_us(window.until)], np.int64)
    found = select(session, rollups, entries, borders, Filters(workflow_id, UNSUCCESSFUL))
    return sum(int(part.cells.measures["executions"][part.slot == 0].sum()) for part in found)
