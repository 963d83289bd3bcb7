"""All verbs in the order the help shows them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Final

import typer

from api.cli import alert, ask, browse, care, demo, load, quarantine, report, schedule, seal, serve, simulate, token
from api.cli.exits import EXIT_STATUSES

_SETTINGS: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}

VERBS: Final[tuple[tuple[str, Callable[..., Any], str], ...]] = (
    ("demo", demo.demo, "See it work: load the bundled real records, report on them"),
    ("ingest", load.ingest, "Load execution records; twice is once"),
    ("stats", ask.stats, "Totals, series and workflows of a period"),
    ("nodes", ask.nodes, "Where the time goes: bottleneck nodes"),
    ("errors", ask.errors, "Why executions failed: error groups"),
    ("list", browse.list_executions, "The newest executions"),
    ("show", browse.show, "All about one execution"),
    ("export", browse.export, "Write records to csv, json, ndjson, parquet, arrow"),
    ("sql", browse.sql, "Ask in SQL; reads only"),
    ("report", report.report, "Write a trend report: HTML, PDF, JSON or a short text"),
    ("serve", serve.serve, "Serve the API and the report over HTTP"),
    ("generate", load.generate, "Make realistic records, to try things at size"),
    ("simulate", simulate.simulate, "Play an engine that reports to a server, live"),
    ("seal", seal.seal, "Move finished executions from the hot store to the lake"),
    ("compact", care.compact, "Merge small files"),
    ("vacuum", care.vacuum, "Delete files that are no longer part of the lake"),
    ("retain", care.retain, "Drop days past their table's age"),
    ("verify", care.verify, "Check the whole lake"),
)

_EPILOG: Final = "\n\n".join(
    (
        "\b\nExit statuses:\n" + "\n".join(f"  {status:<4} {meaning}" for status, meaning in EXIT_STATUSES.items()),
        "\b\nSettings: flag, then environment, then runlake.toml (here or in ~/.config/runlake), then default.",
    )
)


def _version(asked: bool) -> None:
    if asked:
        from importlib import metadata

        print(f"runlake {metadata.version('runlake')}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the release and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors, as RUNLAKE_DEBUG=1 does.")] = False,
) -> None:
    """The whole history of your workflow executions: statistics, bottlenecks, error groups, reports.

    \b
    runlake demo                       see it work on real records
    runlake ingest executions.ndjson   load your own into ./lake
    runlake stats --until latest       ask
    runlake VERB --help                an example with each verb
    """


@cache
def command() -> Any:
    """The command with its verbs, made once."""
    app = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=_SETTINGS
    )
    app.callback(epilog=_EPILOG)(_top)
    for name, verb, short_help in VERBS:
        app.command(name, short_help=short_help, context_settings=_SETTINGS)(verb)
    app.add_typer(quarantine.app(), name="quarantine", short_help="List or retry what could not be loaded")
    app.add_typer(schedule.app(), name="schedule", short_help="Reports that come by themselves")
    app.add_typer(alert.app(), name="alert", short_help="Make, list, test or remove alerts")
    app.add_typer(token.app(), name="token", short_help="Make, list or revoke tokens of the API")
    return typer.main.get_command(app)
