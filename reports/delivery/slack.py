"""A report as a Slack-compatible post: blocks, and a plain text for what cannot show them."""

from __future__ import annotations

from typing import Any, Final

from reports.delivery.digest import (
    FINDINGS_MAX,
    Occasion,
    dates_of,
    error_text,
    error_url,
    executions_url,
    metrics_of,
    one_line,
    top_errors,
)
from reports.model import Metric, ReportModel
from reports.render import change_words, metric_value

_MARKS: Final = {"bad": "🔴", "watch": "🟠", "neutral": "⚪", "good": "🟢"}
_SECTION_CHARS: Final = 2900
"""Slack takes 3,000 in a section."""
_HEADER_CHARS: Final = 150
_LINE_CHARS: Final = 400


def slack_body(model: ReportModel, occasion: Occasion) -> dict[str, Any]:
    """`text` and `blocks`. Text from records is escaped: it can neither mention anybody nor be a link."""
    title = f"{model.title}, {dates_of(model)}"
    verdict = f"{_MARKS[model.verdict.tone]} *{_escaped(model.verdict.text)}*"
    findings = [f"{_MARKS[one.tone]} {_escaped(one.text)}" for one in model.headline[:FINDINGS_MAX]]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": one_line(title, _HEADER_CHARS), "emoji": False}},
        _section([verdict]),
    ]
    if findings:
        blocks.append(_section(findings))
    fields = [{"type": "mrkdwn", "text": _field(metric)} for metric in metrics_of(model)]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    errors = [_error(model, place) for place in range(len(top_errors(model)))]
    if errors:
        blocks.append(_section(["*Why things failed*", *errors]))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _foot(model, occasion)}]})
    return {"text": f"{_escaped(one_line(title, _HEADER_CHARS))}: {_escaped(model.verdict.text)}", "blocks": blocks}


def _section(lines: list[str]) -> dict[str, Any]:
    """As many of the lines as fit."""
    held: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in held) + len(line) > _SECTION_CHARS:
            break
        held.append(line)
    return {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(held)}}


def _field(metric: Metric) -> str:
    text = f"*{_escaped(metric.label)}*\n{metric_value(metric.value, metric.unit)}"
    return text if metric.change.value is None else f"{text} ({change_words(metric.change, metric.key)})"


def _error(model: ReportModel, place: int) -> str:
    row = top_errors(model)[place]
    count = metric_value(row.executions, "count")
    where = error_url(model, row)
    linked = f"<{_url(where)}|{count}>" if where else count
    return f"• {linked} × {'*new* ' if row.is_new else ''}{_escaped(error_text(row))}"


def _foot(model: ReportModel, occasion: Occasion) -> str:
    parts = []
    if occasion.url:
        parts.append(f"<{_url(occasion.url)}|The report>")
    executions = executions_url(model)
    if executions:
        parts.append(f"<{_url(executions)}|The executions it counts>")
    parts.append(f"schedule {_escaped(occasion.schedule)}, times in {_escaped(model.timezone)}")
    return " · ".join(parts)


def _escaped(text: str) -> str:
    """Slack's three characters, and those of its own markup, as they stand."""
    line = one_line(text, _LINE_CHARS).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "*_~`":
        line = line.replace(mark, f"\u200b{mark}\u200b")
    return line.replace("@", "@\u200b")


def _url(url: str) -> str:
    """An address inside <…|…>."""
    return url.replace("&", "&amp;").replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
