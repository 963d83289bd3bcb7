"""The verbs that show: report, serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import (
    GranularityOption,
    JsonOption,
    LakeOption,
    MemoryOption,
    PeriodOption,
    SinceOption,
    ThreadsOption,
    TimeLimitOption,
    TimezoneOption,
    UntilOption,
    WorkflowOption,
)


def report(
    output_path: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page; its data goes beside it as .json.")
    ] = Path("report.html"),
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    granularity: GranularityOption = None,
    workflow: WorkflowOption = None,
    timezone: TimezoneOption = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Title of the page.")] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """Write the trend report: one HTML file that opens from disk, with no network.

    \b
    runlake report --period 7d -o report.html
    runlake report --period 30d --until latest --timezone Europe/Berlin -o march.html
    """
    from api import questions
    from api.cli import hints, output
    from api.cli.lakes import configure, warehouse_of
    from api.selection import Selection
    from reports.report import write_report

    config = configure(
        lake=lake, timezone=timezone, threads=threads, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s
    )
    selection = Selection(period, since, until, granularity, workflow, timezone=config.timezone)
    with warehouse_of(config) as house:
        model = questions.report(house, selection, title=title)
    paths = write_report(model, output_path)
    if as_json:
        output.show_json({"report": paths[0], "data": paths[1], "since": model.since, "until": model.until})
    else:
        print(f"report: {paths[0]} (data: {paths[1]})")
    executions = sum(point.executions for point in model.points)
    hints.hint_when_empty(executions, model, "report", period)
    return 0


def serve(
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="0: any free one.")] = 8080,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Serve without tokens; on loopback only.")] = False,
    lake: LakeOption = None,
    timezone: TimezoneOption = None,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """Serve the statistics API and the report over HTTP.

    \b
    runlake serve --no-auth
    curl 'http://127.0.0.1:8080/v1/executions/statistics?period=7d&granularity=day'
    """
    from api.cli.lakes import configure
    from api.server import check_exposure, run_server

    config = configure(
        lake=lake, timezone=timezone, threads=threads, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s
    )
    check_exposure(host, no_auth=no_auth)

    def say(url: str) -> None:
        print(
            f"serving {config.lake} on {url}: the report is {url}/, the API {url}/v1/executions/statistics", flush=True
        )

    run_server(config, host, port, say)
    return 0
