"""From the warehouse's answers to the page model. Pure: no clock, no input or output, no numbers of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reports import build_rows, heat, incidents, metrics, sentences, shifts, summaries
from reports.capacity import points as capacity_points
from reports.capacity import whole_before
from reports.extras import Extras
from reports.facts import Facts
from reports.glossary import GLOSSARY
from reports.model import MODEL_VERSION, Filter, ReportModel, RetryTotals, Selection
from reports.names import name_of
from reports.request import Kind
from warehouse.errors import BadInputError
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics

MAX_STEPS = 750
"""More steps than this are neither readable nor small: 30 days by hour are 720."""
NOT_FOLLOWED = ("status", "mode")
"""Filters that the warehouse's nodes are not restricted by; the page says so."""
TITLES: dict[Kind, str] = {
    "overview": "Workflow executions",
    "workflow": "Workflow",
    "error": "Error group",
    "comparison": "Two periods compared",
}


def build(
    statistics: Statistics,
    nodes: NodeStatistics,
    errors: ErrorStatistics,
    *,
    generated_at: datetime,
    filters: Sequence[Filter] = (),
    title: str | None = None,
    generator: str = "runlake",
    kind: Kind = "overview",
    selection: Selection | None = None,
    public_url: str | None = None,
    extras: Extras | None = None,
    previous_until: datetime | None = None,
) -> ReportModel:
    """The page model of a report.

    All answers must be about the same interval and workflows. `previous_until`: end of the period that `previous` is
    of, where that is not `since` (a comparison). Raises BadInputError when the series has more than MAX_STEPS steps.
    """
    check_steps(statistics)
    extras = extras or Extras()
    not_followed = tuple(item.name for item in filters if item.name in NOT_FOLLOWED)
    facts = facts_of(statistics, nodes, errors, extras, kind, not_followed)
    findings = sentences.headline(facts)
    return ReportModel(
        model_version=MODEL_VERSION,
        kind=kind,
        title=title or TITLES[kind],
        period=statistics.period,
        granularity=statistics.granularity,
        timezone=statistics.timezone,
        since=statistics.since,
        until=statistics.until,
        previous_since=statistics.previous_since,
        previous_until=previous_until or statistics.since,
        filters=tuple(filters),
        selection=selection or Selection(),
        public_url=public_url,
        as_of=statistics.as_of,
        lake_version=statistics.lake_version,
        generated_at=generated_at,
        generator=generator,
        verdict=sentences.verdict(facts, findings),
        headline=findings,
        metrics=metrics.tiles(statistics, statistics.workflows, extras),
        points=tuple(facts.points),
        incidents=tuple(facts.incidents),
        regressions=tuple(facts.regressions),
        improvements=tuple(facts.improvements),
        regressions_tested=facts.tested,
        heat=heat.cells(extras.hours, statistics.timezone),
        retries=facts.retries,
        capacity=capacity_points(extras),
        capacity_before=whole_before(extras),
        sections=summaries.sections(facts, nodes, errors, extras),
        workflows=tuple(facts.workflows),
        workflows_total=statistics.workflows_total,
        nodes=tuple(facts.nodes),
        nodes_total=nodes.nodes_total,
        errors=tuple(facts.errors),
        errors_total=errors.groups_total,
        errors_executions=errors.executions,
        glossary=GLOSSARY,
    )


def check_steps(statistics: Statistics) -> None:
    """Raises BadInputError when a page cannot show so many steps."""
    if len(statistics.buckets) > MAX_STEPS:
        raise BadInputError(
            f"a report shows at most {MAX_STEPS} steps, period {statistics.period!r} by {statistics.granularity} has "
            f"{len(statistics.buckets)}; ask for a coarser granularity or a shorter period",
            field="granularity",
            value=statistics.granularity,
        )


def facts_of(
    statistics: Statistics,
    nodes: NodeStatistics,
    errors: ErrorStatistics,
    extras: Extras,
    kind: Kind,
    not_followed: tuple[str, ...],
) -> Facts:
    """What the rules look at."""
    points = tuple(build_rows.point_of(bucket) for bucket in statistics.buckets)
    series = {one.workflow_id: one.executions for one in extras.steps}
    names = {item.workflow_id: name_of(item.workflow_name, item.workflow_id) for item in statistics.workflows}
    hourly = tuple(build_rows.point_of(bucket) for bucket in extras.hours) if statistics.granularity == "day" else ()
    peaks = incidents.within(points, incidents.find(hourly)) if hourly else incidents.find(points)
    slower, faster, tested = shifts.find(extras.blocks, names)
    return Facts(
        kind=kind,
        statistics=statistics,
        points=points,
        incidents=peaks,
        incident_step="hour" if extras.hours and statistics.granularity == "day" else statistics.granularity,
        workflows=build_rows.workflow_rows(statistics, series),
        nodes=tuple(build_rows.node_row(node) for node in nodes.nodes[: build_rows.MAX_NODES]),
        errors=build_rows.error_rows(errors, build_rows.node_names(nodes), extras.retries),
        stopped=build_rows.stopped(statistics, extras.before),
        not_followed=not_followed,
        regressions=slower,
        improvements=faster,
        tested=tested,
        retries=retry_totals(extras),
    )


def retry_totals(extras: Extras) -> RetryTotals | None:
    """What became of the failures. None: it was not asked for."""
    if extras.retries is None:
        return None
    found = extras.retries.total
    return RetryTotals(
        failures=found.failures,
        healed=found.healed,
        retried=found.retried,
        untried=found.open - found.retried,
        heal_s=found.heal_s,
        retries=extras.retry_executions,
    )
