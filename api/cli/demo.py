"""The verb for the first minute: demo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import JsonOption

TABLE_WORKFLOWS = 10
"""Workflows in the printed table; the report has them all."""


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
    from api.cli import output, tables
    from api.cli.lakes import configure, lake_of, warehouse_of
    from api.cli.loading import load_options, show_report
    from api.reading import questions
    from api.reading.selection import Selection
    from api.reading.statistics_json import statistics_json
    from ingest.sample import load_sample
    from reports.report import write_report
    from reports.request import ReportRequest

    config = configure(lake=lake)
    with lake_of(config, create=True) as opened:
        loaded = load_sample(opened, load_options(config).normalise)
    selection = Selection("1h", until="latest", granularity="minute", timezone=config.timezone)
    with warehouse_of(config) as house:
        # The sample is a quarter of an hour long: the pages begin where it does.
        steps = questions.statistics(house, selection).buckets
        first = next(step.start for step in steps if step.totals.executions)
        selection = replace(selection, period=None, since=first.isoformat())
        found = questions.statistics(house, replace(selection, limit=TABLE_WORKFLOWS))
        model = questions.report(house, selection, about=ReportRequest(title="runlake demo"))
    page, data = write_report(model, output_path)
    if as_json:
        output.show_json(
            {"lake": lake, "loaded": loaded, "statistics": statistics_json(found), "report": page, "data": data}
        )
        return 0
    print(f"A small sample of real n8n records, loaded into {lake}:")
    show_report(loaded, lake)
    print()
    output.show(*tables.statistics_tables(found, series=False))
    print(
        f"\nThe report: {page} (open it in a browser; its data is {data})\n\nNext:\n"
        f"  . .venv/bin/activate                       so that runlake is a command\n"
        f"  runlake errors --until latest --lake {lake}\n"
        f'  runlake sql "SELECT mode, status, count(*) FROM executions GROUP BY ALL ORDER BY ALL" --lake {lake}\n'
        f"  runlake serve --no-auth --lake {lake}      the report and the API on http://127.0.0.1:8080\n"
        f"  runlake ingest PATH                        your own records, into ./lake"
    )
    return 0
