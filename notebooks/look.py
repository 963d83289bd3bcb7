"""How notebooks show things: tables without noise, charts in the report's colours, answers as sentences.

Everything shown has a plain text beside it (a picture its description), so that a screen reader and the tests read
what the eye sees.
"""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl
from IPython.core.getipython import get_ipython
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from reports import format as fmt

ROWS_MAX: Final = 40
TEXT_MAX: Final = 110
_DPI: Final = 144
_MUTED: Final = "#5d6670"
_STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.0,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#b8bec5",
    "axes.labelcolor": _MUTED,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e7ea",
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "legend.frameon": False,
}


def begin() -> None:
    """Make tables and numbers of this notebook readable; to be called once, in the first cell."""
    pl.Config.set_tbl_hide_dataframe_shape(True)
    pl.Config.set_tbl_hide_column_data_types(True)
    pl.Config.set_thousands_separator(" ")  # Polars takes one byte
    pl.Config.set_tbl_rows(ROWS_MAX)
    pl.Config.set_tbl_cols(30)
    pl.Config.set_tbl_width_chars(220)
    pl.Config.set_fmt_str_lengths(TEXT_MAX)
    rcParams.update(_STYLE)
    shell = get_ipython()
    if shell is not None and shell.display_formatter is not None:
        shell.display_formatter.formatters["text/html"].for_type(pl.DataFrame, table_html)


def table_html(frame: pl.DataFrame) -> str:
    """A frame as an HTML table: numbers right-aligned and grouped, – for null, long texts and tables cut visibly."""
    sides = ["right" if kind.is_numeric() else "left" for kind in frame.dtypes]
    head = _row("th", [fmt.clean(name) for name in frame.columns], sides)
    rows = [_row("td", [_cell(value) for value in row], sides) for row in frame.head(ROWS_MAX).iter_rows()]
    more = f"<p>{fmt.count(frame.height - ROWS_MAX)} more rows</p>" if frame.height > ROWS_MAX else ""
    return f"<table>\n<thead>{head}</thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody>\n</table>{more}"


class Answer:
    """A sentence with the number that was asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        """The sentence itself."""
        return self.text

    def _repr_markdown_(self) -> str:
        return f"**{self.text}**"


class Picture:
    """A chart as PNG, with its description for whoever does not see it."""

    def __init__(self, figure: Figure, alt: str) -> None:
        written = io.BytesIO()
        figure.savefig(written, format="png", dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
        self.png = _fewer_colours(written)
        self.alt = alt
        self.width_px = round(figure.get_figwidth() * 96)

    def __repr__(self) -> str:
        """The description."""
        return f"Chart: {self.alt}"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        about = {"image/png": {"alt": self.alt, "width": self.width_px}}
        return {"image/png": self.png, "text/plain": repr(self)}, about


def chart(title: str, *, height: float = 2.6, width: float = 8.0, across: int = 1) -> tuple[Figure, Any]:
    """An empty chart of that many inches, and its axes (several beside one another: a list)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = [figure.add_subplot(1, across, place + 1) for place in range(across)]
    axes[0].set_title(title)
    for one in axes:
        one.tick_params(length=0)
    return figure, axes[0] if across == 1 else axes


def bars(axes: Axes, names: Sequence[str], values: Sequence[float], colour: str, texts: Sequence[str]) -> None:
    """Horizontal bars, the first on top, each with its value as text."""
    places = range(len(names))
    axes.barh(places, values, color=colour, height=0.65)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.grid(False)
    axes.set_xticks([])
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.set_xlim(0, max(values, default=1) * 1.16)
    for place, value, text in zip(places, values, texts, strict=True):
        axes.text(value, place, f" {text}", va="center", color=_MUTED, fontsize=8.5)


def _fewer_colours(png: io.BytesIO) -> bytes:
    """The picture with 128 colours: a third of the bytes, and no difference to see."""
    written = io.BytesIO()
    Image.open(png).convert("RGB").quantize(128).save(written, "png", optimize=True)
    return written.getvalue()


def _row(tag: str, texts: Sequence[str], sides: Sequence[str]) -> str:
    cells = [
        f'<{tag} style="text-align: {side}">{html.escape(text)}</{tag}>'
        for text, side in zip(texts, sides, strict=True)
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(value: object) -> str:
    match value:
        case None:
            return fmt.MISSING
        case bool():
            return "yes" if value else "no"
        case int():
            return fmt.count(value)
        case float():
            return f"{value:,.6g}".replace(",", fmt.THIN)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case _:
            text = fmt.clean(str(value))
            return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"
