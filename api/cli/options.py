"""The options that several verbs share. Only typer is imported here: `runlake --help` has to be quick."""

from __future__ import annotations

from typing import Annotated

import typer

LakeOption = Annotated[
    str | None,
    typer.Option("--lake", metavar="URI", help="Folder or URI of the lake [RUNLAKE_HOME, runlake.toml, else ./lake]."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The answer as JSON on stdout, and nothing else there.")]
PeriodOption = Annotated[
    str | None, typer.Option("--period", "-p", metavar="WORD", help="1h, 24h, 7d, 30d, 90d or 1y, up to --until.")
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="INSTANT", help="First instant, instead of --period: 2026-11-23 or 2026-11-23T10:00Z."
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="INSTANT",
        help="First instant after it [default: now]; `latest`: just after the newest record.",
    ),
]
GranularityOption = Annotated[
    str | None, typer.Option("--granularity", "-g", metavar="WORD", help="Step: hour, day, week or month [by period].")
]
WorkflowOption = Annotated[
    str | None, typer.Option("--workflow", "-w", metavar="ID", help="Only this workflow, by its id.")
]
StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="WORD",
        help="Only these: queued, running, success, failed, cancelled, timeout (repeatable).",
    ),
]
ModeOption = Annotated[
    list[str] | None,
    typer.Option("--mode", metavar="WORD", help="Only these: manual, trigger, webhook, scheduled, retry (repeatable)."),
]
ErrorTypeOption = Annotated[
    list[str] | None, typer.Option("--error-type", metavar="NAME", help="Only this class of error (repeatable).")
]
ErrorTextOption = Annotated[
    str | None, typer.Option("--error-text", metavar="TEXT", help="Only with this in the error's message.")
]
FingerprintOption = Annotated[
    str | None, typer.Option("--fingerprint", metavar="V1:HEX", help="Only this error group, see `runlake errors`.")
]
MinDurationOption = Annotated[
    float | None, typer.Option("--min-duration-s", metavar="S", help="Only what ended and took at least so long.")
]
RetryOfOption = Annotated[str | None, typer.Option("--retry-of", metavar="ID", help="Only retries of this execution.")]
TimezoneOption = Annotated[
    str | None,
    typer.Option("--timezone", metavar="NAME", help="Where days and weeks begin, e.g. Europe/Berlin [default: UTC]."),
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", metavar="N", help="Threads of a query; 0: all.")]
MemoryOption = Annotated[
    int | None, typer.Option("--memory-limit-mb", metavar="MB", help="Memory of a query; beyond it, it spills to disk.")
]
TimeLimitOption = Annotated[
    float | None, typer.Option("--time-limit-s", metavar="S", help="Longest a query may take; 0: no limit.")
]
HotUrlOption = Annotated[
    str | None,
    typer.Option("--hot-url", metavar="URL", help="Database of the hot store [default: state.db in the lake]."),
]
