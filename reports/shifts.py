"""Regressions and improvements as rows of the page model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports import regressions
from reports.extras import BlockSeries
from reports.model import Regression
from reports.regressions import Blocks, Shift
from warehouse.capacity_results import WorkflowSteps


def find(
    blocks: Sequence[BlockSeries], names: Mapping[str | None, str]
) -> tuple[tuple[Regression, ...], tuple[Regression, ...], int]:
    """What became slower, what became faster (the most time first), and how many workflows could be tested.

    A workflow is looked at in the first of the series in which it has enough; the correction for many workflows is
    made within each series, on a share of the alarm rate that is even among them.
    """
    found: list[Regression] = []
    seen: set[str | None] = set()
    for series in blocks:
        mine = [
            one
            for one in series.workflows
            if one.workflow_id not in seen and regressions.enough(Blocks(one.timed, one.p50_s), series.first)
        ]
        seen.update(one.workflow_id for one in mine)
        shifts = regressions.find(
            [Blocks(one.timed, one.p50_s) for one in mine],
            series.first,
            series.slots,
            alpha=regressions.ALPHA / len(blocks),
        )
        found += [_row(one, shift, series, names) for one, shift in zip(mine, shifts, strict=True) if shift]
    found.sort(key=lambda row: (-abs(row.total_s), row.workflow_id or ""))
    return tuple(row for row in found if row.slower), tuple(row for row in found if not row.slower), len(seen)


def _row(one: WorkflowSteps, shift: Shift, series: BlockSeries, names: Mapping[str | None, str]) -> Regression:
    after_s = shift.before_s * shift.ratio
    return Regression(
        workflow_id=one.workflow_id,
        name=names.get(one.workflow_id) or one.workflow_id or "",
        slower=shift.ratio > 1,
        since=series.borders[shift.block],
        before_s=shift.before_s,
        after_s=after_s,
        ratio=shift.ratio,
        p_value=shift.p_value,
        total_s=(after_s - shift.before_s) * sum(one.timed[shift.block :]),
        series=tuple(one.p50_s[series.first :]),
        first_index=shift.block - series.first,
    )
