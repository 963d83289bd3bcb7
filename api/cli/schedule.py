"""The verbs for schedules of reports: schedule add, list, pause, resume, remove; see schedule_run for the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import HotUrlOption, JsonOption, LakeOption
from api.cli.schedule_run import run_due, run_one_now, show_history
from api.cli.schedule_store import ScheduleArgument, existing, gone, next_words, opened_store

if TYPE_CHECKING:
    from api.config import Config
    from api.schedules.manage import Allowed


def app() -> typer.Typer:
    """The group of verbs."""
    group = typer.Typer(help="Reports that come by themselves: make, list, pause, run, remove.", rich_markup_mode=None)
    group.command("add", short_help="Make a schedule")(add)
    group.command("list", short_help="All schedules: when they are due, where they go")(list_all)
    group.command("pause", short_help="Let a schedule rest")(pause)
    group.command("resume", short_help="Let a paused schedule go on")(resume)
    group.command("run-now", short_help="Make and deliver a schedule's report now")(run_one_now)
    group.command("remove", short_help="Remove a schedule with its history")(remove)
    group.command("history", short_help="What became of a schedule's reports")(show_history)
    group.command("run", short_help="Do all that is due, for cron and the like")(run_due)
    return group


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called, e.g. weekly; unique.")],
    cron: Annotated[
        str, typer.Option("--cron", metavar="RULE", help="Minute, hour, day of month, month, day of week.")
    ],
    timezone: Annotated[
        str | None,
        typer.Option("--timezone", metavar="NAME", help="Of the rule and the report's days [default: the settings']."),
    ] = None,
    kind: Annotated[
        str, typer.Option("--kind", metavar="WORD", help="overview, workflow, error or comparison.")
    ] = "overview",
    period: Annotated[str, typer.Option("--period", "-p", metavar="WORD", help="See above.")] = "last-week",
    workflow: Annotated[
        list[str] | None, typer.Option("--workflow", "-w", metavar="ID", help="Only these; comma or repeated.")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option("--fingerprint", metavar="V1:HEX", help="Of --kind error: which group.")
    ] = None,
    granularity: Annotated[
        str | None, typer.Option("--granularity", "-g", metavar="WORD", help="Step: hour, day, week or month.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Title of the reports.")] = None,
    deliver: Annotated[
        list[str] | None,
        typer.Option("--deliver", "-d", metavar="TARGET", help="Where to; repeatable [default: archive]."),
    ] = None,
    skip_empty: Annotated[
        bool, typer.Option("--skip-empty", help="Deliver nothing when nothing ran in the period.")
    ] = False,
    only_when: Annotated[
        str | None, typer.Option("--only-when", metavar="CONDITION", help="Deliver only when this holds.")
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Make it, but let it rest.")] = False,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make a schedule. A server that runs works it off; without one, let cron call `runlake schedule run`.

    \b
    periods     yesterday, last-week (from Monday), last-month, last-quarter, last-year;
                1h 24h: up to the last full hour; 7d 30d 90d 1y: up to the last midnight
    targets     archive                              the archive of the lake (/reports)
                /srv/reports, s3://bucket/reports    a site of its own in a folder or bucket
                mailto:ops@example.org,boss@…        e-mail, with pictures
                webhook:https://…                    signed JSON; the key is shown once
                slack:https://…, slack:env:RUNLAKE_HOOK_TEAM   a Slack-compatible post
    conditions  failures>10, success_rate<95%, new_errors>0, regressions>0, incidents>0,
                executions>0, p50>1s, p95>30s, tone=bad; joined by `and` or by `or`

    \b
    runlake schedule add weekly --cron '0 8 * * MON' --timezone Europe/Berlin --period last-week \\
        --deliver archive --deliver mailto:team@example.org
    runlake schedule add trouble --cron '*/30 * * * *' --period 1h --deliver slack:env:RUNLAKE_HOOK_OPS \\
        --only-when 'failures>20 or new_errors>0'
    """
    from api.cli import output
    from api.reading import questions
    from api.schedules.due import next_due
    from api.schedules.manage import rule_of, schedule_json, secrets_json
    from warehouse.clock import now
    from warehouse.hot.schedules import add_schedule

    at = now()
    with opened_store(lake, hot_url, create=True) as (database, config):
        words = {
            "name": name,
            "cron": cron,
            "timezone": timezone or config.timezone,
            "kind": kind,
            "period": period,
            "workflowId": questions.words("--workflow", workflow),
            "fingerprint": fingerprint,
            "granularity": granularity,
            "title": title,
            "skipEmpty": skip_empty,
            "onlyWhen": only_when,
        }
        rule = rule_of(words, _absolute(deliver or ()), at, _allowed(config))
        made = add_schedule(database, rule, next_due(rule.cron, rule.timezone, at), paused=paused)
    secrets = secrets_json(made)
    if as_json:
        output.show_json({**schedule_json(made), "secrets": secrets})
        return 0
    print(f"{made.schedule_id}  {output.clean(rule.name)}: {next_words(made)}")
    for target, secret in secrets.items():
        print(f"{output.clean(target)} is signed with {secret} (shown this once)")
    return 0


def list_all(lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False) -> int:
    """The schedules by name: when they are due, what they report, where it goes.

    \b
    runlake schedule list
    runlake schedule list --json
    """
    from api.cli import output, schedule_view
    from api.schedules.manage import schedule_json
    from warehouse.hot.schedules import list_schedules

    with opened_store(lake, hot_url) as (database, _):
        found = list_schedules(database)
    if as_json:
        output.show_json({"schedules": [schedule_json(one) for one in found], "total": len(found)})
    elif not found:
        print("there is no schedule; `runlake schedule add --help` shows how to make one")
    else:
        output.show(schedule_view.schedules_table(found))
    return 0


def pause(
    schedule: ScheduleArgument, lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False
) -> int:
    """Let a schedule rest; what is being delivered still is.

    \b
    runlake schedule pause weekly
    """
    return _rest(schedule, lake, hot_url, as_json=as_json, paused=True)


def resume(
    schedule: ScheduleArgument, lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False
) -> int:
    """Let a paused schedule go on; what it missed meanwhile is not made up.

    \b
    runlake schedule resume weekly
    """
    return _rest(schedule, lake, hot_url, as_json=as_json, paused=False)


def remove(
    schedule: ScheduleArgument, lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False
) -> int:
    """Remove a schedule with its history, and what was not delivered yet; its reports stay in the archive.

    \b
    runlake schedule remove weekly
    """
    from api.cli import output
    from api.schedules.manage import schedule_json
    from warehouse.hot.schedules import remove_schedule

    with opened_store(lake, hot_url) as (database, _):
        found = existing(database, schedule)
        remove_schedule(database, found.schedule_id)
    if as_json:
        output.show_json(schedule_json(found))
    else:
        print(f"schedule {output.clean(repr(found.rule.name))} ({found.schedule_id}) is removed")
    return 0


def _rest(schedule: str, lake: str | None, hot_url: str | None, *, as_json: bool, paused: bool) -> int:
    from api.cli import output
    from api.schedules.due import next_due
    from api.schedules.manage import schedule_json
    from warehouse.clock import now
    from warehouse.hot.schedules import pause_schedule

    with opened_store(lake, hot_url) as (database, _):
        found = existing(database, schedule)
        next_at = next_due(found.rule.cron, found.rule.timezone, now())
        changed = pause_schedule(database, found, paused=paused, next_at=next_at)
    if changed is None:
        raise gone(schedule)
    if as_json:
        output.show_json(schedule_json(changed))
    else:
        print(f"schedule {output.clean(repr(changed.rule.name))}: {next_words(changed)}")
    return 0


def _absolute(targets: Sequence[str]) -> list[str]:
    """Folders are meant from here, not from wherever a server was started."""
    words = ("archive", "mailto:", "webhook:", "slack:")
    return [
        one if "://" in one or one.startswith(words) or "/" not in one else str(Path(one).expanduser().resolve())
        for one in targets
    ]


def _allowed(config: Config) -> Allowed:
    from api.schedules.manage import allowed_by

    return allowed_by(config, folders=True)
