"""Reports: from the warehouse's answers to one page model, and from it to a page that opens from disk.

`collect` asks the warehouse, `build` makes the model from the answers, `render` makes the HTML, `write_report` writes
it with the model as JSON beside it.
"""

from __future__ import annotations

from reports.build import build
from reports.data import collect
from reports.model import Filter, ReportModel, from_json, to_json
from reports.render import render
from reports.report import write_report

__all__ = ["Filter", "ReportModel", "build", "collect", "from_json", "render", "to_json", "write_report"]
