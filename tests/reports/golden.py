"""Golden files of the reports: `python -m tests.reports.golden` writes them anew; look at the difference."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from reports.build import build
from reports.model import Filter, ReportModel, to_json
from reports.render import render
from tests.reports import samples

FOLDER = Path(__file__).parent / "golden"


def tiny_model() -> ReportModel:
    """The smallest report that has something in every section."""
    filters = (Filter("workflow", "Sync <orders>"),)
    return build(*samples.tiny(), generated_at=samples.GENERATED_AT, filters=filters, generator="runlake 0.1.0")


def month_model() -> ReportModel:
    """A whole month."""
    statistics, nodes, errors, series = samples.month()
    return build(
        statistics,
        nodes,
        errors,
        generated_at=samples.GENERATED_AT,
        extras=samples.extras(statistics, series),
        generator="runlake 0.1.0",
        kind="overview",
        public_url="https://runlake.example",
    )


def body(page: str) -> str:
    """What is between <body> and the scripts."""
    found = re.search(r"<body>\n(.*?)<script", page, re.DOTALL)
    assert found is not None
    return found.group(1)


def fragment(page: str, key: str) -> str:
    """The section with this id, its numbers included."""
    found = re.search(rf'<section class="card[^"]*" id="{key}".*?</section>\n', page, re.DOTALL)
    assert found is not None
    return found.group(0)


@cache
def contents() -> dict[str, str]:
    """What every golden file holds, by name."""
    month = render(month_model())
    return {
        "tiny.json": to_json(tiny_model()).decode(),
        "tiny.body.html": body(render(tiny_model())),
        "month.overview.html": fragment(month, "overview"),
        "month.executions.html": fragment(month, "executions"),
        "month.errors.html": fragment(month, "errors"),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in contents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
