"""The verbs that look at single executions and at the tables: list, show, sql, export."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import (
    ErrorTextOption,
    ErrorTypeOption,
    FingerprintOption,
    JsonOption,
    LakeOption,
    MemoryOption,
    MinDurationOption,
    ModeOption,
    PeriodOption,
    RetryOfOption,
    SinceOption,
    StatusOption,
    ThreadsOption,
    TimeLimitOption,
    TimezoneOption,
    UntilOption,
    WorkflowOption,
)


def list_executions(
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    status: StatusOption = None,
    mode: ModeOption = None,
    timezone: TimezoneOption = None,
    error_type: ErrorTypeOption = None,
    error_text: ErrorTextOption = None,
    fingerprint: FingerprintOption = None,
    min_duration_s: MinDurationOption = None,
    retry_of: RetryOfOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="Most rows.")] = 20,
    lake: LakeOption = None,
    as_json: JsonOption = False,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """The newest executions.

    \b
    runlake list --status failed --limit 5
    runlake list --workflow wf_abc --since 2026-11-01 --json
    """
    from api.cli import hints, listings, output
    from api.cli.lakes import configure, warehouse_of
    from api.reading import questions
    from api.reading.execution_json import execution_json
    from api.reading.selection import Selection

    config = configure(lake=lake, timezone=timezone, time_limit_s=time_limit_s)
    selection = Selection(
        period, since, until, None, workflow, tuple(status or ()), tuple(mode or ()), config.timezone, limit
    )
    details = questions.Details(tuple(error_type or ()), error_text, fingerprint, min_duration_s, retry_of)
    with warehouse_of(config) as house:
        page = questions.executions(house, selection, details)
        newest_at = None if page.total else house.newest_at()
    if as_json:
        rows = [execution_json(row) for row in page.records()]
        output.show_json({"data": rows, "total": page.total, "hasMore": page.next_key is not None})
    else:
        output.show(listings.executions_table(page, config.timezone))
    if not page.total:
        hints.hint_when_none_match(newest_at)
    return 0


def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="The execution's id.")],
    data: Annotated[bool, typer.Option("--data", help="With inputs and outputs, where they are kept.")] = False,
    timezone: TimezoneOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> int:
    """All about one execution: its fields, its nodes, its log.

    \b
    runlake show exec_1234567890
    runlake show exec_1234567890 --data --json
    """
    from api.cli import listings, output
    from api.cli.lakes import configure, warehouse_of
    from api.reading import questions
    from api.reading.execution_json import detail_json

    config = configure(lake=lake, timezone=timezone)
    with warehouse_of(config) as house:
        found = questions.execution(house, id, with_data=data)
    if as_json:
        output.show_json(detail_json(found, with_data=data))
    else:
        output.show(*listings.execution_tables(found, config.timezone, with_data=data))
    return 0


def export(
    output_path: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - for stdout.")] = "-",
    format: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="WORD", help="csv, json, ndjson, parquet or arrow [by FILE, else csv]."),
    ] = None,
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    status: StatusOption = None,
    mode: ModeOption = None,
    error_type: ErrorTypeOption = None,
    error_text: ErrorTextOption = None,
    fingerprint: FingerprintOption = None,
    min_duration_s: MinDurationOption = None,
    retry_of: RetryOfOption = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=0, metavar="N", help="Most rows [all].")] = None,
    bom: Annotated[
        bool, typer.Option("--bom", help="CSV with a byte order mark, for spreadsheets that want it.")
    ] = False,
    timezone: TimezoneOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
) -> int:
    """Write executions to a file, oldest first, all that match: nothing is cut unless --limit says so.

    \b
    runlake export -o executions.csv --since 2026-11-01
    runlake export -o failed.parquet --status failed --status timeout
    runlake export --format ndjson --workflow wf_abc | head
    """
    from api.cli import output
    from api.cli.lakes import configure, warehouse_of
    from api.cli.sink import export_format, opened_sink
    from api.reading import questions
    from api.reading.selection import Selection

    config = configure(lake=lake, timezone=timezone, threads=threads, memory_limit_mb=memory_limit_mb)
    selection = Selection(
        period, since, until, None, workflow, tuple(status or ()), tuple(mode or ()), config.timezone, limit
    )
    details = questions.Details(tuple(error_type or ()), error_text, fingerprint, min_duration_s, retry_of)
    chosen = export_format(format, output_path)
    with warehouse_of(config) as house, opened_sink(output_path, binary=chosen in ("parquet", "arrow")) as sink:
        written = questions.export(house, selection, details, chosen, sink, bom=bom)
    more = "; more match, --limit cut them" if written.cut else ""
    if output_path == "-":
        if written.cut:
            output.say(f"runlake: {written.rows} executions{more}")
        return 0
    if as_json:
        output.show_json({"file": output_path, "format": chosen, **output.plain(written)})
    else:
        print(f"{written.rows} executions, {written.bytes} bytes, {chosen}: {output_path}{more}")
    return 0


def sql(
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="SQL; - reads it from stdin.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Describe the columns of the tables instead.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=0, metavar="N", help="Most rows; 0: all [100 in a table, else all]."),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="The rows as CSV on stdout.")] = False,
    lake: LakeOption = None,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    memory_limit_mb: MemoryOption = None,
    time_limit_s: TimeLimitOption = None,
) -> int:
    """Ask in SQL (DuckDB's) over the views executions, node_runs, payloads, logs.

    Only reads, and only these: other files, the network and settings are out of reach of a query.

    \b
    runlake sql "SELECT mode, count(*) FROM executions GROUP BY ALL"
    runlake sql --schema
    runlake sql - --csv < question.sql > answer.csv
    """
    import sys

    from api.cli import listings, rows
    from api.cli.lakes import configure, warehouse_of
    from warehouse.errors import BadInputError

    if schema:
        listings.show_schema(as_json=as_json)
        return 0
    if as_json and csv:
        raise BadInputError("both --json and --csv are given; give one of them")
    if query is None:
        raise BadInputError('the query is missing; write e.g. runlake sql "SELECT count(*) FROM executions"')
    text = sys.stdin.read() if query == "-" else query
    config = configure(lake=lake, threads=threads, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s)
    most = rows.SHOWN_ROWS if limit is None and not (as_json or csv) else limit or None
    with warehouse_of(config) as house:
        answer = house.sql(text, max_rows=most)
    if as_json:
        rows.write_json(answer.table)
    elif csv:
        rows.write_csv(answer.table)
    else:
        rows.show_rows(answer.table, cut=answer.cut)
    return 0
