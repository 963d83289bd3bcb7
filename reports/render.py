"""From the page model to one HTML page. Pure: no clock, no network; the same model gives the same bytes.

The page is one file that opens from disk: style, scripts and Plotly are inside, nothing is fetched, and its
Content-Security-Policy lets only those scripts run and forbids every request. Text from records is escaped by Jinja2
everywhere and, inside the JSON of the figures, cannot close the script element that carries it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from reports import figures, sparkline
from reports import format as fmt
from reports.model import Change, ReportModel

TEMPLATES = Path(__file__).parent / "templates"
TONE_WORDS = {"bad": "Worse", "watch": "Look", "neutral": "Note", "good": "Better"}
_ARROWS = {"up": "▲", "down": "▼", "flat": "＝"}
_CHANGE_WORDS = {
    "p50": ("slower", "faster"),
    "p95": ("slower", "faster"),
    "queue_time": ("longer", "shorter"),
    "total_time": ("more", "less"),
    "success_rate": ("higher", "lower"),
}


@dataclass(frozen=True, slots=True)
class Library:
    """The plotting library as it stands in the page."""

    text: str
    csp_hash: str


@cache
def library() -> Library:
    """Plotly's script, read once a process (4.8 MB)."""
    text = get_plotlyjs()
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("plotly.min.js holds a text that would end its script element")
    return Library(text, _csp_hash(text))


def render(model: ReportModel) -> str:
    """The whole page, at most 5.5 MB for the largest model that `build` makes."""
    drawn, names = _figures(model), figures.step_names(model)
    script = _asset("report.js")
    plots = {figure.key: embedded_json(figure.spec) for figure in drawn.values()}
    hashes = [library().csp_hash, _csp_hash(script)] if drawn else [_csp_hash(script)]
    page = _environment().get_template("page.html.j2")
    return page.render(
        model=model,
        sections={section.key: section for section in model.sections},
        figures=drawn,
        plots=plots,
        logarithmic={key for key, figure in drawn.items() if figures.is_logarithmic(figure)},
        step_names=names,
        steps=embedded_json(names),
        status_labels=figures.STATUS_LABELS,
        at=partial(fmt.instant, timezone=model.timezone),
        at_short=partial(fmt.short_instant, timezone=model.timezone),
        css=Markup(_asset("report.css")),
        script=Markup(script),
        plotly=Markup(library().text) if drawn else None,
        script_hashes=" ".join(f"'{value}'" for value in hashes),
    )


def _figures(model: ReportModel) -> dict[str, figures.Figure]:
    """The figures of the sections that have something to draw, by key."""
    makers = {"executions": figures.executions, "success": figures.success, "durations": figures.durations}
    return {key: make(model) for key, make in makers.items() if model.section(key).empty is None}


def embedded_json(value: Any) -> Markup:
    """A value as JSON that may stand inside a script element: no text in it can end the element or a line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def change_words(change: Change, key: str) -> str:
    """A change beside a headline number: 12 % more, 1.1 points lower, 3.4× the value before, unchanged."""
    if change.value is None:
        return change.reason or ""
    if change.direction == "flat":
        return "unchanged"
    if change.kind == "relative" and change.value >= 1:
        return f"{fmt.relative(change.value)} the value before"
    up, down = _CHANGE_WORDS.get(key, ("more", "fewer"))
    size = fmt.relative(change.value) if change.kind == "relative" else fmt.points(change.value)
    return f"{size} {up if change.direction == 'up' else down}"


def signed_change(change: Change) -> str:
    """A change in a table: +12 %, −0.4 pp, ×3.4."""
    if change.kind == "relative":
        return fmt.signed_relative(change.value)
    return fmt.signed_points(change.value)


def _value(value: float | None, unit: str) -> str:
    return {"count": fmt.count, "seconds": fmt.duration, "ratio": fmt.percent}[unit](value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        count=fmt.count,
        duration=fmt.duration,
        percent=fmt.percent,
        plural=fmt.plural,
        utc=fmt.utc,
        unit=_value,
        spark=sparkline.svg,
        signed=signed_change,
    )
    environment.globals.update(
        arrows=_ARROWS, tone_words=TONE_WORDS, change_words=change_words, date_range=fmt.date_range
    )
    return environment


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    """The source expression by which a Content-Security-Policy knows an inline script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
