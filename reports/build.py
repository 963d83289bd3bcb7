"""From the warehouse's answers to the page model. Pure: no clock, no input or output, no numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from reports import compare, incidents, sentences, summaries
from reports import format as fmt
from reports.glossary import GLOSSARY
from reports.model import (
    MODEL_VERSION,
    ErrorRow,
    ErrorWorkflow,
    Filter,
    Metric,
    NodeRow,
    Point,
    ReportModel,
    StatusCounts,
    WorkflowRow,
)
from warehouse.errors import BadInputError
from warehouse.results import (
    Bucket,
    ErrorGroup,
    ErrorStatistics,
    NodeStatistics,
    NodeTotals,
    Statistics,
    Totals,
    WorkflowTotals,
)

MAX_STEPS = 750
"""More steps than this are neither readable nor small: 30 days by hour are 720."""
MAX_WORKFLOWS = 100
MAX_NODES = 60
MAX_ERRORS = 30
"""Most rows of a table; the totals beside them say how many there are."""
MESSAGE_CHARS = 500
NAME_CHARS = 100
"""Ids may be 10 kB long: in a page that is noise."""
NOT_FOLLOWED = ("status", "mode")
"""Filters that the warehouse's nodes and errors are not restricted by; the page says so."""
NO_NAME = "(no name)"


def build(
    statistics: Statistics,
    nodes: NodeStatistics,
    errors: ErrorStatistics,
    *,
    generated_at: datetime,
    filters: Sequence[Filter] = (),
    title: str | None = None,
    generator: str = "runlake",
    workflow_series: Mapping[str | None, Sequence[int]] | None = None,
    previous_workflows: Sequence[WorkflowTotals] = (),
) -> ReportModel:
    """The page model of an overview report.

    The three answers must be about the same interval and workflow. `workflow_series` gives the executions of each
    step by workflow id, for sparklines; a workflow that is missing there has none. `previous_workflows` are the
    workflows of the preceding period (their `totals` are of that period), to tell which ones stopped.
    Raises BadInputError when the series has more than MAX_STEPS steps.
    """
    if len(statistics.buckets) > MAX_STEPS:
        raise BadInputError(
            f"a report shows at most {MAX_STEPS} steps, period {statistics.period!r} by {statistics.granularity} has "
            f"{len(statistics.buckets)}; ask for a coarser granularity or a shorter period",
            field="granularity",
            value=statistics.granularity,
        )
    points = tuple(_point(bucket) for bucket in statistics.buckets)
    facts = sentences.Facts(
        statistics=statistics,
        points=points,
        incidents=incidents.find(points),
        workflows=_workflow_rows(statistics, workflow_series or {}),
        nodes=tuple(_node_row(node) for node in nodes.nodes[:MAX_NODES]),
        errors=_error_rows(errors, _node_names(nodes)),
        stopped=_stopped(statistics, previous_workflows),
        not_followed=tuple(item.name for item in filters if item.name in NOT_FOLLOWED),
    )
    findings = sentences.headline(facts)
    return ReportModel(
        model_version=MODEL_VERSION,
        kind="overview",
        title=title or "Workflow executions",
        period=statistics.period,
        granularity=statistics.granularity,
        timezone=statistics.timezone,
        since=statistics.since,
        until=statistics.until,
        previous_since=statistics.previous_since,
        filters=tuple(filters),
        as_of=statistics.as_of,
        lake_version=statistics.lake_version,
        generated_at=generated_at,
        generator=generator,
        verdict=sentences.verdict(facts, findings),
        headline=findings,
        metrics=_metrics(statistics),
        points=points,
        incidents=tuple(facts.incidents),
        sections=summaries.sections(facts, nodes, errors),
        workflows=tuple(facts.workflows),
        workflows_total=statistics.workflows_total,
        nodes=tuple(facts.nodes),
        nodes_total=nodes.nodes_total,
        errors=tuple(facts.errors),
        errors_total=errors.groups_total,
        errors_executions=errors.executions,
        glossary=GLOSSARY,
    )


def _short(text: str | None) -> str | None:
    """A name from the records on one line, without what is not seen, at most NAME_CHARS characters."""
    if text is None:
        return None
    line = " ".join(fmt.clean(text).split())
    return line if len(line) <= NAME_CHARS else line[: NAME_CHARS - 1] + "…"


def _name(name: str | None, id_: str | None) -> str:
    """What something is called: its name, else its id, else words."""
    return _short(name) or _short(id_) or NO_NAME


def _point(bucket: Bucket) -> Point:
    totals = bucket.totals
    return Point(
        start=bucket.start,
        end=bucket.end,
        executions=totals.executions,
        by_status=StatusCounts(
            queued=totals.by_status["queued"],
            running=totals.by_status["running"],
            success=totals.by_status["success"],
            failed=totals.by_status["failed"],
            cancelled=totals.by_status["cancelled"],
            timeout=totals.by_status["timeout"],
        ),
        finished=totals.finished,
        failures=totals.failures,
        success_rate=totals.success_rate,
        p50_s=totals.p50_s,
        p95_s=totals.p95_s,
        p99_s=totals.p99_s,
    )


def _unfinished(totals: Totals) -> int:
    return totals.executions - totals.finished


def _metrics(statistics: Statistics) -> tuple[Metric, ...]:
    now, before = statistics.totals, statistics.previous

    def series(read: Callable[[Totals], float | None]) -> tuple[float | None, ...]:
        return tuple(read(bucket.totals) for bucket in statistics.buckets)

    def count(key: str, label: str, read: Callable[[Totals], int], *, tell: bool = False) -> Metric:
        change = compare.relative(read(now), read(before), lower_is_better=True, tell=tell)
        return Metric(key, label, "count", read(now), read(before), change, None, series(read))

    def time(
        key: str, label: str, read: Callable[[Totals], float | None], reason: str, *, graded: bool = True
    ) -> Metric:
        value, previous = read(now), read(before)
        tell = graded and compare.time_changed(value, previous, now.timed, before.timed)
        change = compare.relative(value, previous, lower_is_better=True, tell=tell)
        return Metric(
            key, label, "seconds", value, previous, change, None if value is not None else reason, series(read)
        )

    rate, told = now.success_rate, compare.rate_changed(now, before)
    # Fewer failures of far fewer executions are no good news: the count is coloured only when the rate moved with it.
    agree = (now.failures > before.failures) == ((rate or 0.0) < (before.success_rate or 0.0))
    success = Metric(
        "success_rate",
        "Success rate",
        "ratio",
        rate,
        before.success_rate,
        compare.points(rate, before.success_rate, tell=told),
        None if rate is not None else compare.NO_FINISHED,
        series(lambda totals: totals.success_rate),
    )
    return (
        count("executions", "Executions", lambda totals: totals.executions),
        success,
        count("failures", "Failures", lambda totals: totals.failures, tell=told and agree),
        count("unfinished", "Not finished yet", _unfinished),
        time("p50", "Typical duration (p50)", lambda totals: totals.p50_s, compare.NO_TIMED),
        time("p95", "Slow duration (p95)", lambda totals: totals.p95_s, compare.NO_TIMED),
        time("queue_time", "Average queue time", lambda totals: totals.queue_avg_s, compare.NO_QUEUE_TIME),
        time("total_time", "Total run time", lambda totals: totals.total_s, compare.NO_TIMED, graded=False),
    )


def _workflow_rows(statistics: Statistics, series: Mapping[str | None, Sequence[int]]) -> tuple[WorkflowRow, ...]:
    rows = [_workflow_row(item, statistics.totals, series) for item in statistics.workflows[:MAX_WORKFLOWS]]
    return tuple(sorted(rows, key=lambda row: (-row.total_s, -row.executions, row.workflow_id or "")))


def _stopped(statistics: Statistics, before: Sequence[WorkflowTotals]) -> tuple[tuple[str, int], ...]:
    """Workflows of the period before that did not run in this one; none when the list of this one is capped."""
    if len(statistics.workflows) < statistics.workflows_total:
        return ()
    running = {item.workflow_id for item in statistics.workflows if item.totals.executions}
    return tuple(
        (_name(item.workflow_name, item.workflow_id), item.totals.executions)
        for item in before
        if item.workflow_id not in running
    )


def _workflow_row(item: WorkflowTotals, all_: Totals, series: Mapping[str | None, Sequence[int]]) -> WorkflowRow:
    now, before = item.totals, item.previous
    slower = compare.time_changed(now.p95_s, before.p95_s, now.timed, before.timed)
    return WorkflowRow(
        workflow_id=item.workflow_id,
        name=_name(item.workflow_name, item.workflow_id),
        executions=now.executions,
        share=now.executions / all_.executions if all_.executions else None,
        executions_change=compare.relative(now.executions, before.executions),
        failures=now.failures,
        success_rate=now.success_rate,
        success_change=compare.points(
            now.success_rate,
            before.success_rate,
            tell=compare.rate_changed(now, before, z=sentences.WORKFLOW_Z),
        ),
        avg_s=now.avg_s,
        p50_s=now.p50_s,
        p95_s=now.p95_s,
        p95_change=compare.relative(now.p95_s, before.p95_s, lower_is_better=True, tell=slower),
        total_s=now.total_s,
        time_share=now.total_s / all_.total_s if all_.total_s else None,
        series=tuple(series.get(item.workflow_id, ())),
    )


def _node_row(node: NodeTotals) -> NodeRow:
    return NodeRow(
        workflow_id=node.workflow_id,
        workflow_name=_name(node.workflow_name, node.workflow_id),
        node_id=node.node_id,
        name=_name(node.node_name, node.node_id),
        node_type=_short(node.node_type),
        runs=node.runs,
        execution_share=node.execution_share,
        failures=node.failures,
        failure_rate=node.failure_rate,
        exclusive_s=node.exclusive_s,
        exclusive_share=node.exclusive_share,
        total_s=node.total_s,
        avg_s=node.avg_s,
        p95_s=node.p95_s,
    )


def _node_names(nodes: NodeStatistics) -> dict[str, str]:
    """Names by node id, where an id has one name only (copied workflows share ids)."""
    names: dict[str, set[str]] = {}
    for node in nodes.nodes:
        if node.node_name:
            names.setdefault(node.node_id, set()).add(node.node_name)
    return {node_id: next(iter(found)) for node_id, found in names.items() if len(found) == 1}


def _error_rows(errors: ErrorStatistics, names: Mapping[str, str]) -> tuple[ErrorRow, ...]:
    rows = [_error_row(group, errors.executions, names) for group in errors.groups]
    return tuple(sorted(rows, key=lambda row: (not row.is_new, -row.executions, row.fingerprint)))[:MAX_ERRORS]


def _error_row(group: ErrorGroup, unsuccessful: int, names: Mapping[str, str]) -> ErrorRow:
    message = None if group.message is None else fmt.clean(group.message)
    return ErrorRow(
        fingerprint=group.fingerprint,
        error_type=_short(group.error_type),
        message=None if message is None else message[:MESSAGE_CHARS],
        message_chars=len(message or ""),
        is_new=group.is_new,
        executions=group.executions,
        share=group.executions / unsuccessful if unsuccessful else None,
        previous=group.previous,
        change=compare.relative(group.executions, group.previous),
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        workflows=tuple(ErrorWorkflow(id_, _name(name, id_), number) for id_, name, number in group.workflows),
        workflows_total=group.workflows_total,
        nodes=tuple(_name(names.get(node), node) for node in group.nodes),
        sample_ids=tuple(_name(None, id_) for id_ in group.sample_ids),
    )
