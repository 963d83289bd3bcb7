"""The verb for reports."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from api.cli.options import (
    FingerprintOption,
    GranularityOption,
    JsonOption,
    LakeOption,
    MemoryOption,
    ModeOption,
    PeriodOption,
    SinceOption,
    StatusOption,
    ThreadsOption,
    TimeLimitOption,
    TimezoneOption,
    UntilOption,
    WorkflowOption,
)

STDOUT = "-"


def report(
    output_path: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; - for stdout [default: report.html]. A page has its data beside it as .json.",
        ),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="WORD", help="html, json, md (a short text), pdf (by a Chromium).")
    ] = "html",
    kind: Annotated[
        str, typer.Option("--kind", "-k", metavar="WORD", help="overview, workflow, error or comparison.")
    ] = "overview",
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    against_since: Annotated[
        str | None, typer.Option("--against-since", metavar="INSTANT", help="Comparison: begin of the other period.")
    ] = None,
    against_until: Annotated[
        str | None, typer.Option("--against-until", metavar="INSTANT", help="Comparison: end of the other period.")
    ] = None,
    granularity: GranularityOption = None,
    workflow: WorkflowOption = None,
    fingerprint: FingerprintOption = None,
    status: StatusOption = None,
    mode: ModeOption = None,
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
    runlake report --kind workflow --workflow wf_abc --period 30d --format pdf
    runlake report --kind error --fingerprint v1:0123456789abcdef
    runlake report --kind comparison --since 2026-11-01 --until 2026-11-08 \\
        --against-since 2026-10-01 --against-until 2026-10-08 --format md -o -
    """
    from api.cli import hints, output
    from api.cli.lakes import configure, warehouse_of
    from api.reading import questions
    from api.reading.selection import Selection, parse_instant
    from reports.report import content_of, format_of, write_report
    from reports.request import Kind, ReportRequest

    config = configure(
        lake=lake, timezone=timezone, threads=threads, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s
    )
    chosen = format_of(format)

    def instant(name: str, text: str | None) -> datetime | None:
        return None if text is None else parse_instant(name, text, config.timezone)

    selection = Selection(
        period, since, until, granularity, workflow, tuple(status or ()), tuple(mode or ()), config.timezone
    )
    about = ReportRequest(
        kind=cast(Kind, kind),
        fingerprint=fingerprint,
        against_since=instant("against_since", against_since),
        against_until=instant("against_until", against_until),
        title=title,
        public_url=config.public_url,
    )
    with warehouse_of(config) as house:
        model = questions.report(house, selection, about=about)
    if output_path == STDOUT:
        sys.stdout.buffer.write(content_of(model, chosen))
        return 0
    paths = write_report(model, Path(output_path or f"report.{chosen}"), chosen)
    if as_json:
        output.show_json({"report": paths[0], "data": paths[-1], "since": model.since, "until": model.until})
    else:
        print(f"report: {paths[0]}" + (f" (data: {paths[1]})" if len(paths) > 1 else ""))
    hints.hint_when_empty(sum(point.executions for point in model.points), model, "report", period)
    return 0
