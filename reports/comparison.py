"""Two periods side by side: the answers about one, with the other as the period before."""

from __future__ import annotations

from dataclasses import replace

from warehouse.results import ErrorStatistics, Statistics, Totals, WorkflowTotals

NOTHING = Totals(
    executions=0,
    successes=0,
    failures=0,
    by_status=dict.fromkeys(("queued", "running", "success", "failed", "cancelled", "timeout"), 0),
    timed=0,
    avg_s=None,
    min_s=None,
    max_s=None,
    p50_s=None,
    p95_s=None,
    p99_s=None,
    total_s=0.0,
    queue_avg_s=None,
)


def against(statistics: Statistics, other: Statistics) -> Statistics:
    """The statistics with `other` in the place of the preceding period."""
    theirs = {item.workflow_id: item.totals for item in other.workflows}
    return replace(
        statistics,
        previous_since=other.since,
        previous=other.totals,
        workflows=tuple(
            WorkflowTotals(item.workflow_id, item.workflow_name, item.totals, theirs.get(item.workflow_id, NOTHING))
            for item in statistics.workflows
        ),
    )


def errors_against(errors: ErrorStatistics, other: ErrorStatistics) -> ErrorStatistics:
    """The error groups with their counts in the other period; new is what did not occur in it."""
    theirs = {group.fingerprint: group.executions for group in other.groups}
    groups = tuple(
        replace(
            group, previous=theirs.get(group.fingerprint, 0), is_new=group.is_new or group.fingerprint not in theirs
        )
        for group in errors.groups
    )
    return replace(errors, groups=groups)
