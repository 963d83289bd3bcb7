"""What the routes and the command do with schedules, in their callers' words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from api.config import Config
from api.schedules.due import check_cron
from api.schedules.requests import request_of
from api.webhooks.addresses import AddressRefusedError, AddressRules, target_of
from reports.archive import Archive
from reports.condition import parse_condition
from reports.delivery.targets import parse_targets, shown
from warehouse.errors import BadInputError
from warehouse.hot.schedule_rule import DeliveryRecord, Run, Schedule, ScheduleRule, Target
from warehouse.hot.webhooks import new_secret

FIELDS: Final[Mapping[str, str]] = {
    "name": "name",
    "cron": "cron",
    "timezone": "timezone",
    "kind": "kind",
    "period": "period",
    "workflowId": "workflow_ids",
    "fingerprint": "fingerprint",
    "granularity": "granularity",
    "title": "title",
    "skipEmpty": "skip_empty",
    "onlyWhen": "only_when",
}
"""Words of the API and the fields of ScheduleRule."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a schedule may do here."""

    mail: bool
    """A mail server is set."""
    rules: AddressRules
    folders: bool
    """Reports may go to folders and buckets: who may write files of the server's."""


def allowed_by(config: Config, *, folders: bool) -> Allowed:
    """What the settings allow."""
    rules = AddressRules(private=config.webhook_private, http=config.webhook_http)
    return Allowed(config.smtp_url is not None, rules, folders)


def rule_of(words: Mapping[str, Any], deliver: Collection[str], at: datetime, allowed: Allowed) -> ScheduleRule:
    """A rule from the words of a body: what is None or missing is the default. Webhooks get a secret of their own.

    Everything is checked that can be checked now: cron rule, period, what the kind wants, condition, targets. Raises
    BadInputError.
    """
    fields: dict[str, Any] = {FIELDS[word]: value for word, value in words.items() if value is not None}
    fields["workflow_ids"] = tuple(dict.fromkeys(fields.get("workflow_ids", ())))
    targets = parse_targets(list(deliver) or ["archive"])
    for target in targets:
        _check_target(target, allowed)
    rule = ScheduleRule(**fields, targets=tuple(_with_secret(target) for target in targets))
    check_cron(rule.cron, rule.timezone)
    request_of(rule, at)
    if rule.only_when is not None:
        parse_condition(rule.only_when)
    return rule


def _check_target(target: Target, allowed: Allowed) -> None:
    if target.kind == "mail" and not allowed.mail:
        raise BadInputError(
            "deliver names an e-mail address, but the setting smtp_url says no mail server", field="deliver"
        )
    if target.kind == "folder":
        if not allowed.folders:
            raise BadInputError(
                "deliver names a folder or bucket; only a token with the scope admin that is bound to no workflow may "
                "have the server write there, or `runlake schedule add`",
                field="deliver",
            )
        if not target.address.startswith("/") and "://" not in target.address:
            raise BadInputError(f"deliver: the folder {target.address[:100]!r} is not absolute", field="deliver")
        Archive.open(target.address)
    if target.kind in ("webhook", "slack") and not target.address.startswith("env:"):
        try:
            target_of(target.address, allowed.rules)
        except AddressRefusedError as error:
            raise BadInputError(f"deliver {shown(target)}: {error}", field="deliver") from None


def _with_secret(target: Target) -> Target:
    return replace(target, secret=new_secret()) if target.kind == "webhook" else target


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    """ScheduleModel: without secrets."""
    rule = schedule.rule
    fields = {word: getattr(rule, name) for word, name in FIELDS.items()}
    return {
        "id": schedule.schedule_id,
        **fields,
        "workflowId": list(rule.workflow_ids),
        "deliver": [shown(target) for target in rule.targets],
        "status": "paused" if schedule.paused else "active",
        "nextAt": schedule.next_at,
        "createdAt": schedule.created_at,
        "updatedAt": schedule.updated_at,
    }


def secrets_json(schedule: Schedule) -> dict[str, str]:
    """The keys of its webhooks' signatures, by target; shown once, when it is made."""
    return {shown(target): target.secret for target in schedule.rule.targets if target.secret is not None}


def run_json(run: Run, *, places: bool) -> dict[str, Any]:
    """RunModel. `places`: with where files were written, for who may know the server's folders."""
    return {
        "id": run.run_id,
        "scheduleId": run.schedule_id,
        "cause": run.cause,
        "at": run.at,
        "missed": run.missed,
        "status": run.state,
        "attempts": run.attempts,
        "nextAttemptAt": run.due_at if run.state == "waiting" else None,
        "createdAt": run.created_at,
        "settledAt": run.settled_at,
        "report": run.report,
        "failure": run.failure,
        "deliveries": [_delivery_json(one, places=places) for one in run.deliveries],
    }


def _delivery_json(one: DeliveryRecord, *, places: bool) -> dict[str, Any]:
    found = {
        "id": one.delivery_id,
        "target": shown(one.target),
        "status": one.state,
        "attempts": one.attempts,
        "nextAttemptAt": one.due_at if one.state == "open" else None,
        "settledAt": one.settled_at,
        "failure": one.failure,
    }
    return {**found, "place": one.place} if places else found
