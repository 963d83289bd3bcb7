"""The verbs that look after a lake: compact, vacuum, retain, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import JsonOption, LakeOption

if TYPE_CHECKING:
    from api.config import Config


def compact(
    min_files: Annotated[int, typer.Option("--min-files", min=2, metavar="N", help="Merge from this many on.")] = 2,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Merge the small files of each day; the records stay what they are.

    \b
    runlake compact
    """
    from api.cli import output
    from api.cli.lakes import configure, lake_of

    with lake_of(configure(lake=lake)) as opened:
        counts = opened.compact(min_files=min_files)
    if as_json:
        output.show_json(counts)
    else:
        print(f"{counts.files_before} small files became {counts.files_after}, in {counts.partitions} partitions")
    return 0


def vacuum(
    after_hours: Annotated[
        float | None,
        typer.Option("--after-hours", min=0, metavar="H", help="Only files that are dead for this long [default: 24]."),
    ] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Delete files that are no longer part of the lake; what was deleted or replaced is physically gone then.

    \b
    runlake vacuum
    runlake vacuum --after-hours 0     only when nobody reads the lake
    """
    from api.cli import output
    from api.cli.lakes import configure, lake_of

    with lake_of(configure(lake=lake)) as opened:
        removed = opened.vacuum(after_hours)
    if as_json:
        output.show_json({"filesRemoved": removed})
    else:
        print("files removed: " + ", ".join(f"{table} {count}" for table, count in removed.items()))
    return 0


def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Drop days that are past their table's age: payloads 30 days, logs 90 days, unless runlake.toml says otherwise.

    \b
    runlake retain --dry-run
    runlake retain && runlake vacuum
    """
    from api.cli import output
    from api.cli.lakes import configure, lake_of

    config = configure(lake=lake)
    with lake_of(config) as opened:
        dropped = opened.retain(dry_run=dry_run)
    if as_json:
        output.show_json({"rowsDropped": dropped, "dryRun": dry_run, "retentionDays": dict(config.retention_days)})
    else:
        print(("would drop" if dry_run else "dropped") + " rows: " + ", ".join(_dropped(config, dropped)))
    return 0


def _dropped(config: Config, dropped: object) -> list[str]:
    assert isinstance(dropped, dict)
    ages = config.retention_days
    return [
        f"{table} {count} ({f'older than {ages[table]} days' if ages[table] else 'kept for ever'})"
        for table, count in dropped.items()
    ]


def verify(lake: LakeOption = None, as_json: JsonOption = False) -> int:
    """Check the whole lake; exit status 1 when something is wrong. Changes nothing.

    \b
    runlake verify && echo healthy
    """
    from api.cli import output
    from api.cli.exits import FOUND, OK
    from api.cli.lakes import configure, lake_of

    with lake_of(configure(lake=lake)) as opened:
        findings = opened.verify()
        snapshot = opened.snapshot()
    if as_json:
        rows = {table: snapshot.rows(table) for table in snapshot.files}
        output.show_json({"healthy": not findings, "rows": rows, "findings": findings})
    elif findings:
        columns = (
            output.Column("check"),
            output.Column("table"),
            output.Column("where", wide=True),
            output.Column("what", wide=True),
            output.Column("rows", "right"),
        )
        cells = [(one.check, one.table, one.where, one.message, str(one.rows)) for one in findings]
        output.show(output.Table(columns, cells, title=f"{len(findings)} findings"))
    else:
        files = sum(len(files) for files in snapshot.files.values())
        print(f"healthy: {snapshot.rows('executions')} executions in {files} files of four tables")
    return FOUND if findings else OK
