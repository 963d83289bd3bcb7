"""Writing a report to disk: the page with its model as JSON beside it, or one of its other forms."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from reports.markdown import to_markdown
from reports.model import ReportModel, to_json
from reports.pdf import find_browser, to_pdf
from reports.render import render
from warehouse.errors import BadInputError

Format = Literal["html", "json", "md", "pdf"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_MAKERS: Final[Mapping[Format, Callable[[ReportModel], bytes]]] = {
    "html": lambda model: render(model).encode(),
    "json": to_json,
    "md": lambda model: to_markdown(model).encode(),
    "pdf": lambda model: to_pdf(render(model), find_browser()),
}


def format_of(word: str) -> Format:
    """The format of that name. Raises BadInputError for an unknown one, and for pdf where no browser is."""
    if word not in FORMATS:
        raise BadInputError(f"unknown format {word!r}; allowed: {', '.join(FORMATS)}", field="format", value=word)
    if word == "pdf" and find_browser() is None:
        to_pdf("", None)
    return word


def content_of(model: ReportModel, format: Format) -> bytes:
    """The report in one of its forms. Raises BadInputError for pdf without a browser."""
    return _MAKERS[format](model)


def write_report(model: ReportModel, path: Path, format: Format = "html") -> list[Path]:
    """Write the report to `path`, atomically; a page also its model, to the same name with `.json`.

    Missing folders are made. Returns the paths written, `path` first; the JSON is written before the page, so a page is
    never without it. Raises BadInputError when a page would be written over its data or `path` is a folder, OSError
    when it cannot be written.
    """
    if path.is_dir() or (format != "json" and path.suffix.lower() == ".json"):
        raise BadInputError(
            f"a report is written to a file such as report.{format}; got {str(path)!r}",
            field="output",
            value=str(path),
        )
    content = content_of(model, format)
    path.parent.mkdir(parents=True, exist_ok=True)
    paths = [path]
    if format == "html":
        paths.append(path.with_suffix(".json"))
        _replace(paths[1], to_json(model))
    _replace(path, content)
    return paths


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or all of the new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
