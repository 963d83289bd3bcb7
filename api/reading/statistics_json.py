"""From the warehouse's answers to the contract's: statistics, nodes, errors as plain JSON values.

Documented by the models in api/models/statistics.py. (Plain dictionaries: a model of 720 steps takes longer to build
and to check than the statistics take to compute.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from api.models import instant_text
from warehouse.results import Bucket, ErrorGroup, ErrorStatistics, NodeStatistics, NodeTotals, Statistics, Totals
from warehouse.schema import FINISHED, STATUSES

_TIME_DECIMALS: Final = 6

Json = dict[str, Any]


def statistics_json(found: Statistics) -> Json:
    """The contract's response, with what was added to it."""
    totals = found.totals
    return {
        "period": found.period,
        "granularity": found.granularity,
        **_counts(totals),
        "data": _buckets(found.buckets),
        "byWorkflow": [
            {
                "workflowId": one.workflow_id,
                "workflowName": one.workflow_name,
                "executions": one.totals.executions,
                "successRate": one.totals.success_rate,
                "avgTime": _seconds(one.totals.avg_s),
                **_percentiles(one.totals),
            }
            for one in found.workflows
        ],
        "byStatus": _by_status(totals.by_status),
        **_percentiles(totals),
        "queueTime": _seconds(totals.queue_avg_s),
        "since": instant_text(found.since),
        "until": instant_text(found.until),
        "timezone": found.timezone,
        "previous": {
            "since": instant_text(found.previous_since),
            "until": instant_text(found.since),
            **_counts(found.previous),
            **_percentiles(found.previous),
            "queueTime": _seconds(found.previous.queue_avg_s),
            "successRate": found.previous.success_rate,
            "byStatus": _by_status(found.previous.by_status),
        },
        "change": _change(totals, found.previous),
        "byWorkflowTotal": found.workflows_total,
        "asOf": None if found.as_of is None else instant_text(found.as_of),
    }


def nodes_json(found: NodeStatistics) -> Json:
    """Bottlenecks: nodes, most own time first."""
    return {
        "since": instant_text(found.since),
        "until": instant_text(found.until),
        "data": [_node(one) for one in found.nodes],
        "total": found.nodes_total,
        "asOf": None if found.as_of is None else instant_text(found.as_of),
    }


def errors_json(found: ErrorStatistics) -> Json:
    """Error groups, most executions first."""
    return {
        "since": instant_text(found.since),
        "until": instant_text(found.until),
        "failedExecutions": found.executions,
        "data": [_group(one) for one in found.groups],
        "total": found.groups_total,
        "asOf": None if found.as_of is None else instant_text(found.as_of),
    }


def relative_change(now: float | None, before: float | None) -> float | None:
    """(now - before) / before, rounded to a millionth; None when there is no now, no before, or it was zero."""
    if now is None or not before:
        return None
    return round((now - before) / before, 6)


def _counts(totals: Totals) -> Json:
    return {
        "totalExecutions": totals.executions,
        "successfulExecutions": totals.successes,
        "failedExecutions": totals.failures,
        "averageExecutionTime": _seconds(totals.avg_s),
    }


def _buckets(buckets: Sequence[Bucket]) -> list[Json]:
    # There may be thousands of these: one dictionary each, and all their times are rounded at once.
    totals = [one.totals for one in buckets]
    times = np.array([(one.avg_s, one.min_s, one.max_s, one.p50_s, one.p95_s, one.p99_s) for one in totals], float)
    rounded = np.round(times, _TIME_DECIMALS).astype(object)
    rounded[np.isnan(times)] = None
    return [
        {
            "timestamp": instant_text(bucket.start),
            "executions": of.executions,
            "successes": of.successes,
            "failures": of.failures,
            "avgTime": avg_s,
            "minTime": min_s,
            "maxTime": max_s,
            "p50Time": p50_s,
            "p95Time": p95_s,
            "p99Time": p99_s,
        }
        for bucket, of, (avg_s, min_s, max_s, p50_s, p95_s, p99_s) in zip(
            buckets, totals, rounded.tolist(), strict=True
        )
    ]


def _percentiles(totals: Totals) -> Json:
    return {"p50Time": _seconds(totals.p50_s), "p95Time": _seconds(totals.p95_s), "p99Time": _seconds(totals.p99_s)}


def _change(now: Totals, before: Totals) -> Json:
    return {
        "totalExecutions": relative_change(now.executions, before.executions),
        "successfulExecutions": relative_change(now.successes, before.successes),
        "failedExecutions": relative_change(now.failures, before.failures),
        "averageExecutionTime": relative_change(now.avg_s, before.avg_s),
        "p50Time": relative_change(now.p50_s, before.p50_s),
        "p95Time": relative_change(now.p95_s, before.p95_s),
        "p99Time": relative_change(now.p99_s, before.p99_s),
        "queueTime": relative_change(now.queue_avg_s, before.queue_avg_s),
        "successRate": relative_change(now.success_rate, before.success_rate),
    }


def _node(one: NodeTotals) -> Json:
    return {
        "workflowId": one.workflow_id,
        "workflowName": one.workflow_name,
        "nodeId": one.node_id,
        "nodeName": one.node_name,
        "nodeType": one.node_type,
        "runs": one.runs,
        "executions": one.executions,
        "executionShare": one.execution_share,
        "failures": one.failures,
        "failureRate": one.failure_rate,
        "totalTime": _seconds(one.total_s),
        "exclusiveTime": _seconds(one.exclusive_s),
        "exclusiveShare": one.exclusive_share,
        "avgTime": _seconds(one.avg_s),
        "p50Time": _seconds(one.p50_s),
        "p95Time": _seconds(one.p95_s),
        "maxTime": _seconds(one.max_s),
        "itemsOut": one.items_out,
    }


def _group(one: ErrorGroup) -> Json:
    return {
        "fingerprint": one.fingerprint,
        "type": one.error_type,
        "message": one.message,
        "executions": one.executions,
        "previousExecutions": one.previous,
        "change": relative_change(one.executions, one.previous),
        "firstSeen": instant_text(one.first_seen),
        "lastSeen": instant_text(one.last_seen),
        "isNew": one.is_new,
        "workflows": [
            {"workflowId": workflow, "workflowName": name, "executions": executions}
            for workflow, name, executions in one.workflows
        ],
        "workflowsTotal": one.workflows_total,
        "nodeIds": list(one.nodes),
        "executionIds": list(one.sample_ids),
    }


def _by_status(counts: Mapping[str, int]) -> dict[str, int]:
    return {status: counts.get(status, 0) for status in STATUSES if status in FINISHED or counts.get(status, 0)}


def _seconds(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s, _TIME_DECIMALS)
