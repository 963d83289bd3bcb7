"""The figures of a report as Plotly figures in plain JSON: no template, no time zones and no texts left to the browser.

Steps of the series are categories (their names come from reports.format), so the hour that daylight saving repeats is
drawn twice and steps of unequal length stay apart. A step without a number is a gap. Colours are named: a trace's
`meta` is the name of a custom property of the style sheet (`--series-success`), which the page resolves for light or
dark; the colour written here is the light one. The palette is built on Okabe and Ito's and does not rely on red against
green; lines differ by dash as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from reports import axes
from reports import format as fmt
from reports.model import ReportModel

HEIGHT_PX = 260
WIDE_TICKS = 10
NARROW_TICKS = 4
THICK_UP_TO = 100
"""Lines of longer series are thinner."""
MARKERS_UP_TO = 40
"""Points are marked up to this many steps; beyond it a lone point still is."""

COLOURS = {
    "waiting": "#c77700",
    "waiting-peak": "#8d949c",
    "memory-max": "#aa4499",
    "data": "#0072b2",
    "ran": "#0072b2",
    "failed": "#d55e00",
    "timeout": "#e69f00",
    "cancelled": "#8d949c",
    "success": "#3a9c84",
    "running": "#56b4e9",
    "queued": "#b5c3cf",
    "rate": "#3a9c84",
    "p50": "#0072b2",
    "p95": "#c77700",
    "p99": "#aa4499",
    "incident": "rgba(213, 94, 0, 0.10)",
}
"""The light palette; report.css carries the same names for light and dark."""

STATUSES = ("failed", "timeout", "cancelled", "success", "running", "queued")
"""Bottom to top: what failed stands on the axis, so that its heights can be compared."""
STATUS_LABELS = {
    "failed": "Failed",
    "timeout": "Timed out",
    "cancelled": "Cancelled",
    "success": "Success",
    "running": "Running",
    "queued": "Queued",
}
LINES = (("p50", "p50", "solid", 2.5), ("p95", "p95", "dash", 2.0), ("p99", "p99", "dot", 2.0))


@dataclass(frozen=True, slots=True)
class LegendItem:
    """One entry of a figure's legend."""

    colour: str
    """Name of the colour."""
    label: str
    dash: str | None
    """How the line is drawn; None: it is an area."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what Plotly draws and what stands around it."""

    key: str
    spec: dict[str, Any]
    """{"data": [...], "layout": {...}, "narrow": {"tickvals", "ticktext"}}: JSON values only.

    The traces have no x: it is `step_names` for all, which a page therefore carries once.
    """
    legend: tuple[LegendItem, ...]


def executions(model: ReportModel) -> Figure:
    """Executions over time: bars stacked by status, failure peaks shaded."""
    present = [status for status in STATUSES if any(getattr(point.by_status, status) for point in model.points)]
    figure = go.Figure()
    for status in present:
        values = [getattr(point.by_status, status) for point in model.points]
        figure.add_bar(
            y=[value or None for value in values],
            name=STATUS_LABELS[status],
            meta=status,
            marker={"color": COLOURS[status], "line": {"width": 0}},
            customdata=[fmt.count(value) if value else "" for value in values],
            hovertemplate=f"{STATUS_LABELS[status]} %{{customdata}}<extra></extra>",
        )
    axis = axes.counts(max((point.executions for point in model.points), default=0))
    figure.update_xaxes(showspikes=False)
    figure.update_layout(barmode="stack", bargap=0.18 if len(model.points) <= THICK_UP_TO else 0)
    for first, last in sorted({(incident.first_index, incident.last_index) for incident in model.incidents}):
        figure.add_shape(
            type="rect",
            xref="x",
            yref="paper",
            x0=first - 0.5,
            x1=last + 0.5,
            y0=0,
            y1=1,
            fillcolor=COLOURS["incident"],
            line={"width": 0},
            layer="below",
            name="incident",
        )
    legend = tuple(LegendItem(status, STATUS_LABELS[status], None) for status in present)
    return Figure("executions", finish(figure, model, axis), legend)


def success(model: ReportModel) -> Figure:
    """Success rate over time, from a round floor to 100 %."""
    rates = [point.success_rate for point in model.points]
    texts = [f"{fmt.percent(point.success_rate)} of {fmt.count(point.finished)} finished" for point in model.points]
    figure = go.Figure()
    line(figure, "rate", "Success rate", rates, texts, "solid", 2.5)
    axis = axes.rates(min((rate for rate in rates if rate is not None), default=0.0))
    return Figure("success", finish(figure, model, axis), (LegendItem("rate", "Success rate", "solid"),))


def durations(model: ReportModel) -> Figure:
    """p50, p95 and p99 of the durations over time."""
    figure = go.Figure()
    drawn: list[float] = []
    legend: list[LegendItem] = []
    for key, label, short_dash, width in LINES:
        # In a long series a dash cannot be told from a gap.
        dash = short_dash if len(model.points) <= THICK_UP_TO else "solid"
        legend.append(LegendItem(key, label, dash))
        values: list[float | None] = [getattr(point, f"{key}_s") for point in model.points]
        drawn += [value for value in values if value is not None]
        line(figure, key, label, values, [fmt.duration(v) for v in values], dash, width)
    axis = axes.durations(min((value for value in drawn if value > 0), default=0.0), max(drawn, default=0.0))
    if axis.logarithmic:
        _raise_zeros(figure, 10**axis.low)
    return Figure("durations", finish(figure, model, axis), tuple(legend))


def is_logarithmic(figure: Figure) -> bool:
    """True when the vertical axis is logarithmic: the page says so."""
    return bool(figure.spec["layout"]["yaxis"].get("type") == "log")


def step_names(model: ReportModel) -> list[str]:
    """The names of all steps, each different from the others."""
    years = {model.since.year, model.until.year}
    return [fmt.step(point.start, model.granularity, model.timezone, year=len(years) > 1) for point in model.points]


def line(
    figure: go.Figure,
    key: str,
    label: str,
    values: Sequence[float | None],
    texts: Sequence[str],
    dash: str,
    width: float,
) -> None:
    """Add a line; `texts` are what its points say."""
    figure.add_scatter(
        y=[None if value is None else float(f"{value:.6g}") for value in values],
        name=label,
        meta=key,
        mode="lines+markers" if any(marked := _marked(values)) else "lines",
        connectgaps=False,
        line={"color": COLOURS[key], "dash": dash, "width": width if len(values) <= THICK_UP_TO else 1.5},
        marker={"color": COLOURS[key], "size": 5, "opacity": 1 if all(marked) else marked, "line": {"width": 0}},
        customdata=[text if value is not None else "" for value, text in zip(values, texts, strict=True)],
        hovertemplate=f"{label} %{{customdata}}<extra></extra>",
    )


def _marked(values: Sequence[float | None]) -> list[int]:
    """1 for every point that has a marker, else 0: all of a short series, of a long one those that no line reaches."""
    if len(values) <= MARKERS_UP_TO:
        return [1] * len(values)
    padded = [None, *values, None]
    return [
        int(value is not None and padded[place] is None and padded[place + 2] is None)
        for place, value in enumerate(values)
    ]


def _raise_zeros(figure: go.Figure, floor: float) -> None:
    """A logarithmic axis has no zero: draw such values on its lower end (their text still says the truth)."""
    for trace in figure.data:
        trace.y = [floor if value is not None and value < floor else value for value in trace.y]


def finish(figure: go.Figure, model: ReportModel, axis: axes.Axis) -> dict[str, Any]:
    """The figure as plain JSON, with its axes."""
    positions, texts = axes.steps(model.points, model.granularity, model.timezone, WIDE_TICKS)
    narrow_positions, narrow_texts = axes.steps(model.points, model.granularity, model.timezone, NARROW_TICKS)
    figure.update_layout(
        autosize=True,
        height=HEIGHT_PX,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        showlegend=False,
        hovermode="x unified",
        dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis={
            "type": "category",
            "range": [-0.6, len(model.points) - 0.4],
            "tickmode": "array",
            "tickvals": list(positions),
            "ticktext": list(texts),
            "tickangle": 0,
            "ticks": "outside",
            "ticklen": 4,
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
            "fixedrange": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "solid",
        },
        yaxis={
            "type": "log" if axis.logarithmic else "linear",
            "range": [axis.low, axis.high],
            "tickmode": "array",
            "tickvals": list(axis.values),
            "ticktext": list(axis.texts),
            "showgrid": True,
            "zeroline": False,
            "automargin": True,
            "fixedrange": True,
        },
    )
    spec: dict[str, Any] = figure.to_plotly_json()
    spec["layout"].pop("template", None)
    spec["narrow"] = {"tickvals": list(narrow_positions), "ticktext": list(narrow_texts)}
    return spec
