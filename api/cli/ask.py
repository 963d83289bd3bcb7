"""The verbs that ask for numbers: stats, nodes, errors."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import (
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

LimitOption = Annotated[int, typer.Option("--limit", "-n", metavar="N", help="Most rows.")]


def stats(
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    granularity: GranularityOption = None,
    workflow: WorkflowOption = None,
    status: StatusOption = None,
    mode: ModeOption = None,
    timezone: TimezoneOption = None,
    limit: LimitOption = 20,
    series: Annotated[bool, typer.Option("--series/--no-series", help="Show the steps of the period too.")] = True,
    lake: LakeOption = None,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """Totals, series and workflows of a period.

    \b
    runlake stats --period 7d --granularity day
    runlake stats --since 2026-11-01 --until 2026-11-15 --workflow wf_abc --json
    runlake stats --period 30d --until latest --timezone Europe/Berlin
    """
    from api.cli import hints, output
    from api.cli.lakes import configure, warehouse_of
    from api.reading import questions
    from api.reading.selection import Selection
    from api.reading.statistics_json import statistics_json

    config = configure(
        lake=lake, timezone=timezone, threads=threads, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s
    )
    selection = Selection(
        period, since, until, granularity, workflow, tuple(status or ()), tuple(mode or ()), config.timezone, limit
    )
    with warehouse_of(config) as house:
        found = questions.statistics(house, selection)
    if as_json:
        output.show_json(statistics_json(found))
    else:
        from api.cli import tables

        output.show(*tables.statistics_tables(found, series=series))
    hints.hint_when_empty(found.totals.executions, found, "stats", period)
    return 0


def nodes(
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    timezone: TimezoneOption = None,
    limit: LimitOption = 20,
    lake: LakeOption = None,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """Where the time goes: the nodes with the most time of their own first.

    \b
    runlake nodes --period 7d --limit 10
    runlake nodes --workflow wf_abc --until latest --json
    """
    from api.cli import hints, output
    from api.cli.lakes import configure, warehouse_of
    from api.reading import questions
    from api.reading.selection import Selection

    config = configure(
        lake=lake, timezone=timezone, threads=threads, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s
    )
    selection = Selection(period, since, until, workflow_id=workflow, timezone=config.timezone, limit=limit)
    with warehouse_of(config) as house:
        found = questions.nodes(house, selection)
    if as_json:
        output.show_json(found)
    else:
        from api.cli import tables

        output.show(tables.nodes_table(found, config.timezone))
    hints.hint_when_no_nodes(found, period)
    return 0


def errors(
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    timezone: TimezoneOption = None,
    limit: LimitOption = 20,
    lake: LakeOption = None,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """Why executions failed: groups of like errors, the largest first.

    \b
    runlake errors --period 7d
    runlake errors --workflow wf_abc --until latest --json
    """
    from api.cli import hints, output
    from api.cli.lakes import configure, warehouse_of
    from api.reading import questions
    from api.reading.selection import Selection

    config = configure(
        lake=lake, timezone=timezone, threads=threads, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s
    )
    selection = Selection(period, since, until, workflow_id=workflow, timezone=config.timezone, limit=limit)
    with warehouse_of(config) as house:
        found = questions.errors(house, selection)
    if as_json:
        output.show_json(found)
    else:
        from api.cli import tables

        output.show(tables.errors_table(found, config.timezone))
    if not found.executions:
        hints.hint_when_no_errors(found)
    return 0
