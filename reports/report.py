"""Writing a report: the page, and its model as JSON beside it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reports.model import ReportModel, to_json
from reports.render import render
from warehouse.errors import BadInputError


def write_report(model: ReportModel, path: Path) -> list[Path]:
    """Write the page to `path` and its model to the same name with `.json`; both replace what was there, atomically.

    Missing folders are made. Returns the two paths, the page first; the JSON is written first, so a page is never
    without it. Raises BadInputError when `path` ends in .json or is a folder, OSError when it cannot be written.
    """
    if path.suffix.lower() == ".json" or path.is_dir():
        raise BadInputError(
            f"a report is written to a file such as report.html, with its data beside it; got {str(path)!r}",
            field="output",
            value=str(path),
        )
    data = path.with_suffix(".json")
    page = render(model).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(data, to_json(model))
    _replace(path, page)
    return [path, data]


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
