"""Sparklines: small line drawings inside text, as SVG made here, so that they need no script."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH = 100
HEIGHT = 24
PAD = 2
MAX_POINTS = 60
"""A longer series is drawn as the means of equal runs of neighbouring steps."""


def svg(values: Sequence[float | None], *, floor: float | None = 0.0) -> Markup:
    """A sparkline of `values`, empty when fewer than two of them are there and not zero.

    None is a gap. `floor` is the value at the bottom; None: the lowest of the values. It is decoration (hidden from
    screen readers): the numbers stand beside it.
    """
    drawn = _thin(values)
    known = [value for value in drawn if value is not None]
    if sum(1 for value in known if value) < 2:
        return Markup("")
    low = min(known) if floor is None else min(floor, *known)
    high = max(known)
    lines = [" ".join(_place(i, value, len(drawn), low, high) for i, value in run) for run in _runs(drawn)]
    shapes = "".join(
        f'<polyline points="{line}"/>'
        if " " in line
        else f'<circle cx="{line.split(",")[0]}" cy="{line.split(",")[1]}" r="1.5"/>'
        for line in lines
    )
    return Markup(
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false">{shapes}</svg>'
    )


def shift(values: Sequence[float | None], first: int) -> Markup:
    """A sparkline with a mark where a new level begins (position of its first value)."""
    drawn = svg(values)
    if not drawn or len(values) < 2:
        return drawn
    x = PAD + first * (WIDTH - 2 * PAD) / (len(values) - 1)
    line = Markup('<line class="shift" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(f"{x:.1f}", HEIGHT)
    return Markup(drawn.replace(Markup("</svg>"), line + Markup("</svg>")))


def _thin(values: Sequence[float | None]) -> list[float | None]:
    if len(values) <= MAX_POINTS:
        return list(values)
    thinned: list[float | None] = []
    for index in range(MAX_POINTS):
        part = values[index * len(values) // MAX_POINTS : (index + 1) * len(values) // MAX_POINTS]
        known = [value for value in part if value is not None]
        thinned.append(sum(known) / len(known) if known else None)
    return thinned


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap: position and value."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is not None:
            runs[-1].append((index, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _place(index: int, value: float, number: int, low: float, high: float) -> str:
    x = PAD + index * (WIDTH - 2 * PAD) / (number - 1)
    share = (value - low) / (high - low) if high > low else 0.5
    return f"{x:.1f},{HEIGHT - PAD - share * (HEIGHT - 2 * PAD):.1f}"
