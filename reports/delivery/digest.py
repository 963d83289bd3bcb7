"""What mail, chat and webhooks are told of a report: the same few facts, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from reports import format as fmt
from reports import links
from reports.model import ErrorRow, Metric, ReportModel, WorkflowRow

METRICS: Final = ("executions", "success_rate", "failures", "p95")
"""Keys of the headline numbers, in their order."""
FINDINGS_MAX: Final = 6
ROWS_MAX: Final = 5
TEXT_CHARS: Final = 160


@dataclass(frozen=True, slots=True)
class Occasion:
    """Of which schedule a report is, and where it can be seen."""

    schedule: str
    """Name of the schedule."""
    report: str
    """Name of the report."""
    url: str | None
    """Page of the report on the server. None: it is not known to be reachable."""


def metrics_of(model: ReportModel) -> list[Metric]:
    """The headline numbers that the report has, of METRICS."""
    found = {metric.key: metric for metric in model.metrics}
    return [found[key] for key in METRICS if key in found]


def failing_workflows(model: ReportModel) -> list[WorkflowRow]:
    """Those with failures, the most first; at most ROWS_MAX; none where the whole report is about one."""
    if model.workflows_total <= 1:
        return []
    failing = (row for row in model.workflows if row.failures)
    return sorted(failing, key=lambda row: (-row.failures, row.name))[:ROWS_MAX]


def top_errors(model: ReportModel) -> list[ErrorRow]:
    """As the report has them: new ones first; at most ROWS_MAX."""
    return list(model.errors[:ROWS_MAX])


def error_text(row: ErrorRow) -> str:
    """An error group on one line."""
    return one_line(row.message or row.error_type or row.fingerprint, TEXT_CHARS)


def one_line(text: str, chars: int) -> str:
    """A text from the records on one line, shortened, without what is not seen."""
    line = " ".join(fmt.clean(text).split())
    return line if len(line) <= chars else f"{line[: chars - 1].rstrip()}…"


def dates_of(model: ReportModel) -> str:
    """The period in the words of the page."""
    return fmt.date_range(model.since, model.until, model.timezone)


def executions_url(model: ReportModel) -> str | None:
    """The list of the executions that the report counts. None: it has no address to lead to."""
    return plain_url(links.executions(model))


def workflow_failures_url(model: ReportModel, row: WorkflowRow) -> str | None:
    """The list of what failed of a workflow."""
    if row.workflow_id is None:
        return None
    return plain_url(links.executions(model, statuses=links.FAILURES.split(","), workflow_id=row.workflow_id))


def error_url(model: ReportModel, row: ErrorRow) -> str | None:
    """The list of an error group's executions."""
    return plain_url(links.executions(model, fingerprint=row.fingerprint))


def plain_url(url: str | None) -> str | None:
    """An address that programs find whole in a plain text, and that has a host. None: there is none."""
    if url is None or not url.startswith(("http://", "https://")):
        return None
    return url.replace("[", "%5B").replace("]", "%5D")


def digest_json(model: ReportModel, occasion: Occasion) -> dict[str, Any]:
    """The facts as JSON, for webhooks: numbers are numbers, instants RFC 3339."""
    return {
        "schedule": occasion.schedule,
        "report": occasion.report,
        "url": occasion.url,
        "title": model.title,
        "kind": model.kind,
        "since": fmt.utc(model.since),
        "until": fmt.utc(model.until),
        "timezone": model.timezone,
        "asOf": None if model.as_of is None else fmt.utc(model.as_of),
        "generatedAt": fmt.utc(model.generated_at),
        "verdict": {"tone": model.verdict.tone, "text": model.verdict.text},
        "findings": [{"rule": one.rule, "tone": one.tone, "text": one.text} for one in model.headline],
        "metrics": {
            metric.key: {"value": metric.value, "previous": metric.previous, "unit": metric.unit}
            for metric in model.metrics
        },
        "errors": [
            {
                "fingerprint": row.fingerprint,
                "errorType": row.error_type,
                "message": None if row.message is None else one_line(row.message, TEXT_CHARS),
                "isNew": row.is_new,
                "executions": row.executions,
                "url": error_url(model, row),
            }
            for row in top_errors(model)
        ],
        "errorsTotal": model.errors_total,
        "executionsUrl": executions_url(model),
    }
