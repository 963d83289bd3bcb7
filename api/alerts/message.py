"""The e-mail about an alert: plain text and HTML, with the numbers, the rule and the link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

from api.models import instant_text
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alert_state import Change, NewMail

_VALUES: Final = {
    "failureRate": "Failure rate",
    "failures": "Failed executions",
    "p95": "p95 against its usual value",
    "queueLength": "Queued executions",
    "silence": "Executions",
    "memory": "Memory, MiB",
    "newError": "New errors",
}
_MORE: Final = {
    "executions": "Executions in the window",
    "finished": "Finished in the window",
    "p95": "p95, s",
    "usualP95": "Usual p95, s",
    "measured": "Executions with a memory figure",
    "errorType": "Error",
    "errorMessage": "Message",
    "fingerprint": "Fingerprint",
    "newFingerprintsTotal": "New fingerprints",
}


def mails_of(rule: AlertRule, change: Change, at: datetime, told: Mapping[str, Any]) -> list[NewMail]:
    """One message for each address of the rule. That a newError is over is no message: it is told once."""
    if not rule.emails or (change == "resolved" and rule.kind == "newError"):
        return []
    message = render(rule, change, at, told)
    return [NewMail(address, message) for address in dict.fromkeys(rule.emails)]


def render(rule: AlertRule, change: Change, at: datetime, told: Mapping[str, Any]) -> dict[str, str]:
    """`subject`, `text` and `html`. Control characters of records do not get through."""
    rows = [(name, _clean(value)) for name, value in _rows(rule, at, told["numbers"])]
    url = _clean(told["url"])
    subject = f"[runlake] {'FIRING' if change == 'firing' else 'resolved'}: {_clean(rule.name)}"
    width = max(len(name) for name, _ in rows)
    lines = [f"{subject[10:]}", "", *(f"{name:<{width}}  {value}" for name, value in rows), "", "The executions:", url]
    cells = "".join(f"<tr><th align=left>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    link = f'<a href="{escape(url)}">The executions</a>' if url.startswith(("http://", "https://")) else escape(url)
    html = (
        f"<!doctype html><meta charset=utf-8><title>{escape(subject)}</title>"
        f"<h1 style='font:bold 18px sans-serif'>{escape(subject[10:])}</h1>"
        f"<table cellpadding=4 style='font:14px sans-serif'>{cells}</table>"
        f"<p style='font:14px sans-serif'>{link}</p>"
    )
    return {"subject": subject, "text": "\n".join(lines) + "\n", "html": html}


def rule_text(rule: AlertRule) -> str:
    """A rule in one line."""
    window = _span(rule.window_s)
    least = f", with at least {rule.min_count} executions" if rule.min_count > 1 else ""
    match rule.kind:
        case "failureRate":
            said = f"failure rate at least {rule.threshold:.4g} over {window}{least}"
        case "failures":
            said = f"at least {rule.threshold:g} failures in {window}{least}"
        case "p95":
            said = f"p95 at least {rule.threshold:g} times its median of {rule.past_windows} windows of {window}{least}"
        case "queueLength":
            said = f"at least {rule.threshold:g} executions queued"
        case "silence":
            said = f"no execution in {window}"
        case "memory":
            said = f"{rule.aggregate} memory at least {rule.threshold:g} MiB over {window}{least}"
        case "newError":
            said = f"an error never seen before, in the last {window}{least}"
    return f"{said}; {'all workflows' if rule.workflow_id is None else f'workflow {rule.workflow_id}'}"


def _rows(rule: AlertRule, at: datetime, numbers: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("Rule", rule_text(rule)), ("At", instant_text(at))]
    if "since" in numbers:
        rows.append(("Window", f"{numbers['since']} to {numbers['until']}"))
    rows.append((_VALUES[rule.kind], _number(numbers.get("value"))))
    if rule.threshold is not None:
        rows.append(("Threshold", _number(rule.threshold)))
    rows.append(("Count", _number(numbers["count"])))
    return rows + [(text, _number(numbers[name])) for name, text in _MORE.items() if numbers.get(name) is not None]


def _number(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
