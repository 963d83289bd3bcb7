"""The hours of the week as tables of shades: what runs, what fails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports import format as fmt
from reports import heat
from reports.model import HeatCell, ReportModel

SHADES = 8
"""Shades above none; a shade more is an even step of the square root, so that busy hours do not swallow quiet ones."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Shade:
    """One cell."""

    shade: str
    """Class name: h0 (none) to h8, hx where the period holds no such hour."""
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One weekday."""

    day: str
    cells: tuple[Shade, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One table."""

    key: str
    title: str
    rows: tuple[Row, ...]
    least: str
    most: str


def maps(model: ReportModel) -> tuple[HeatMap, ...]:
    """Of load and of failures; without the first where everything is a failure; empty without hours of the week."""
    if not model.heat:
        return ()
    failing = _map(model.heat, "failing", "Failures an hour", True)
    return (failing,) if model.kind == "error" else (_map(model.heat, "load", "Executions an hour", False), failing)


def _map(cells: Sequence[HeatCell], key: str, title: str, failures: bool) -> HeatMap:
    highest = max((heat.mean(cell, failures) or 0.0 for cell in cells), default=0.0)
    shades = [_shade(cell, failures, highest) for cell in cells]
    rows = tuple(Row(day, tuple(shades[place * 24 : place * 24 + 24])) for place, day in enumerate(DAYS))
    return HeatMap(key, title, rows, "0", fmt.decimal(highest))


def _shade(cell: HeatCell, failures: bool, highest: float) -> Shade:
    value = heat.mean(cell, failures)
    if value is None:
        return Shade("hx", "not in this period")
    text = fmt.decimal(value)
    if failures and cell.finished:
        text += f" ({fmt.percent(cell.failures / cell.finished)})"
    level = math.ceil(math.sqrt(value / highest) * SHADES) if highest else 0
    return Shade(f"h{level}", text)
