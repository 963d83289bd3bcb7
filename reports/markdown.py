"""The short text of a report, in Markdown that chats and mail programs show as well: what happened, in some lines."""

from __future__ import annotations

import re

from reports import format as fmt
from reports import links
from reports.model import Metric, ReportModel
from reports.render import TONE_WORDS, change_words, metric_value

FINDINGS = 6
WORKFLOWS = 5
ERRORS = 5
"""Most of each that the short text names; the page has them all."""
MESSAGE_CHARS = 120
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def to_markdown(model: ReportModel) -> str:
    """The report in short: verdict, findings, totals, what takes the time, what fails, where the whole is.

    Text from records is escaped, on one line and shortened, so it can be neither markup nor a mention.
    """
    period = fmt.date_range(model.since, model.until, model.timezone)
    lines = [f"# {plain(model.title)}", "", f"{period} ({model.timezone})", "", f"**{plain(model.verdict.text)}**", ""]
    lines += [f"- {TONE_WORDS[one.tone]}: {plain(one.text)}" for one in model.headline[:FINDINGS]]
    if len(model.headline) > FINDINGS:
        lines.append(f"- and {fmt.plural(len(model.headline) - FINDINGS, 'more finding')} in the report")
    if any(metric.value for metric in model.metrics):
        lines += ["", "## Totals", "", *(_metric(metric) for metric in model.metrics)]
    lines += _workflows(model)
    lines += _errors(model)
    as_of = fmt.instant(model.as_of, model.timezone) if model.as_of else "no record yet"
    lines += ["", f"Data as of {as_of}. Made by {plain(model.generator)}."]
    address = links.executions(model) if model.public_url else None
    if address is not None:
        lines.append(f"[The executions it counts]({address.replace('[', '%5B').replace(']', '%5D')})")
    return "\n".join(lines) + "\n"


def plain(text: str, limit: int | None = None) -> str:
    """A text as it stands: on one line, nothing in it is markup or a mention."""
    line = " ".join(fmt.clean(text).split())
    if limit is not None and len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    return _SPECIAL.sub(r"\\\1", line).replace("@", "@\u200b")


def _metric(metric: Metric) -> str:
    if metric.value is None:
        return f"- {metric.label}: {fmt.MISSING} ({metric.reason})"
    text = f"- {metric.label}: **{metric_value(metric.value, metric.unit)}**"
    if metric.change.value is None:
        return text
    return f"{text}, {change_words(metric.change, metric.key)} (was {metric_value(metric.previous, metric.unit)})"


def _workflows(model: ReportModel) -> list[str]:
    rows = model.workflows[:WORKFLOWS]
    if len(model.workflows) < 2:
        return []
    lines = ["", "## Where the time goes", ""]
    for row in rows:
        rate = f", {fmt.percent(row.success_rate)} succeeded" if row.success_rate is not None else ""
        lines.append(
            f"- {plain(row.name)}: {fmt.duration(row.total_s)} in {fmt.plural(row.executions, 'execution')}{rate}"
        )
    return lines


def _errors(model: ReportModel) -> list[str]:
    if not model.errors:
        return []
    lines = ["", "## Why things failed", ""]
    for row in model.errors[:ERRORS]:
        what = plain(row.message or row.error_type or row.fingerprint, MESSAGE_CHARS)
        new = "**new** " if row.is_new else ""
        lines.append(f"- {new}{fmt.count(row.executions)} × {what}")
    if model.errors_total > ERRORS:
        lines.append(f"- and {fmt.plural(model.errors_total - ERRORS, 'more group')}")
    return lines
