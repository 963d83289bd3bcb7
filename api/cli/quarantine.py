"""The verbs for what could not be loaded: quarantine list, quarantine retry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import JsonOption, LakeOption


def app() -> typer.Typer:
    """The group of verbs."""
    group = typer.Typer(
        help="Records that could not be loaded, as they came: list them, or try again.", rich_markup_mode=None
    )
    group.command("list", short_help="What was rejected, where it came from, why")(list_rejected)
    group.command("retry", short_help="Load the rejected records once more")(retry)
    return group


def list_rejected(
    records: Annotated[
        bool, typer.Option("--records", help="Each record instead of groups; --json: with its text.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="Most rows; 0: all.")] = 50,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """The rejected records: where they came from, which field, why; grouped, or one by one.

    \b
    runlake quarantine list
    runlake quarantine list --records --limit 10 --json
    """
    from itertools import islice

    from api.cli import listings, output
    from api.cli.lakes import configure, lake_of
    from ingest.quarantine import Quarantine

    with lake_of(configure(lake=lake)) as opened:
        quarantine = Quarantine(opened.folder("quarantine"))
        total = quarantine.count()
        groups = [] if records else quarantine.groups()
        entries = list(islice(quarantine.entries(with_raw=as_json), limit or None)) if records else []
    shown = groups[: limit or None]
    if as_json:
        found = [listings.entry_json(entry) for entry in entries] if records else shown
        output.show_json({"rejected": total, "records" if records else "groups": found})
    elif not total:
        print("the quarantine is empty")
    elif records:
        output.show(listings.entries_table(entries, total))
    else:
        output.show(listings.groups_table(shown, len(groups), total))
    return 0


def retry(
    payloads: Annotated[
        str | None, typer.Option("--payloads", metavar="WORD", help="keep, redact or drop [default: redact].")
    ] = None,
    workflows: Annotated[
        Path | None, typer.Option("--workflows", metavar="FILE", help="Workflows page of the engine, for their names.")
    ] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Load the rejected records once more, after a fix or with a newer release; what loads leaves the quarantine.

    \b
    runlake quarantine retry
    """
    from dataclasses import asdict

    from api.cli import output
    from api.cli.exits import FOUND, OK
    from api.cli.lakes import configure, lake_of
    from api.cli.loading import load_options
    from ingest import retry as again

    config = configure(lake=lake, payloads=payloads)
    with lake_of(config) as opened:
        found = again.retry(opened, load_options(config, None, workflows).normalise)
    if as_json:
        output.show_json(asdict(found))
    else:
        print(
            f"tried {found.read}: {found.new} new, {found.updated} updated, {found.unchanged} unchanged, "
            f"{found.rejected} still in quarantine"
        )
    return FOUND if found.rejected else OK
