"""The index page of an archive. Pure: the same entries give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from reports import format as fmt
from reports.archive_entry import ArchivedReport

INDEX_MAX: Final = 2000
"""Most reports that the page lists; beyond it, it says how many there are."""
TONE_WORDS: Final = {"bad": "Worse", "watch": "Look", "neutral": "Note", "good": "Good"}
KIND_WORDS: Final = {"overview": "Overview", "workflow": "Workflow", "error": "Error group", "comparison": "Comparison"}


def index_page(entries: Sequence[ArchivedReport], *, total: int) -> str:
    """The page that lists `entries`, newest first, of `total` that there are; no script, nothing is fetched."""
    months = groupby(entries, key=lambda one: fmt.step(one.generated_at, "month", one.timezone))
    return _template().render(months=[(month, list(found)) for month, found in months], shown=len(entries), total=total)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(plural=fmt.plural, size=fmt.size, utc=fmt.utc)
    environment.globals.update(
        tone_words=TONE_WORDS,
        kind_words=KIND_WORDS,
        dates=lambda one: fmt.date_range(one.since, one.until, one.timezone),
        made=_made,
    )
    return environment.get_template("archive.html.j2")


def _made(entry: ArchivedReport) -> str:
    """When it was made, in its own time zone."""
    return fmt.instant(entry.generated_at, entry.timezone)
