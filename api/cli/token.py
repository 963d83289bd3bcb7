"""The verbs for tokens of the API: token create, token list, token revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli.lakes import hot_store_of
from api.cli.options import HotUrlOption, JsonOption, LakeOption

if TYPE_CHECKING:
    from datetime import datetime

    from warehouse.hot.tokens import Token

_NO_TOKEN: Final = "there is no token yet: `runlake token create NAME` makes one, and the first `runlake serve` too"


def app() -> typer.Typer:
    """The group of verbs."""
    group = typer.Typer(help="Tokens of the API: make, list, revoke.", rich_markup_mode=None)
    group.command("create", short_help="Make a token; it is shown once")(create)
    group.command("list", short_help="All tokens: what they may, when they were last used")(list_all)
    group.command("revoke", short_help="Refuse a token from now on")(revoke)
    return group


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, e.g. grafana; unique.")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="What it may; comma or repeated [default: executions:read]."),
    ] = None,
    workflow: Annotated[
        list[str] | None,
        typer.Option(
            "--workflow", metavar="ID", help="Bind it to this workflow; comma or repeated. Others do not exist."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="WHEN", help="90d, 12h, a date or an instant [default: never].")
    ] = None,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make a token. It is shown once, on stdout; what is stored cannot show it again.

    Scopes: executions:read executions:write executions:control executions:delete webhooks:manage reports:read
    reports:manage admin. An engine that reports needs executions:write, a dashboard executions:read, a person with a
    browser reports:read,executions:read.

    \b
    runlake token create engine --scope executions:write
    runlake token create grafana --scope executions:read --expires 90d
    runlake token create team-a --scope executions:read,reports:read --workflow wf_1 --workflow wf_2
    """
    from api.cli import output
    from api.reading import questions
    from warehouse.hot.tokens import create_token

    scopes = questions.words("--scope", scope) or ("executions:read",)
    bound = questions.words("--workflow", workflow) or None
    _known(scopes)
    with hot_store_of(lake, hot_url, if_missing=_NO_TOKEN, create=True) as (database, config):
        expires_at = _expiry(expires, config.timezone)
        token, text = create_token(database, name, scopes, workflow_ids=bound, expires_at=expires_at)
    if as_json:
        output.show_json({**_json(token), "token": text})
    else:
        print(text)
        until = f", until {_at(token.expires_at)}" if token.expires_at else ""
        output.say(f"token {name!r} ({token.token_id}): {' '.join(sorted(scopes))}{until}; shown this once, keep it")
    return 0


def list_all(
    everything: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too.")] = False,
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """The tokens: names, scopes, workflows, when they end and when they were last used. Never the tokens themselves.

    \b
    runlake token list
    runlake token list --all --json
    """
    from api.cli import output
    from warehouse.clock import now
    from warehouse.hot.tokens import list_tokens

    with hot_store_of(lake, hot_url, if_missing=_NO_TOKEN) as (database, _):
        found = list_tokens(database)
    at = now()
    shown = [token for token in found if everything or token.lives(at)]
    if as_json:
        output.show_json({"tokens": [_json(token) for token in shown]})
    elif not shown:
        print("there is no token; `runlake token create NAME` makes one")
    else:
        output.show(_table(shown, at, hidden=len(found) - len(shown)))
    return 0


def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or name, as `runlake token list` shows them.")],
    lake: LakeOption = None,
    hot_url: HotUrlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Refuse a token from now on; servers that run notice within two seconds.

    \b
    runlake token revoke grafana
    """
    from api.cli import output
    from warehouse.hot.tokens import revoke_token

    with hot_store_of(lake, hot_url, if_missing=_NO_TOKEN) as (database, _):
        revoked = revoke_token(database, token)
    if as_json:
        output.show_json(_json(revoked))
    else:
        print(f"token {output.clean(repr(revoked.name))} ({revoked.token_id}) is revoked")
    return 0


def _known(scopes: tuple[str, ...]) -> None:
    import difflib

    from api.auth.principal import SCOPES
    from warehouse.errors import BadInputError

    for scope in scopes:
        if scope not in SCOPES:
            near = difflib.get_close_matches(scope, SCOPES, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadInputError(
                f"there is no scope {scope!r}; allowed: {', '.join(SCOPES)}{hint}", field="--scope", value=scope
            )


def _expiry(text: str | None, timezone: str) -> datetime | None:
    """When a token ends: so long from now, or at an instant that is still to come."""
    import re
    from datetime import timedelta

    from api.reading.selection import parse_instant
    from warehouse.clock import now
    from warehouse.errors import BadInputError

    if text is None:
        return None
    at = now()
    span = re.fullmatch(r"([1-9]\d{0,4})([mhdwy])", text)
    if span is not None:
        unit = {"m": "minutes=1", "h": "hours=1", "d": "days=1", "w": "weeks=1", "y": "days=365"}[span[2]]
        name, _, size = unit.partition("=")
        try:
            return at + int(span[1]) * timedelta(**{name: int(size)})
        except OverflowError:
            raise BadInputError(
                f"--expires is {text!r}, which is too far; leave it out for never", field="--expires"
            ) from None
    found = parse_instant("--expires", text, timezone)
    if found <= at:
        raise BadInputError(
            f"--expires is {text!r}, which is over; give a later date, or a span such as 90d", field="--expires"
        )
    return found


def _json(token: Token) -> dict[str, Any]:
    from warehouse.clock import now

    return {
        "id": token.token_id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "workflowIds": None if token.workflow_ids is None else sorted(token.workflow_ids),
        "state": _state(token, now()),
        "createdAt": token.created_at,
        "expiresAt": token.expires_at,
        "revokedAt": token.revoked_at,
        "lastUsedAt": token.last_used_at,
    }


def _state(token: Token, at: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "live" if token.lives(at) else "expired"


def _table(tokens: list[Token], at: datetime, *, hidden: int) -> Any:
    from api.cli.output import Column, Table

    rows = [
        (
            token.token_id,
            token.name,
            " ".join(sorted(token.scopes)),
            "all" if token.workflow_ids is None else " ".join(sorted(token.workflow_ids)),
            _state(token, at),
            _at(token.expires_at) if token.expires_at else "never",
            _at(token.last_used_at) if token.last_used_at else "never",
        )
        for token in tokens
    ]
    titles = ("id", "name", "scopes", "workflows", "state", "expires", "last used")
    notes = (f"{hidden} revoked or expired; --all shows them",) if hidden else ()
    return Table(
        columns=tuple(Column(title, wide=title in ("scopes", "workflows")) for title in titles), rows=rows, notes=notes
    )


def _at(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")
