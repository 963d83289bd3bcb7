"""The verbs for alerts: alert add, alert list, alert test, alert remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.lakes import hot_store_of
from api.cli.options import HotUrlOption, JsonOption, LakeOption

if TYPE_CHECKING:
    from warehouse.hot.alert_state import Alert
    from warehouse.hot.database import Database

AlertArgument = Annotated[str, typer.Argument(metavar="ALERT", help="Its id or name, as `runlake alert list` shows.")]

_NO_ALERT: Final = "there is no alert yet: `runlake alert add NAME KIND THRESHOLD` makes one"


def app() -> typer.Typer:
    """The group of verbs."""
    group = typer.Typer(help="Alerts: make, list, test, remove.", rich_markup_mode=None)
    group.command("add", short_help="Make an alert")(add)
    group.command("list", short_help="All alerts: rules, which of them fire")(list_all)
    group.command("test", short_help="What an alert says now, or when it would have fired")(try_alert)
    group.command("remove", short_help="Remove an alert with its history")(remove)
    return group


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called, e.g. payments; unique.")],
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="failureRate failures p95 queueLength silence memory newError: see above."),
    ],
    threshold: Annotated[
        float | None, typer.Argument(metavar="[THRESHOLD]", help="Fires at this or more; silence, newError have none.")
    ] = None,
    workflow: Annotated[
        str | None, typer.Option("--workflow", metavar="ID", help="Only this workflow [default: all together].")
    ] = None,
    window: Annotated[
        str, typer.Option("--window", metavar="SPAN", help="What is looked at: 90s, 5m, 1h, 7d; up to 31d.")
    ] = "5m",
    min_count: Annotated[
        int, typer.Option("--min-count", metavar="N", help="Fires only with so many executions in the window.")
    ] = 1,
    cooldown: Annotated[
        str, typer.Option("--cooldown", metavar="SPAN", help="From one firing to the next at least.")
    ] = "15m",
    resolve: Annotated[
        float | None,
        typer.Option("--resolve", metavar="X", help="Resolved at this or less [default: below for one window]."),
    ] = None,
    aggregate: Annotated[str, typer.Option("--aggregate", metavar="WORD", help="Of memory: max or avg.")] = "max",
    past_windows: Annotated[
        int, typer.Option("--past-windows", metavar="N", help="Of p95: compared with the median of so many.")
    ] = 7,
    email: Annotated[
        list[str] | None, typer.Option("--email", metavar="ADDRESS", help="Who is mailed; comma or repeated.")
    ] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Make it, but do not look at it yet.")] = False,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make an alert; servers that run look at it from their next round on (every 30 s).

    \b
    failureRate   unsuccessful / finished executions of the window, 0..1
    failures      unsuccessful executions of the window
    p95           p95 of the window / median p95 of the windows before it
    queueLength   executions that are queued now
    silence       fires when there was no execution in the window
    memory        most (or mean) MiB of an execution of the window
    newError      fires when an error comes that the lake has never seen

    \b
    runlake alert add payments failureRate 0.1 --workflow wf_pay --window 15m --min-count 20
    runlake alert add slow p95 2 --window 1h --min-count 30 --email ops@example.org
    runlake alert add nightly silence --workflow wf_backup --window 25h
    """
    from api.alerts.manage import alert_json, rule_of
    from api.cli import output
    from api.reading import questions
    from warehouse.hot.alerts import add_alert

    words = {
        "name": name,
        "kind": kind,
        "threshold": threshold,
        "workflowId": workflow,
        "window": _seconds("--window", window),
        "minCount": min_count,
        "cooldown": _seconds("--cooldown", cooldown),
        "resolveThreshold": resolve,
        "aggregate": aggregate,
        "pastWindows": past_windows,
        "emails": questions.words("--email", email),
        "enabled": not disabled,
    }
    with hot_store_of(lake, hot_url, if_missing=_NO_ALERT, create=True) as (database, config):
        made = add_alert(database, rule_of(words, can_mail=config.smtp_url is not None))
    if as_json:
        output.show_json(alert_json(made))
    else:
        description = output.clean(alert_json(made)["description"])
        print(f"{made.alert_id}  {output.clean(made.rule.name)}: {description}")
        output.say(f"runlake: `runlake alert test {made.alert_id} --since 2026-11-01` says when it would have fired")
    return 0


def list_all(lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False) -> int:
    """The alerts by name: their rules, which of them fire, when they last fired.

    \b
    runlake alert list
    runlake alert list --json
    """
    from api.alerts.manage import alert_json
    from api.cli import alert_view, output
    from warehouse.hot.alerts import list_alerts

    with hot_store_of(lake, hot_url, if_missing=_NO_ALERT) as (database, _):
        found = [alert_json(alert) for alert in list_alerts(database)]
    if as_json:
        output.show_json({"alerts": found, "total": len(found)})
    elif not found:
        print("there is no alert; `runlake alert add --help` shows how to make one")
    else:
        titles = ("id", "name", "rule", "state", "last fired", "mails")
        columns = tuple(output.Column(title, wide=title in ("name", "rule")) for title in titles)
        output.show(output.Table(columns=columns, rows=[alert_view.row(one) for one in found]))
        for one in found:
            if one["state"]["failure"]:
                output.say(f"runlake: {output.clean(one['name'])}: {one['state']['failure']}")
    return 0


def try_alert(
    alert: AlertArgument,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Replay the past from this date or instant on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="End of the replay [default: now].")
    ] = None,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Look at an alert now and say what that would do; with --since, when it would have fired. Tells nobody.

    \b
    runlake alert test payments
    runlake alert test payments --since 2026-11-01 --until 2026-11-08
    """
    from api.alerts.evaluate import is_over
    from api.alerts.look import look, replay
    from api.alerts.manage import look_json, replay_json
    from api.cli import alert_view, output
    from api.cli.lakes import warehouse_of
    from api.reading.selection import parse_instant
    from warehouse.clock import now
    from warehouse.errors import BadInputError

    at = now().replace(microsecond=0)
    if until is not None and since is None:
        raise BadInputError("--until is given without --since; give both, or neither for now", field="--until")
    with hot_store_of(lake, hot_url, if_missing=_NO_ALERT) as (database, config), warehouse_of(config) as house:
        found = _existing(database, alert)
        if since is None:
            seen = look(house, found.rule, found.state, at)
            answer = look_json(found, seen, config.public_url, over=is_over(found.rule, seen.numbers))
        else:
            start = parse_instant("--since", since, config.timezone)
            end = at if until is None else parse_instant("--until", until, config.timezone)
            every_s = max(1, round(config.alert_every_s))
            answer = replay_json(
                found, at, replay(house, found, start, end, every_s=every_s, public_url=config.public_url)
            )
    if as_json:
        output.show_json(answer)
    elif since is None:
        alert_view.show_look(answer)
    else:
        alert_view.show_replay(answer["replay"])
    return 0


def remove(
    alert: AlertArgument, lake: LakeOption = None, hot_url: HotUrlOption = None, as_json: JsonOption = False
) -> int:
    """Remove an alert with its history; servers that run stop looking at it at once.

    \b
    runlake alert remove payments
    """
    from api.alerts.manage import alert_json
    from api.cli import output
    from warehouse.hot.alerts import remove_alert

    with hot_store_of(lake, hot_url, if_missing=_NO_ALERT) as (database, _):
        found = _existing(database, alert)
        remove_alert(database, found.alert_id)
    if as_json:
        output.show_json(alert_json(found))
    else:
        print(f"alert {output.clean(repr(found.rule.name))} ({found.alert_id}) is removed")
    return 0


def _existing(database: Database, id_or_name: str) -> Alert:
    from warehouse.errors import BadInputError
    from warehouse.hot.alerts import find_alert

    found = find_alert(database, id_or_name)
    if found is None:
        raise BadInputError(
            f"there is no alert with the id or name {id_or_name[:200]!r}; `runlake alert list` shows them",
            field="alert",
            value=id_or_name,
        )
    return found


def _seconds(flag: str, text: str) -> int:
    import re

    from warehouse.errors import BadInputError

    span = re.fullmatch(r"(\d{1,8})([smhd])", text)
    if span is None:
        raise BadInputError(f"{flag} is {text[:100]!r}; allowed is a span such as 90s, 5m, 1h or 7d", field=flag)
    return int(span[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[span[2]]
