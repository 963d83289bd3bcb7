"""Figures as a table: Markdown, so that it reads on a terminal and goes into the README as it is."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.model import Measure

_HEAD = ("question", "case", "median", "min", "max", "bar", "verdict", "ours", "yardstick", "runs")


def table(measures: Sequence[Measure]) -> str:
    """One row a figure; ours and yardstick are median times."""
    rows = [_HEAD, *map(_row, measures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def notes(measures: Sequence[Measure]) -> str:
    """The notes of the figures, a line each."""
    return "\n".join(f"{m.question}, {m.case}: {m.note}" for m in measures if m.note)


def _row(measure: Measure) -> tuple[str, ...]:
    return (
        measure.question,
        measure.case,
        _figure(measure.median, measure.unit),
        _figure(min(measure.values), measure.unit),
        _figure(max(measure.values), measure.unit),
        "" if measure.bar is None else f"{measure.bar.side} {_figure(measure.bar.limit, measure.unit)}",
        {None: "", True: "kept", False: "MISSED"}[measure.kept],
        _time(measure.ours_s),
        _time(measure.theirs_s),
        str(len(measure.values)),
    )


def _figure(value: float, unit: str) -> str:
    if unit.endswith("ratio"):
        return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    digits = {"ms": 1, "MB": 1, "bytes": 1, "executions/s": 0}.get(unit, 2)
    return f"{value:,.{digits}f} {unit}"


def _time(taken_s: Sequence[float]) -> str:
    if not taken_s:
        return ""
    middle_s = sorted(taken_s)[len(taken_s) // 2]
    return f"{middle_s * 1000:.1f} ms" if middle_s < 1 else f"{middle_s:.2f} s"
