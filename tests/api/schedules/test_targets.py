"""Where reports go, in words: what is understood, what is refused, what is shown again; and rules made of words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.schedules.manage import Allowed, rule_of, schedule_json, secrets_json
from api.webhooks.addresses import AddressRules
from reports.delivery.targets import parse_targets, shown, url_of
from warehouse.errors import BadInputError
from warehouse.hot.schedule_rule import Schedule, ScheduleRule, Target

AT = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
OPEN = Allowed(mail=True, rules=AddressRules(), folders=True)
WORDS: dict[str, Any] = {"name": "weekly", "cron": "0 8 * * MON", "timezone": "Europe/Berlin", "period": "last-week"}
SLACK = "slack:https://hooks.slack.com/services/T000/B000/verysecret"


def test_words_become_targets_files_first() -> None:
    found = parse_targets(
        [
            SLACK,
            "mailto:b@x.org, a@x.org",
            "webhook:https://h.example.com/x",
            "s3://bucket/reports",
            "archive",
            "archive",
        ]
    )
    assert [one.kind for one in found] == ["archive", "folder", "mail", "mail", "webhook", "slack"]
    assert [one.address for one in found[1:4]] == ["s3://bucket/reports", "b@x.org", "a@x.org"]
    assert parse_targets(["/srv/reports"])[0] == Target("folder", "/srv/reports")
    assert parse_targets(["slack:env:RUNLAKE_HOOK_OPS"])[0].address == "env:RUNLAKE_HOOK_OPS"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("reports", "is no such word, and a folder is written with a slash"),
        ("mailto:", "'' is no e-mail address"),
        ("mailto:a@x.org,b", "'b' is no e-mail address"),
        ("mailto:a@x.org\nBcc: c@x.org", "cannot be printed"),
        ("https://hooks.slack.com/x", "write webhook: or slack: before it"),
        ("slack:hooks.slack.com/x", "begins with https://"),
        ("slack:env:HOME", "begins with RUNLAKE_HOOK_"),
        ("webhook:env:RUNLAKE_SMTP_URL", "begins with RUNLAKE_HOOK_"),
        ("ftp://x/y", "ftp:// is not known"),
        ("s3://KEY:verysecret@bucket/x", "key does not belong into its address"),
        ("x" * 3000, "too long"),
    ],
)
def test_what_is_no_target_is_refused_without_saying_a_secret(text: str, why: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_targets([text])
    assert why in str(refused.value)
    assert "verysecret" not in str(refused.value)
    assert refused.value.field == "deliver"


def test_what_may_hold_a_secret_is_shown_as_far_as_its_host() -> None:
    texts = [SLACK, "webhook:https://h.example.com/x?key=1", "slack:env:RUNLAKE_HOOK_OPS", "mailto:a@x.org", "/srv/r"]
    assert {shown(target) for target in parse_targets(texts)} == {
        "slack:https://hooks.slack.com/…",
        "webhook:https://h.example.com/…",
        "slack:env:RUNLAKE_HOOK_OPS",
        "mailto:a@x.org",
        "/srv/r",
    }
    assert "verysecret" not in repr(parse_targets(texts))


def test_an_address_in_the_environment_is_found_there() -> None:
    target = Target("slack", "env:RUNLAKE_HOOK_OPS")
    assert url_of(target, {"RUNLAKE_HOOK_OPS": " https://x.example.com/y\n"}) == "https://x.example.com/y"
    with pytest.raises(BadInputError, match="has no RUNLAKE_HOOK_OPS"):
        url_of(target, {})


def test_a_rule_of_words_signs_its_webhooks_and_shows_nothing_twice() -> None:
    rule = rule_of(
        {**WORDS, "skipEmpty": True, "onlyWhen": "failures>1"}, [SLACK, "webhook:https://h.example.com/x"], AT, OPEN
    )
    schedule = Schedule("sc_1", rule, False, 1, AT, AT, None)
    told = schedule_json(schedule)
    assert told["deliver"] == ["webhook:https://h.example.com/…", "slack:https://hooks.slack.com/…"]
    (secret,) = secrets_json(schedule).values()
    assert secret.startswith("whsec_")
    assert "verysecret" not in repr(told) + repr(schedule)
    assert secret not in repr(told) + repr(schedule)
    assert ScheduleRule.from_json("weekly", rule.to_json()) == rule
    assert rule_of(WORDS, [], AT, OPEN).targets == (Target("archive"),)


@pytest.mark.parametrize(
    ("words", "deliver", "allowed", "field", "why"),
    [
        ({"cron": "0 8 * *"}, [], OPEN, "cron", "five fields"),
        ({"timezone": "Berlin"}, [], OPEN, "timezone", "unknown timezone"),
        ({"period": "7 days"}, [], OPEN, "period", "unknown period"),
        ({"kind": "summary"}, [], OPEN, "kind", "unknown kind"),
        ({"kind": "workflow"}, [], OPEN, "workflow", "one workflow"),
        ({"kind": "error"}, [], OPEN, "fingerprint", "fingerprint"),
        ({"granularity": "fortnight"}, [], OPEN, "granularity", "fortnight"),
        ({"onlyWhen": "failures"}, [], OPEN, "onlyWhen", "no comparison"),
        ({"name": " "}, [], OPEN, "name", "1 to 100"),
        ({"name": "x" * 101}, [], OPEN, "name", "1 to 100"),
        ({}, ["mailto:a@x.org"], Allowed(False, AddressRules(), True), "deliver", "smtp_url"),
        ({}, ["/srv/x"], Allowed(True, AddressRules(), False), "deliver", "scope admin"),
        ({}, ["./x"], OPEN, "deliver", "not absolute"),
        ({}, ["webhook:http://h.example.com/"], OPEN, "deliver", "webhook_http"),
        ({}, ["slack:https://user:pw@h.example.com/"], OPEN, "deliver", "without user, password"),
        ({}, [f"mailto:a{n}@x.org" for n in range(21)], OPEN, "deliver", "at most 20"),
    ],
)
def test_what_does_not_go_together_is_refused_when_it_is_made(
    words: dict[str, Any], deliver: list[str], allowed: Allowed, field: str, why: str
) -> None:
    with pytest.raises(BadInputError, match=why) as refused:
        rule_of({**WORDS, **words}, deliver, AT, allowed)
    assert refused.value.field == field
    assert "pw@" not in str(refused.value)
