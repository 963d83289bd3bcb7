"""The small tables that the SQL of the generator joins: hours, workflows, their weights, error families."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from ingest import generate_words as words
from ingest.generate_plan import HOUR, GenerateOptions, Incident, IncidentKind, draw, hour_of, planted, workflows

PICK_BUCKETS: Final = 16_384
"""Resolution of the workflow weights; `generate_rows.sql` knows it too."""

_OFFICE_WEIGHTS: Final = (2, 1.5, 1.5, 1.5, 2, 3, 6, 14, 26, 32, 33, 30, 25, 29, 32, 31, 27, 20, 12, 8, 6, 5, 4, 3)
"""Relative load of the UTC hours of a working day."""
_WEEKEND_FACTOR: Final = 0.3


def slots_table(options: GenerateOptions) -> pa.Table:
    """One row is one clock hour of the window (the first and the last may be cut), in order.

    first_no int64, executions int64: its records are first_no .. first_no + executions - 1.
    day_first_no, day_executions int64: the same of its UTC day. hour_us, start_us, end_us int64: the clock hour and
    the part of it in the window, microseconds since 1970. limit_us int64: end of its day or of the window.
    off_hours int8: 1 at night and at weekends. outage_rate, database_rate, queue_s float64: incidents, NULL none.
    """
    since, until = options.since, options.until.astimezone(UTC)
    first = hour_of(since)
    hours = math.ceil((until - first) / HOUR)
    hour_us = us_of(first) + 3_600_000_000 * np.arange(hours, dtype=np.int64)
    start_us = np.maximum(hour_us, us_of(since))
    end_us = np.minimum(hour_us + 3_600_000_000, us_of(until))
    hour_of_day = (hour_us // 3_600_000_000) % 24
    day = hour_us // 86_400_000_000
    weekend = (day + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    weight = np.array(_OFFICE_WEIGHTS)[hour_of_day] * np.where(weekend, _WEEKEND_FACTOR, 1.0) * (end_us - start_us)
    edges = np.rint(np.concatenate(([0.0], np.cumsum(weight) / weight.sum())) * options.executions).astype(np.int64)
    edges[-1] = options.executions
    days, day_of = np.unique(day, return_inverse=True)
    day_edges = np.concatenate((edges[:-1][np.unique(day_of, return_index=True)[1]], [options.executions]))
    columns: dict[str, object] = {
        "first_no": edges[:-1],
        "executions": np.diff(edges),
        "day_first_no": day_edges[:-1][day_of],
        "day_executions": np.diff(day_edges)[day_of],
        "hour_us": hour_us,
        "start_us": start_us,
        "end_us": end_us,
        "limit_us": np.minimum((days[day_of] + 1) * 86_400_000_000, us_of(until)),
        "off_hours": ((hour_of_day < 7) | (hour_of_day >= 18) | weekend).astype(np.int8),
    }
    incidents = planted(options).incidents
    columns["outage_rate"] = _felt(hour_us, incidents, "outage")
    columns["database_rate"] = _felt(hour_us, incidents, "database")
    columns["queue_s"] = _felt(hour_us, incidents, "queue")
    return pa.table(columns)


def _felt(hour_us: np.ndarray, incidents: tuple[Incident, ...], kind: IncidentKind) -> pa.Array:
    """Per hour how strongly an incident of the kind is felt, NULL where there is none."""
    values = np.full(len(hour_us), np.nan)
    for incident in incidents:
        if incident.kind == kind:
            strength = incident.queue_time_s if kind == "queue" else incident.failure_rate
            values[(hour_us >= us_of(incident.since)) & (hour_us < us_of(incident.until))] = strength
    return pa.array(values, mask=np.isnan(values))


def workflows_table(options: GenerateOptions) -> pa.Table:
    """One row is one workflow (`workflow_no` from 0), what the draws need; NULL: not planted in it."""
    truths = planted(options)
    new_family = len(words.ERROR_FAMILIES)
    rows = []
    for number, flow in enumerate(workflows(options)):
        regresses, breaks = flow.id == truths.regression.workflow_id, flow.id == truths.new_error.workflow_id
        cuts = np.cumsum([node.share for node in flow.nodes])
        rows.append(
            {
                "workflow_no": number,
                "workflow_id": flow.id,
                "workflow_name": flow.name,
                "trigger_kind": flow.trigger,
                "trigger_source": flow.source,
                "median_ms": flow.median_s * 1000,
                "sigma": flow.sigma,
                "failure_rate": flow.failure_rate,
                "time_limit_ms": flow.time_limit_s * 1000,
                "memory_mb": flow.memory_mb,
                "interval_s": flow.interval_s,
                "bottleneck": flow.bottleneck,
                "node_ids": [node.id for node in flow.nodes],
                "node_names": [node.name for node in flow.nodes],
                "node_types": [node.type for node in flow.nodes],
                "node_cuts": [*(float(cut) for cut in cuts[:-1]), 1.0],
                "slows_from_us": us_of(truths.regression.since) if regresses else None,
                "slows_to": truths.regression.factor if regresses else None,
                "new_error_from_us": us_of(truths.new_error.since) if breaks else None,
                "new_error_rate": truths.new_error.failure_rate if breaks else None,
                "outage": any(flow.id == incident.workflow_id for incident in truths.incidents),
                "error_base": int(draw(f"{options.seed}/{number}/errors") * new_family),
            }
        )
    return pa.Table.from_pylist(rows, schema=WORKFLOWS_SCHEMA)


WORKFLOWS_SCHEMA: Final = pa.schema(
    [
        ("workflow_no", pa.int32()),
        ("workflow_id", pa.string()),
        ("workflow_name", pa.string()),
        ("trigger_kind", pa.string()),
        ("trigger_source", pa.string()),
        ("median_ms", pa.float64()),
        ("sigma", pa.float64()),
        ("failure_rate", pa.float64()),
        ("time_limit_ms", pa.int64()),
        ("memory_mb", pa.float64()),
        ("interval_s", pa.int64()),
        ("bottleneck", pa.int32()),
        ("node_ids", pa.list_(pa.string())),
        ("node_names", pa.list_(pa.string())),
        ("node_types", pa.list_(pa.string())),
        ("node_cuts", pa.list_(pa.float64())),
        ("slows_from_us", pa.int64()),
        ("slows_to", pa.float64()),
        ("new_error_from_us", pa.int64()),
        ("new_error_rate", pa.float64()),
        ("outage", pa.bool_()),
        ("error_base", pa.int32()),
    ]
)


def picks_table(options: GenerateOptions) -> pa.Table:
    """One row is one bucket of a uniform draw: (off_hours int8, bucket int32, workflow_no int32), Zipf weighted.

    Schedules run by day and by night, people and customers do not: off hours, schedules weigh six times as much.
    """
    flows = workflows(options)
    parts = []
    for off_hours in (0, 1):
        weights = np.array([flow.weight * (6.0 if off_hours and flow.interval_s else 1.0) for flow in flows])
        edges = np.cumsum(weights) / weights.sum()
        middles = (np.arange(PICK_BUCKETS) + 0.5) / PICK_BUCKETS
        chosen = np.minimum(np.searchsorted(edges, middles), len(flows) - 1).astype(np.int32)
        parts.append(
            pa.table(
                {
                    "off_hours": np.full(PICK_BUCKETS, off_hours, dtype=np.int8),
                    "bucket": np.arange(PICK_BUCKETS, dtype=np.int32),
                    "workflow_no": chosen,
                }
            )
        )
    return pa.concat_tables(parts)


FAMILIES: Final = (
    *words.ERROR_FAMILIES,
    words.TIMEOUT_FAMILY,
    words.OUTAGE_FAMILY,
    words.DATABASE_FAMILY,
    words.NEW_FAMILY,
)
"""All error families; the number of one is its place here. The SQL counts on the everyday ones standing first."""


def families_table() -> pa.Table:
    """One row is one error family: (family int32, error_type, template)."""
    return pa.table(
        {
            "family": pa.array(range(len(FAMILIES)), pa.int32()),
            "error_type": [family.type for family in FAMILIES],
            "template": [family.message for family in FAMILIES],
        }
    )


def us_of(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
