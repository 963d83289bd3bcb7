"""Load, memory, data and retries of a window: scans of the few columns needed, over both tiers.

Rollups do not know these, so each question reads its columns once: some 0.2 s for 3 million executions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.capacity_results import Load, Occurrence, RetryOutcome, RetryStatistics, Usage
from warehouse.duck import Session, read_sql
from warehouse.histogram import Ints, percentiles
from warehouse.period import to_us
from warehouse.scan import attach_files
from warehouse.selection import Filters
from warehouse.snapshot import Snapshot
from warehouse.units import MINUTE_US, step_of, unit_of

FAMILY_BACK: Final = timedelta(days=7)
"""Retries placed up to so long before a window (whole dates) tell which family an execution belongs to."""
LOOK_BACK: Final = timedelta(days=1)
"""Executions placed this long before a window still count into its load; what runs longer is left out before it."""
FINE_UP_TO: Final = timedelta(days=93)
"""The load of longer windows is looked at every quarter of an hour instead of every minute."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """One scan of executions."""

    session: Session
    snapshot: Snapshot
    filters: Filters

    def table(self, name: str, first: datetime, end: datetime | None, /, **parameters: Any) -> pa.Table:
        """The answer of the query `name` over the files that can hold executions placed in [first, end)."""
        files = self.snapshot.live("executions", first, end)
        chosen = {
            "workflow_ids": list(self.filters.workflow_ids) or None,
            "statuses": list(self.filters.statuses) or None,
            "modes": list(self.filters.modes) or None,
        }
        with self.session.tables():  # keeps other threads from attaching theirs in between
            attach_files(self.session, "executions", "executions", files)
            return self.session.table(read_sql("warehouse", name), {**chosen, **parameters})


def usage(session: Session, snapshot: Snapshot, filters: Filters, borders: Sequence[datetime]) -> list[Usage]:
    """Memory and data of each step [borders[i], borders[i + 1]), and of all of them as the last item."""
    since, until, steps = borders[0], borders[-1], len(borders) - 1
    unit_us = unit_of(borders)
    scan = _Scan(session, snapshot, filters)
    table = scan.table("step_resources", since, until, since=since, until=until, unit_us=unit_us)
    step = step_of(borders, _ints(table, "unit"), unit_us)
    # The whole is one more slot, so that its percentiles are counted and not averaged.
    slot = np.concatenate([step, np.full(len(step), steps, np.int64)])
    return _usages(pa.concat_tables([table, table]), slot, steps + 1)


def _usages(table: pa.Table, slot: Ints, slots: int) -> list[Usage]:
    bucket, executions = _ints(table, "bucket", -1), _ints(table, "executions")
    measured = bucket >= 0
    low, high = np.full(slots, np.iinfo(np.int64).max), np.full(slots, -1, np.int64)
    np.minimum.at(low, slot[measured], _ints(table, "min_memory")[measured])
    np.maximum.at(high, slot[measured], _ints(table, "max_memory")[measured])
    found = percentiles(slot[measured], bucket[measured], executions[measured], low, high, (0.5, 0.95)) / 1e6

    def add(values: Ints) -> list[int]:
        sums = np.zeros(slots, np.int64)
        np.add.at(sums, slot, values)
        return sums.tolist()

    counts, sizes = add(executions), add(_ints(table, "sized"))
    known, data = add(np.where(measured, executions, 0)), add(_ints(table, "data_bytes"))
    return [
        Usage(
            counts[i],
            known[i],
            float(found[i, 0]) if known[i] else None,
            float(found[i, 1]) if known[i] else None,
            int(high[i]) / 1e6 if known[i] else None,
            sizes[i],
            data[i],
        )
        for i in range(slots)
    ]


def load(session: Session, snapshot: Snapshot, filters: Filters, borders: Sequence[datetime]) -> list[Load]:
    """How many executions waited and ran in each step, and over all of them as the last item.

    Means are exact over the full minutes of a step; peaks are the most at a full minute (a full quarter of an hour for
    windows beyond FINE_UP_TO). Executions placed up to LOOK_BACK before the window are counted while they last.
    """
    since, until = borders[0], borders[-1]
    unit_us = MINUTE_US if until - since <= FINE_UP_TO else 15 * MINUTE_US
    scan, begin = _Scan(session, snapshot, filters), since - LOOK_BACK
    table = scan.table("load_events", begin, until, **{"from": begin}, until=until, unit_us=unit_us)
    first, end = -(-to_us(since) // unit_us), to_us(until) // unit_us
    number = max(0, end - first)
    edges = [min(max(-(-to_us(border) // unit_us) - first, 0), number) for border in borders]
    waiting, running = (_level(table, kind, first, number, unit_us) for kind in (True, False))
    spans = [*pairwise(edges), (0, number)]
    return [Load(*_mean_peak(waiting, a, b), *_mean_peak(running, a, b)) for a, b in spans]


def _level(table: pa.Table, is_waiting: bool, first: int, number: int, unit_us: int) -> tuple[Ints, np.ndarray]:
    """Of each unit: how many there are at its begin, and their mean over it."""
    mine = table.filter(pc.equal(table["is_waiting"], is_waiting))
    change, events, offset_us = (_ints(mine, name) for name in ("change", "events", "offset_us"))
    place = np.maximum(_ints(mine, "unit") - first, -1) + 1  # 0: before the window
    inside = place <= number
    net, late = np.zeros(number + 1, np.int64), np.zeros(number + 1, np.int64)
    np.add.at(net, place[inside], (change * events)[inside])
    np.add.at(late, place[inside], (change * (events * unit_us - offset_us))[inside])
    begin = np.cumsum(net)[:number]
    return begin, begin + late[1:] / unit_us


def _mean_peak(level: tuple[Ints, np.ndarray], first: int, end: int) -> tuple[float | None, int | None]:
    if first >= end:
        return None, None
    begin, mean = level
    return float(mean[first:end].mean()), int(begin[first:end].max())


def retry_statistics(
    session: Session, snapshot: Snapshot, filters: Filters, since: datetime, until: datetime
) -> RetryStatistics:
    """What became of the unsuccessful executions placed in [since, until): healed by a later retry, or still failing.

    Retries are followed from FAMILY_BACK before the window up to the newest record. Costs a scan of the
    columns status, retry_of and fingerprint.
    """
    begin = since - FAMILY_BACK
    scan = _Scan(session, snapshot, filters)
    table = scan.table("retry_outcomes", begin, None, since=since, until=until)
    rows = table.to_pylist()
    if not rows:
        return RetryStatistics(RetryOutcome(0, 0, 0, None), {})
    whole, *groups = rows
    return RetryStatistics(
        _outcome(whole), {row["fingerprint"]: _outcome(row) for row in groups if row["fingerprint"] is not None}
    )


def _outcome(row: dict[str, Any]) -> RetryOutcome:
    heal_us: int | None = row["heal_us"]
    return RetryOutcome(row["failures"], row["healed"], row["retried"], None if heal_us is None else heal_us / 1e6)


def occurrences(
    session: Session, snapshot: Snapshot, filters: Filters, borders: Sequence[datetime], fingerprint: str
) -> list[Occurrence]:
    """Where and when the executions of one error group failed, by step, workflow and node; no order."""
    since, until, unit_us = borders[0], borders[-1], unit_of(borders)
    scan = _Scan(session, snapshot, filters)
    table = scan.table(
        "error_occurrences", since, until, fingerprint=fingerprint, since=since, until=until, unit_us=unit_us
    )
    steps = step_of(borders, _ints(table, "unit"), unit_us).tolist()
    return [
        Occurrence(step, row["workflow_id"], row["workflow_name"], row["node_id"], row["status"], row["executions"])
        for step, row in zip(steps, table.to_pylist(), strict=True)
    ]


def _ints(table: pa.Table, name: str, null: int = 0) -> Ints:
    values: Ints = pc.fill_null(table[name].cast(pa.int64()), null).to_numpy()
    return values
