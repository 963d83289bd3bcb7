"""The verbs that make reports of schedules: schedule run-now, run; and what became of them: history."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import HotUrlOption, JsonOption, LakeOption
from api.cli.schedule_store import ScheduleArgument, existing, gone, next_words, opened_store

if TYPE_CHECKING:
    from api.schedules.runner import Runner
    from warehouse.hot.database import Database


def run_one_now(
    schedule: ScheduleArgument,
    wait_s: Annotated[
        float, typer.Option("--wait-s", min=0, metavar="S", help="How long to wait for a server that is at it.")
    ] = 120.0,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make the report that would be due now and deliver it; conditions hold as ever. Also when it is paused.

    Exit status 1: it could not be made, or not be delivered to all; what failed is tried again later.

    \b
    runlake schedule run-now weekly
    """
    from api.cli import output, schedule_view
    from api.schedules.by_hand import run_to_the_end
    from api.schedules.manage import run_json
    from warehouse.clock import now
    from warehouse.hot.schedules import run_now

    with _runner(lake, hot_url) as (runner, database):
        found = existing(database, schedule)
        begun = run_now(database, found, now())
        if begun is None:
            raise gone(schedule)
        run = run_to_the_end(runner, database, begun, wait_s=wait_s)
    if as_json:
        output.show_json(run_json(run, places=True))
    else:
        schedule_view.show_run(run)
    return 0 if run.state in ("delivered", "skipped") else 1


def show_history(
    schedule: ScheduleArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, metavar="N", help="Most runs.")] = 20,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """The newest runs of a schedule: what was made, skipped or failed, and what became of each delivery.

    \b
    runlake schedule history weekly
    """
    from api.cli import output, schedule_view
    from api.schedules.manage import run_json
    from warehouse.hot.schedules import history

    with opened_store(lake, hot_url) as (database, _):
        found = existing(database, schedule)
        runs, total = history(database, found.schedule_id, limit)
    if as_json:
        told = [run_json(run, places=True) for run in runs]
        output.show_json({"scheduleId": found.schedule_id, "runs": told, "total": total})
    elif not runs:
        print(f"schedule {output.clean(repr(found.rule.name))} has not run yet; {next_words(found)}")
    else:
        output.show(schedule_view.runs_table(runs, found.rule.timezone))
        if total > len(runs):
            output.say(f"runlake: {total - len(runs)} older ones are not shown; --limit shows more")
    return 0


def run_due(lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False) -> int:
    """Do all that is due: make reports, deliver them, try again what failed; then end. For cron, Kubernetes, Airflow.

    A server does the same by itself; where one is at it, this has nothing to do. Exit status 1: a report could not be
    made, or a delivery failed; it is tried again by a later call.

    \b
    runlake schedule run
    */5 * * * * runlake schedule run --lake /var/lib/runlake
    """
    from dataclasses import asdict

    from api.cli import output

    with _runner(lake, hot_url) as (runner, _):
        tally = runner.pass_over()
    if tally is None:
        output.say("runlake: another process is working schedules off; nothing is left to do here")
        told: dict[str, int] = {}
    else:
        told = asdict(tally)
    if as_json:
        output.show_json({"busy": tally is None, **told})
    elif tally is not None:
        print(
            f"{tally.begun} due, {tally.made} made, {tally.skipped} skipped, {tally.delivered} delivered, "
            f"{tally.failed} failed"
        )
    return 1 if tally is not None and tally.failed else 0


@contextmanager
def _runner(lake: str | None, hot_url: str | None) -> Iterator[tuple[Runner, Database]]:
    """What works schedules off in this process."""
    from api.cli.lakes import warehouse_of
    from api.schedules.service import runner_of

    with opened_store(lake, hot_url, create=True) as (database, config), warehouse_of(config) as house:
        yield runner_of(config, house, database, os.environ), database
