"""The figures of a report as pictures, for mail programs: PNG, readable at 600 px and on a phone, light.

matplotlib draws them without a screen; the same model gives the same bytes on one installation. Colours are those of
the page, which has its own figures (see reports.figures).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports import axes, figures
from reports import format as fmt
from reports.model import Point, ReportModel

WIDTH_PX: Final = 600
PLOT_PX: Final = 202
"""Height of a picture without a legend."""
_LEGEND_PX: Final = 28
_TICKS_PX: Final = 30
_ABOVE_PX: Final = 8
SCALE: Final = 2
"""Pixels of the file for each of the screen's: small print stays sharp."""
TICKS: Final = 5
BARS_UP_TO: Final = 120
"""Longer series are drawn as an area: bars would be thinner than a pixel."""
_DPI: Final = 100
_INK, _SOFT, _GRID, _CARD = "#1b2430", "#576270", "#e8ebef", "#ffffff"
_FONT: Final = ("DejaVu Sans",)
_FONT_PT: Final = 10.5
"""Large for 600 px: on a phone the picture is shown at little more than half of that."""
_DRAWING: Final = threading.Lock()
"""matplotlib's caches of fonts are shared and not made for threads."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure."""

    key: str
    """Of the section it belongs to."""
    title: str
    alt: str
    """What it shows, in words."""
    png: bytes
    width_px: int
    height_px: int


def pictures(model: ReportModel) -> tuple[Picture, ...]:
    """The figures that have something to show: executions by status, success rate, p95. Some 0.2 s each."""
    makers: dict[str, tuple[str, int, Callable[[Axes, ReportModel], None]]] = {
        "executions": ("Executions by status", _LEGEND_PX, _executions),
        "success": ("Success rate", 0, _success),
        "durations": ("Duration, p50 and p95", _LEGEND_PX, _durations),
    }
    keys = {section.key for section in model.sections if section.empty is None}
    return tuple(
        Picture(key, title, _alt(model, key, title), _png(model, draw, legend_px), WIDTH_PX, PLOT_PX + legend_px)
        for key, (title, legend_px, draw) in makers.items()
        if key in keys and model.points
    )


def _png(model: ReportModel, draw: Callable[[Axes, ReportModel], None], legend_px: int) -> bytes:
    """A picture; below the plot and its ticks there is room for a legend."""
    height_px = PLOT_PX + legend_px
    with _DRAWING:
        figure = Figure(figsize=(WIDTH_PX / _DPI, height_px / _DPI), dpi=_DPI * SCALE, facecolor=_CARD)
        FigureCanvasAgg(figure)
        below = (legend_px + _TICKS_PX) / height_px
        plot = figure.add_axes((0.125, below, 0.865, 1 - below - _ABOVE_PX / height_px))
        for side in ("top", "right", "left"):
            plot.spines[side].set_visible(False)
        plot.spines["bottom"].set_color(_GRID)
        plot.grid(axis="y", color=_GRID, linewidth=0.8)
        plot.set_axisbelow(True)
        plot.tick_params(length=0, colors=_SOFT, labelsize=_FONT_PT, pad=5)
        draw(plot, model)
        plot.set_xlim(-0.6, len(model.points) - 0.4)
        _time_axis(plot, model)
        held = io.BytesIO()
        figure.savefig(held, format="png", metadata={"Software": None})
    return held.getvalue()


def _executions(plot: Axes, model: ReportModel) -> None:
    """Stacked by status, what failed at the bottom."""
    places = range(len(model.points))
    below = [0.0] * len(model.points)
    shown = [name for name in figures.STATUSES if any(getattr(point.by_status, name) for point in model.points)]
    for name in shown:
        heights = [float(getattr(point.by_status, name)) for point in model.points]
        above = [low + height for low, height in zip(below, heights, strict=True)]
        look: dict[str, Any] = {"color": figures.COLOURS[name], "label": figures.STATUS_LABELS[name], "linewidth": 0}
        if len(model.points) <= BARS_UP_TO:
            plot.bar(places, heights, 0.82, below, **look)
        else:
            plot.fill_between(places, below, above, step="mid", **look)
        below = above
    _shade_incidents(plot, model)
    _value_axis(plot, axes.counts(max(below, default=0)))
    _legend(plot, len(shown))


def _success(plot: Axes, model: ReportModel) -> None:
    rates = [point.success_rate for point in model.points]
    known = [rate for rate in rates if rate is not None]
    _line(plot, rates, "rate", "solid", "Success rate")
    _shade_incidents(plot, model)
    _value_axis(plot, axes.rates(min(known, default=1.0)))


def _durations(plot: Axes, model: ReportModel) -> None:
    lines: tuple[tuple[str, Callable[[Point], float | None], str], ...] = (
        ("p50", lambda point: point.p50_s, "solid"),
        ("p95", lambda point: point.p95_s, "dashed"),
    )
    drawn = [(name, [of(point) for point in model.points], dash) for name, of, dash in lines]
    known = [value for _, values, _ in drawn for value in values if value is not None and value > 0]
    axis = axes.durations(min(known, default=0.0), max(known, default=1.0))
    if axis.logarithmic:
        plot.set_yscale("log")
    for name, values, dash in drawn:
        _line(plot, [value if value or not axis.logarithmic else None for value in values], name, dash, name)
    _value_axis(plot, axis)
    _legend(plot, 2)


def _line(plot: Axes, values: Sequence[float | None], colour: str, dash: str, label: str) -> None:
    """A line with gaps; points that stand alone are dots."""
    heights = [float("nan") if value is None else value for value in values]
    few = len(values) <= figures.MARKERS_UP_TO
    alone = [
        place
        for place, value in enumerate(values)
        if value is not None
        and (place == 0 or values[place - 1] is None)
        and (place == len(values) - 1 or values[place + 1] is None)
    ]
    plot.plot(
        range(len(values)),
        heights,
        color=figures.COLOURS[colour],
        linestyle=dash,
        linewidth=1.8 if len(values) <= figures.THICK_UP_TO else 1.2,
        marker="o" if few else None,
        markersize=3,
        label=label,
    )
    if not few and alone:
        plot.plot(alone, [heights[place] for place in alone], "o", color=figures.COLOURS[colour], markersize=2.5)


def _shade_incidents(plot: Axes, model: ReportModel) -> None:
    for incident in model.incidents:
        plot.axvspan(
            incident.first_index - 0.5,
            incident.last_index + 0.5,
            color=figures.COLOURS["failed"],
            alpha=0.1,
            zorder=0,
            linewidth=0,
        )


def _value_axis(plot: Axes, axis: axes.Axis) -> None:
    low, high = (10**axis.low, 10**axis.high) if axis.logarithmic else (axis.low, axis.high)
    plot.set_ylim(low, high)
    plot.set_yticks(axis.values, axis.texts, fontfamily=_FONT)
    plot.minorticks_off()


def _time_axis(plot: Axes, model: ReportModel) -> None:
    places, texts = axes.steps(model.points, model.granularity, model.timezone, TICKS)
    plot.set_xticks(places, texts, fontfamily=_FONT)


def _legend(plot: Axes, entries: int) -> None:
    if not entries:
        return
    plot.legend(
        loc="upper center",
        bbox_to_anchor=(0.45, -0.14),
        ncols=entries,
        frameon=False,
        labelcolor=_INK,
        prop={"family": _FONT, "size": _FONT_PT - 1},
        handlelength=1.1,
        columnspacing=1.1,
        handletextpad=0.5,
    )


def _alt(model: ReportModel, key: str, title: str) -> str:
    """The sentence of the section says what the picture shows."""
    dates = fmt.date_range(model.since, model.until, model.timezone)
    return f"{title}, {dates}. {model.section(key).summary}".strip()
