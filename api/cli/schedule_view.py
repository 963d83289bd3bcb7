"""Schedules and their runs on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from api.cli import output
from reports import format as fmt
from reports.delivery.targets import shown
from warehouse.hot.schedule_rule import DeliveryRecord, Run, Schedule


def schedules_table(schedules: Sequence[Schedule]) -> output.Table:
    """One row a schedule."""
    titles = ("id", "name", "when", "report", "to", "next")
    columns = tuple(output.Column(title, wide=title in ("name", "to")) for title in titles)
    return output.Table(columns=columns, rows=[_row(one) for one in schedules])


def runs_table(runs: Sequence[Run], timezone: str) -> output.Table:
    """One row a run, newest first."""
    titles = ("due", "made up", "status", "report", "deliveries")
    columns = tuple(output.Column(title, wide=title == "deliveries") for title in titles)
    rows = [
        (
            fmt.instant(run.at, timezone) + (" (by hand)" if run.cause == "now" else ""),
            str(run.missed) if run.missed else "",
            run.state,
            run.report or "",
            "; ".join(delivery_words(one) for one in run.deliveries) or run.failure or "",
        )
        for run in runs
    ]
    return output.Table(columns=columns, rows=rows)


def show_run(run: Run) -> None:
    """What a run came to, in some lines."""
    print(f"{run.state}: {run.report or run.failure or 'not made'}")
    if run.failure and run.report:
        print(f"  {output.clean(run.failure)}")
    for one in run.deliveries:
        print(f"  {output.clean(delivery_words(one))}")


def delivery_words(one: DeliveryRecord) -> str:
    """A delivery in a line."""
    target = shown(one.target)
    if one.state == "delivered":
        return f"{target}: delivered" + (f" to {one.place}" if one.place and one.place != target else "")
    if one.state == "failed":
        return f"{target}: given up after {fmt.plural(one.attempts, 'attempt')}: {one.failure}"
    if one.failure is None:
        return f"{target}: on its way"
    return f"{target}: failed, tried again {fmt.instant(one.due_at, 'UTC')}: {one.failure}"


def _row(schedule: Schedule) -> tuple[str, ...]:
    rule = schedule.rule
    next_at = "paused" if schedule.paused else fmt.instant(schedule.next_at, rule.timezone)
    extra = [f"if {rule.only_when}"] if rule.only_when else []
    extra += ["not if empty"] if rule.skip_empty else []
    return (
        schedule.schedule_id,
        rule.name,
        f"{rule.cron} {rule.timezone}",
        ", ".join((f"{rule.kind} {rule.period}", *extra)),
        ", ".join(shown(target) for target in rule.targets),
        next_at,
    )
