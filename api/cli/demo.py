"""The verb for the first minute: demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import JsonOption


def demo(
    lake: Annotated[str, typer.Option("--lake", metavar="URI", help="Lake of the demo.")] = "./demo-lake",
    output_path: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The report page.")] = Path(
        "demo-report.html"
    ),
    as_json: JsonOption = False,
) -> int:
    """Load the bundled sample of real records, show its statistics, write the report. Running it twice is safe.

    \b
    runlake demo
    """
    raise NotImplementedError
