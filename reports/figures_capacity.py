"""The figures of load, memory and data; drawn as those of reports.figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from reports import axes
from reports import format as fmt
from reports.figures import COLOURS, THICK_UP_TO, Figure, LegendItem, finish, line
from reports.model import CapacityPoint, ReportModel

Read = Callable[[CapacityPoint], float | None]


def queue(model: ReportModel) -> Figure:
    """How many ran and waited at a time, and the longest queue."""
    return _lines(
        model,
        "queue",
        (
            ("ran", "Running (mean)", "solid", lambda point: point.running_mean),
            ("waiting", "Waiting (mean)", "dash", lambda point: point.waiting_mean),
            ("waiting-peak", "Longest queue", "dot", lambda point: point.waiting_peak),
        ),
        fmt.decimal,
        axes.counts,
    )


def memory(model: ReportModel) -> Figure:
    """Memory of an execution."""
    return _lines(
        model,
        "memory",
        (
            ("p50", "p50", "solid", lambda point: point.memory_p50_mb),
            ("p95", "p95", "dash", lambda point: point.memory_p95_mb),
            ("memory-max", "Largest", "dot", lambda point: point.memory_max_mb),
        ),
        fmt.memory,
        axes.memory,
    )


def data(model: ReportModel) -> Figure:
    """Data of all executions of a step."""
    values = [point.data_bytes for point in model.capacity[:-1]]
    figure = go.Figure()
    figure.add_bar(
        y=[value or None for value in values],
        name="Data",
        meta="data",
        marker={"color": COLOURS["data"], "line": {"width": 0}},
        customdata=[fmt.size(value) if value else "" for value in values],
        hovertemplate="Data %{customdata}<extra></extra>",
    )
    figure.update_xaxes(showspikes=False)
    figure.update_layout(bargap=0.18 if len(values) <= THICK_UP_TO else 0)
    axis = axes.sizes(max(values, default=0))
    return Figure("data", finish(figure, model, axis), (LegendItem("data", "Data", None),))


def _lines(
    model: ReportModel,
    key: str,
    lines: Sequence[tuple[str, str, str, Read]],
    text: Callable[[float | None], str],
    axis: Callable[[float], axes.Axis],
) -> Figure:
    figure, highest = go.Figure(), 0.0
    legend: list[LegendItem] = []
    for colour, label, short_dash, read in lines:
        # In a long series a dash cannot be told from a gap.
        dash = short_dash if len(model.points) <= THICK_UP_TO else "solid"
        values = [read(point) for point in model.capacity[:-1]]
        highest = max([highest, *(value for value in values if value is not None)])
        line(figure, colour, label, values, [text(value) for value in values], dash, 2.0)
        legend.append(LegendItem(colour, label, dash))
    return Figure(key, finish(figure, model, axis(highest)), tuple(legend))
