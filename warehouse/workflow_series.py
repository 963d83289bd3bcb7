"""Each of some workflows over the steps of a series, from the rollups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from warehouse.capacity_results import WorkflowSteps
from warehouse.cells import Accumulator
from warehouse.duck import Session
from warehouse.histogram import Ints
from warehouse.period import to_us
from warehouse.rollup_cache import RollupCache
from warehouse.selection import Filters, Selected, select
from warehouse.snapshot import Snapshot


def workflow_series(
    session: Session,
    snapshot: Snapshot,
    rollups: RollupCache,
    filters: Filters,
    borders: Sequence[datetime],
    workflow_ids: Sequence[str | None],
) -> list[WorkflowSteps]:
    """What each of these workflows did in each step [borders[i], borders[i + 1]); None: executions without a workflow.

    In the order asked; a workflow without executions has zeros. Always equals a recount, medians within 1 %. Cost: a
    tenth of a second for 40 workflows and 240 steps; hours that a border cuts are read.
    """
    entries = rollups.get(snapshot.live("executions", borders[0], borders[-1]))
    windows: Ints = np.array([to_us(border) for border in borders], np.int64)
    steps = len(borders) - 1
    found = select(session, rollups, entries, windows, filters, by_workflow=True)
    numbers = {rollups.workflow_id(number): number for number in range(rollups.workflow_count)}
    place = np.full(rollups.workflow_count, -1, np.int64)
    for row, workflow_id in enumerate(workflow_ids):
        if workflow_id in numbers:
            place[numbers[workflow_id]] = row
    sums = Accumulator(len(workflow_ids) * steps)
    sums.add_all((part.cells, _slots(part, place, steps)) for part in found)
    totals = sums.totals()
    rows = [totals[row * steps : (row + 1) * steps] for row in range(len(workflow_ids))]
    return [
        WorkflowSteps(
            workflow_id,
            tuple(one.executions for one in row),
            tuple(one.failures for one in row),
            tuple(one.timed for one in row),
            tuple(one.p50_s for one in row),
        )
        for workflow_id, row in zip(workflow_ids, rows, strict=True)
    ]


def _slots(part: Selected, place: Ints, steps: int) -> Ints:
    """One slot a workflow and step; -1 for all others."""
    row = place[part.workflow]
    return np.where((part.slot >= 0) & (part.slot < steps) & (row >= 0), row * steps + part.slot, -1)
