"""From the page model to one HTML page. Pure: no clock, no network; the same model gives the same bytes.

The page is one file that opens from disk: style, scripts and Plotly are inside, nothing is fetched, and its
Content-Security-Policy lets only those scripts run and forbids every request. Text from records is escaped by Jinja2
everywhere and, inside the JSON of the figures, cannot close the script element that carries it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from reports import figures, figures_capacity, heat_maps, links, sparkline
from reports import format as fmt
from reports.model import Change, ReportModel
from warehouse.schema import UNSUCCESSFUL

SHARED_MAX_BYTES = 400_000
"""Of a page beside a shared plotting library."""
SKELETON_BYTES = 2_500
TABLE_STEPS = 100
"""The numbers of longer series are put into their tables by the script, from what the figures draw."""
TEMPLATES = Path(__file__).parent / "templates"
TONE_WORDS = {"bad": "Worse", "watch": "Look", "neutral": "Note", "good": "Better"}
NAV = {
    "executions": "Over time",
    "durations": "Duration",
    "regressions": "Changes",
    "errors": "Errors",
    "retries": "Retries",
    "workflows": "Workflows",
    "nodes": "Nodes",
    "heat": "Hours",
    "queue": "Capacity",
}
"""What the sections are called in the row of links on top; the others stand beside one of these."""
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


@dataclass(frozen=True, slots=True)
class Content:
    """A report without the skeleton of a page, for pages that have their own."""

    title: str
    html: Markup
    """A header, the main part and a footer; style: asset("report.css"), behaviour: asset("report.js")."""
    data: Markup
    """What the figures draw, as JSON that may stand inside <script type="application/json" id="report-data">."""
    drawn: bool
    """There are figures: the page needs the plotting library before the script."""


def render(model: ReportModel, *, library_url: str | None = None) -> str:
    """The whole page as one file.

    Everything is inside, at most 5.5 MB; with `library_url` (relative to the page) it takes `library().text` from there
    and has at most 400 kB.
    """
    made = content(model) if library_url is None else _small_content(model)
    script = asset("report.js")
    scripts = [_csp_hash(script)]
    if made.drawn and library_url is None:
        scripts.insert(0, library().csp_hash)
    sources = " ".join(f"'{value}'" for value in scripts)
    if made.drawn and library_url is not None:
        # A file from disk has no origin that 'self' could name; the hash lets in this very library and nothing else.
        sources += f" '{library().csp_hash}' 'self' file:"
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            model=model,
            content=made,
            css=Markup(asset("report.css")),
            script=Markup(script),
            plotly=Markup(library().text) if made.drawn and library_url is None else None,
            library_url=library_url if made.drawn else None,
            library_hash=library().csp_hash if made.drawn and library_url is not None else None,
            script_sources=Markup(sources),
        )
    )


def _small_content(model: ReportModel) -> Content:
    """The content with as many rows of its tables as fit beside a shared library; the page says what is left out."""
    made = content(model)
    room = SHARED_MAX_BYTES - len(asset("report.css").encode()) - len(asset("report.js").encode()) - SKELETON_BYTES
    for share in (0.5, 0.25, 0.1, 0.0):
        if len(made.html.encode()) + len(made.data.encode()) <= room:
            break
        made = content(model, rows=share)
    return made


def content(model: ReportModel, *, rows: float = 1.0) -> Content:
    """What a page of its own shows of a report; `rows`: the share of the rows of its tables, 0..1."""
    whole = model
    if rows < 1:
        workflows, nodes, errors = (
            found[: max(1, round(len(found) * rows))] for found in (model.workflows, model.nodes, model.errors)
        )
        model = replace(model, workflows=workflows, nodes=nodes, errors=errors)  # type: ignore[arg-type]
    drawn, names = _figures(model), figures.step_names(model)
    html = (
        _environment()
        .get_template("content.html.j2")
        .render(
            model=model,
            whole=whole,
            table_steps=TABLE_STEPS,
            sections={section.key: section for section in model.sections},
            figures=drawn,
            logarithmic={key for key, figure in drawn.items() if figures.is_logarithmic(figure)},
            step_names=names,
            status_labels=figures.STATUS_LABELS,
            at=partial(fmt.instant, timezone=model.timezone),
            at_short=partial(fmt.short_instant, timezone=model.timezone),
            link=partial(links.executions, model),
            execution_link=partial(links.execution, model),
            workflow_link=partial(links.workflow, model),
            failure_statuses=UNSUCCESSFUL,
            nav=NAV,
            heat_maps=heat_maps.maps(model),
        )
    )
    data = {
        "granularity": model.granularity.capitalize(),
        "steps": names,
        "figures": {key: figure.spec for key, figure in drawn.items()},
        "list": links.executions(model),
        "ends": [links.instant(point.start) for point in model.points] + [links.instant(model.until)]
        if model.public_url is not None
        else None,
    }
    return Content(model.title, Markup(html), embedded_json(data), bool(drawn))


def _figures(model: ReportModel) -> dict[str, figures.Figure]:
    """The figures of the sections that have something to draw, by key."""
    makers = {
        "executions": figures.executions,
        "success": figures.success,
        "durations": figures.durations,
        "queue": figures_capacity.queue,
        "memory": figures_capacity.memory,
        "data": figures_capacity.data,
    }
    drawable = {section.key for section in model.sections if section.empty is None}
    return {key: make(model) for key, make in makers.items() if key in drawable}


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


def metric_value(value: float | None, unit: str) -> str:
    """A number of a tile in its unit."""
    texts = {
        "count": fmt.count,
        "seconds": fmt.duration,
        "ratio": fmt.percent,
        "memory": fmt.memory,
        "bytes": fmt.size,
    }
    return texts[unit](value)


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
        decimal=fmt.decimal,
        memory=fmt.memory,
        size=fmt.size,
        percent=fmt.percent,
        plural=fmt.plural,
        utc=fmt.utc,
        unit=metric_value,
        spark=sparkline.svg,
        spark_shift=sparkline.shift,
        signed=signed_change,
    )
    environment.globals.update(
        arrows=_ARROWS, tone_words=TONE_WORDS, change_words=change_words, date_range=fmt.date_range
    )
    return environment


@cache
def asset(name: str) -> str:
    """A file that pages need: report.css or report.js."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    """The source expression by which a Content-Security-Policy knows an inline script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
