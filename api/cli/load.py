"""The verbs that fill a lake: ingest, generate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import JsonOption, LakeOption


def ingest(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, or - for stdin.")],
    format: Annotated[
        str | None, typer.Option("--format", metavar="WORD", help="runlake or n8n [default: seen from the content].")
    ] = None,
    payloads: Annotated[
        str | None,
        typer.Option("--payloads", metavar="WORD", help="keep, redact (mask secrets) or drop [default: redact]."),
    ] = None,
    workflows: Annotated[
        Path | None, typer.Option("--workflows", metavar="FILE", help="Workflows page of the engine, for their names.")
    ] = None,
    max_rejects: Annotated[
        int | None, typer.Option("--max-rejects", min=0, metavar="N", help="Stop after this many rejected records.")
    ] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Load execution records: .ndjson .jsonl .json, plain, .gz or .zst. Loading twice changes nothing.

    \b
    runlake ingest exports/ --lake ./lake
    runlake ingest page-1.json.gz page-2.json.gz --format n8n --workflows workflows.json
    curl -s "$URL" | runlake ingest -
    """
    from api.cli.exits import FOUND, OK
    from api.cli.lakes import configure, lake_of
    from api.cli.loading import load_options, show_report
    from api.cli.progress import reading
    from ingest.load import load
    from ingest.memory import keep_freed_memory
    from ingest.report import TooManyRejectsError

    keep_freed_memory()
    config = configure(lake=lake, payloads=payloads)
    options = load_options(config, format, workflows, max_rejects)
    stopped = None
    with lake_of(config, create=True) as opened, reading("reading") as on_progress:
        try:
            found = load(opened, paths, options, progress=on_progress)
        except TooManyRejectsError as error:
            stopped, found = error, error.report
    show_report(found, config.lake, as_json=as_json, stopped=stopped)
    return FOUND if found.rejected else OK


def generate(
    executions: Annotated[int, typer.Option("--executions", "-n", min=1, metavar="N", help="How many.")] = 10_000,
    days: Annotated[int, typer.Option("--days", min=1, metavar="D", help="Over how many days.")] = 30,
    workflows: Annotated[int, typer.Option("--workflows", min=1, metavar="W", help="Of how many workflows.")] = 40,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="S", help="Same seed, same records.")] = 1,
    until: Annotated[
        str | None, typer.Option("--until", metavar="INSTANT", help="End of the days [default: a fixed one].")
    ] = None,
    nodes: Annotated[bool, typer.Option("--nodes", help="With node runs.")] = False,
    payloads: Annotated[bool, typer.Option("--payloads", help="With inputs and outputs; implies --nodes.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="NDJSON to a file (.gz, .zst) or - instead of a lake."),
    ] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make realistic records, to try things at size: into the lake, or as NDJSON.

    \b
    runlake generate --executions 1000000 --days 90 --lake ./big-lake
    runlake generate -n 1000 --payloads -o sample.ndjson.gz
    """
    from api.cli import output as out
    from api.cli.lakes import configure, lake_of
    from api.cli.progress import counting
    from api.reading.selection import parse_instant
    from ingest.generate import GenerateReport, generate_into_lake, generate_ndjson
    from ingest.generate_plan import DEFAULT_UNTIL, GenerateOptions
    from warehouse.duck import connect

    config = configure(lake=lake)
    ends_at = parse_instant("until", until, config.timezone) if until else DEFAULT_UNTIL
    options = GenerateOptions(executions, days, workflows, seed, nodes, payloads, ends_at)
    with counting("generating", executions) as on_progress:
        if output is not None:
            session = connect(config.lake_settings().duck)
            made: GenerateReport = generate_ndjson(session, options, output, on_progress)
        else:
            with lake_of(config, create=True) as opened:
                made = generate_into_lake(opened, options, on_progress)
    if output == "-":
        return 0
    if as_json:
        out.show_json(made)
    else:
        print(f"{made.executions} executions made in {output or config.lake}", file=sys.stdout)
    return 0
