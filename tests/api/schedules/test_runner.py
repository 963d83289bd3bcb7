"""Working schedules off: what is due is made once, delivered to each target once, tried again, skipped, told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from api.schedules.runner import BACKOFF_S
from api.webhooks.addresses import AddressRules
from reports.archive import Archive
from reports.model import ReportModel, from_json
from tests.api.alerts.test_mail import Box, mail_server
from tests.api.schedules.scenes import DUE, FAILED, Scene, later, rule, scene_in
from tests.api.webhooks.receivers import Answer, receiving
from warehouse.hot.lease import Lease
from warehouse.hot.schedule_rule import Run, Schedule
from warehouse.hot.schedule_runs import LEASE_NAME
from warehouse.hot.schedules import add_schedule, find_schedule, pause_schedule, remove_schedule, run_now


@pytest.fixture
def scene(hot_url: str, tmp_path: Path) -> Iterator[Scene]:
    with scene_in(tmp_path, hot_url) as scene:
        yield scene


def test_what_is_due_is_made_and_kept_in_the_archive(scene: Scene) -> None:
    schedule = scene.add(rule())
    assert schedule.next_at == DUE
    with scene.runner(public_url="https://runs.example.org") as runner:
        before = runner.pass_over(later(seconds=-1))
        assert before is not None
        assert (before.begun, before.made) == (0, 0)
        done = runner.pass_over(later(minutes=1))
        assert done is not None
        assert (done.begun, done.made, done.delivered, done.failed) == (1, 1, 1, 0)
        again = runner.pass_over(later(minutes=2))
        assert again is not None
        assert (again.begun, again.delivered) == (0, 0)
    (run,) = scene.runs(schedule)
    assert (run.state, run.cause, run.at, run.missed, run.failure) == ("delivered", "due", DUE, 0, None)
    (kept,) = scene.archive.list(10)
    assert kept.name == run.report
    assert kept.name.endswith("-daily")
    model = from_json(scene.archive.read(kept.name, ".json"))
    assert (model.since, model.until) == (later(hours=-32), later(hours=-8))
    assert sum(point.failures for point in model.points) == FAILED
    assert model.public_url == "https://runs.example.org"
    after = find_schedule(scene.database, "daily")
    assert after is not None
    assert after.next_at == later(days=1)
    assert scene.told() == ["delivered"]
    (event,) = scene.events()
    assert json.loads(event.json)["data"] == {
        "scheduleId": schedule.schedule_id,
        "schedule": "daily",
        "runId": run.run_id,
        "report": run.report,
        "target": "archive",
        "attempts": 1,
    }


def test_what_was_missed_is_made_up_once_for_the_last_instant(scene: Scene) -> None:
    schedule = scene.add(rule(period="7d"))
    with scene.runner() as runner:
        done = runner.pass_over(later(days=3, hours=1))
        assert done is not None
        assert (done.begun, done.made) == (1, 1)
    (run,) = scene.runs(schedule)
    assert (run.at, run.missed) == (later(days=3), 3)
    found = find_schedule(scene.database, schedule.schedule_id)
    assert found is not None
    assert found.next_at == later(days=4)


def test_each_kind_of_target_gets_the_report(scene: Scene) -> None:
    site = scene.folder / "site"
    box = Box()
    with receiving() as hook, receiving() as chat, mail_server(box) as port:
        targets = (
            "archive",
            str(site),
            "mailto:a@example.org,b@example.org",
            f"webhook:{hook.url}",
            f"slack:{chat.url}",
        )
        schedule = scene.add(rule("Daily news", *targets))
        with scene.runner(port, public_url="https://runs.example.org") as runner:
            done = runner.pass_over(later(minutes=1))
        assert done is not None
        assert (done.delivered, done.failed) == (6, 0)
        (run,) = scene.runs(schedule)
        (posted,) = hook.requests
        (said,) = chat.requests
    assert run.state == "delivered"
    assert {one.state for one in run.deliveries} == {"delivered"}
    assert [one.name for one in Archive.open(str(site)).list(9)] == [one.name for one in scene.archive.list(9)]
    assert sorted(box.recipients) == ["a@example.org", "b@example.org"]
    assert len({letter["Message-ID"] for letter in box.taken}) == 2
    target = next(one.target for one in run.deliveries if one.target.kind == "webhook")
    assert target.secret is not None
    Verifier(target.secret).verify(posted.body, posted.headers)
    body = posted.json
    url = f"https://runs.example.org/reports/{run.report}"
    assert (body["event"], body["data"]["report"], body["data"]["url"]) == ("report", run.report, url)
    assert body["data"]["metrics"]["failures"]["value"] == FAILED
    assert posted.id == next(one.delivery_id for one in run.deliveries if one.target.kind == "webhook")
    assert "webhook-signature" not in said.headers
    assert said.json["blocks"][0]["type"] == "header"
    assert url in json.dumps(said.json)
    assert len(scene.told()) == 6


def test_a_failed_delivery_is_tried_again_and_nobody_else_gets_it_twice(scene: Scene) -> None:
    with receiving(Answer(500), Answer(503), Answer(204)) as chat, receiving() as hook:
        schedule = scene.add(rule("daily", "archive", f"webhook:{hook.url}", f"slack:{chat.url}"))
        with scene.runner() as runner:
            first = runner.pass_over(later(minutes=1))
            assert first is not None
            assert (first.delivered, first.failed) == (2, 1)
            assert scene.states(schedule) == ["delivered", "delivered", "open"]
            assert scene.runs(schedule)[0].deliveries[2].failure == "it answered 500"
            early = runner.pass_over(later(minutes=1, seconds=BACKOFF_S[0] - 1))
            assert early is not None
            assert (early.delivered, early.failed) == (0, 0)
            second = runner.pass_over(later(minutes=1, seconds=BACKOFF_S[0]))
            assert second is not None
            assert (second.delivered, second.failed) == (0, 1)
            third = runner.pass_over(later(minutes=1, seconds=BACKOFF_S[0] + BACKOFF_S[1]))
            assert third is not None
            assert (third.delivered, third.failed) == (1, 0)
        assert (len(chat.requests), len(hook.requests)) == (3, 1)
    (run,) = scene.runs(schedule)
    assert (run.state, [one.attempts for one in run.deliveries]) == ("delivered", [1, 1, 3])
    assert scene.told() == ["delivered", "delivered", "failed", "delivered"]
    assert [json.loads(one.json)["data"].get("final") for one in scene.events()] == [None, None, False, None]


def test_what_nobody_takes_is_given_up_after_a_day_and_told(scene: Scene) -> None:
    with receiving(Answer(500)) as chat:
        schedule = scene.add(rule("daily", f"slack:{chat.url}"))
        pause_schedule(scene.database, schedule, paused=True, next_at=None)
        assert run_now(scene.database, schedule, DUE) is not None
        at = DUE
        with scene.runner() as runner:
            for delay_s in (0, *BACKOFF_S):
                at += timedelta(seconds=delay_s)
                done = runner.pass_over(at)
                assert done is not None
                assert done.failed == 1
            assert runner.pass_over(at + timedelta(days=9)) is not None
        assert len(chat.requests) == len(BACKOFF_S) + 1
    assert 80_000 < sum(BACKOFF_S) < 90_000
    (run,) = scene.runs(schedule)
    assert (run.state, run.deliveries[0].state) == ("failed", "failed")
    assert [json.loads(one.json)["data"]["final"] for one in scene.events()] == [False, True]


def test_a_receiver_that_is_gone_is_not_asked_again(scene: Scene) -> None:
    with receiving(Answer(410)) as chat:
        schedule = scene.add(rule("daily", "archive", f"slack:{chat.url}"))
        with scene.runner() as runner:
            runner.pass_over(later(minutes=1))
    (run,) = scene.runs(schedule)
    assert (run.state, [one.state for one in run.deliveries]) == ("failed", ["delivered", "failed"])
    assert [json.loads(one.json)["data"].get("final") for one in scene.events()] == [None, True]


def test_retry_after_is_heeded(scene: Scene) -> None:
    with receiving(Answer(429, {"Retry-After": "4000"})) as chat:
        schedule = scene.add(rule("daily", f"slack:{chat.url}"))
        with scene.runner() as runner:
            runner.pass_over(later(minutes=1))
    assert scene.runs(schedule)[0].deliveries[0].due_at == later(minutes=1, seconds=4000)


@pytest.mark.parametrize(
    ("fields", "at_days", "why"),
    [
        ({"skip_empty": True}, 5, "nothing ran in the period"),
        ({"only_when": "failures>100"}, 0, "the condition 'failures>100' does not hold"),
        ({"only_when": f"failures>={FAILED} and success_rate<90%"}, 0, None),
        ({"skip_empty": True}, 0, None),
        ({}, 5, None),
    ],
)
def test_nothing_is_delivered_when_there_is_nothing_to_say(
    scene: Scene, fields: dict[str, object], at_days: int, why: str | None
) -> None:
    schedule = scene.add(rule(**fields))  # type: ignore[arg-type]
    with scene.runner() as runner:
        done = runner.pass_over(later(days=at_days, minutes=1))
    assert done is not None
    (run,) = scene.runs(schedule)
    assert run.failure == why
    assert (run.state, done.skipped) == (("delivered", 0) if why is None else ("skipped", 1))
    assert len(scene.archive.list(9)) == (why is None)
    assert len(scene.events()) == (why is None)


def test_an_address_in_the_environment_is_looked_up_when_it_is_needed(scene: Scene) -> None:
    with receiving() as chat:
        schedule = scene.add(rule("daily", "slack:env:RUNLAKE_HOOK_TEAM"))
        with scene.runner() as runner:
            runner.pass_over(later(minutes=1))
        assert "RUNLAKE_HOOK_TEAM" in str(scene.runs(schedule)[0].deliveries[0].failure)
        scene.environ = {"RUNLAKE_HOOK_TEAM": chat.url}
        with scene.runner() as runner:
            runner.pass_over(later(minutes=5))
        assert len(chat.requests) == 1
    assert scene.states(schedule) == ["delivered"]


def test_secrets_are_neither_logged_nor_kept_in_the_history(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    with receiving(Answer(500, body=b"no SECRET9 here")) as chat:
        schedule = scene.add(rule("daily", f"slack:{chat.url}/SECRET9", f"webhook:{chat.url}/SECRET8"))
        with scene.runner() as runner:
            runner.pass_over(later(minutes=1))
    (run,) = scene.runs(schedule)
    secret = next(one.secret for one in schedule.rule.targets if one.secret)
    told = " ".join(str(one.failure) for one in run.deliveries) + repr(run) + repr(schedule) + caplog.text
    told += json.dumps([json.loads(one.json) for one in scene.events()])
    assert "it answered 500" in told
    for word in ("SECRET9", "SECRET8", secret):
        assert word not in told


def test_a_report_that_cannot_be_made_is_tried_again_and_told(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    schedule = scene.add(rule())
    with scene.runner() as runner:
        whole = runner._house.fork

        def broken(*_: object, **__: object) -> None:
            raise OSError("the disk is gone")

        runner._house.fork = broken  # type: ignore[assignment,method-assign]
        first = runner.pass_over(later(minutes=1))
        assert first is not None
        assert (first.made, first.failed) == (0, 1)
        (run,) = scene.runs(schedule)
        assert (run.state, run.attempts, run.failure) == ("waiting", 1, "a fault (OSError); the log says why")
        assert "the disk is gone" in caplog.text
        runner._house.fork = whole  # type: ignore[method-assign]
        second = runner.pass_over(later(minutes=3))
        assert second is not None
        assert (second.made, second.delivered) == (1, 1)
    assert scene.told() == ["failed", "delivered"]


def test_a_rule_that_became_impossible_is_given_up_at_once(scene: Scene) -> None:
    schedule = scene.add(rule(kind="workflow"))  # as if an older release had taken it: no workflow is named
    with scene.runner() as runner:
        runner.pass_over(later(minutes=1))
    (run,) = scene.runs(schedule)
    assert run.state == "failed"
    assert "about one workflow" in str(run.failure)
    assert [json.loads(one.json)["data"]["final"] for one in scene.events()] == [True]


def test_a_paused_schedule_is_not_due_and_goes_on_without_making_up(scene: Scene) -> None:
    schedule = scene.add(rule())
    paused = pause_schedule(scene.database, schedule, paused=True, next_at=None)
    assert paused is not None
    with scene.runner() as runner:
        runner.pass_over(later(days=3))
        assert scene.runs(schedule) == []
        pause_schedule(scene.database, paused, paused=False, next_at=later(days=4))
        runner.pass_over(later(days=3, hours=1))
        assert scene.runs(schedule) == []
        runner.pass_over(later(days=4, hours=1))
    assert [run.at for run in scene.runs(schedule)] == [later(days=4)]


def test_one_process_at_a_time(scene: Scene) -> None:
    schedule = scene.add(rule())
    other = Lease(scene.database, LEASE_NAME)
    assert other.acquire()
    with scene.runner() as runner:
        assert runner.pass_over(later(minutes=1)) is None
        assert scene.runs(schedule) == []
        other.release()
        done = runner.pass_over(later(minutes=1))
    assert done is not None
    assert done.delivered == 1


def test_a_schedule_that_is_removed_meanwhile_ends_quietly(scene: Scene) -> None:
    removed, kept = scene.add(rule("a")), scene.add(rule("b"))
    with scene.runner() as runner:
        original = runner._model

        def model(schedule: Schedule, run: Run, at: datetime) -> ReportModel:
            if schedule.rule.name == "a":
                remove_schedule(scene.database, removed.schedule_id)
            return original(schedule, run, at)

        runner._model = model  # type: ignore[method-assign]
        done = runner.pass_over(later(minutes=1))
    assert done is not None
    assert done.delivered == 1
    assert [one.name.partition("-")[2] for one in scene.archive.list(9)] == ["b"]
    assert [run.state for run in scene.runs(kept)] == ["delivered"]
    assert scene.runs(removed) == []


def test_the_archive_and_sites_keep_what_the_settings_say(scene: Scene) -> None:
    site = str(scene.folder / "site")
    scene.add(rule("daily", "archive", site))
    with scene.runner(keep_count=2) as runner:
        for day in range(4):
            runner.pass_over(later(days=day, minutes=1))
    for archive in (scene.archive, Archive.open(site)):
        assert len(archive.list(9)) == 2


def test_a_run_by_hand_goes_by_its_own_instant_and_leaves_the_rule_alone(scene: Scene) -> None:
    schedule = scene.add(rule())
    run = run_now(scene.database, schedule, later(hours=-2))
    assert run is not None
    with scene.runner() as runner:
        done = runner.pass_over(later(hours=-2), run_id=run.run_id)
    assert done is not None
    assert (done.begun, done.made) == (0, 1)
    found = find_schedule(scene.database, "daily")
    assert found is not None
    assert found.next_at == DUE
    (ran,) = scene.runs(schedule)
    assert (ran.cause, ran.at, ran.state) == ("now", later(hours=-2), "delivered")
    assert run_now(scene.database, replace(schedule, schedule_id="sc_gone"), DUE) is None


def test_posts_obey_the_address_rules_of_webhooks(scene: Scene) -> None:
    with receiving() as chat:
        schedule = scene.add(rule("daily", f"slack:{chat.url}", f"webhook:{chat.url}"))
        with scene.runner(rules=AddressRules(http=True)) as runner:
            runner.pass_over(later(minutes=1))
        assert chat.requests == []
    for one in scene.runs(schedule)[0].deliveries:
        assert "is loopback; no webhook may lead there" in str(one.failure)


def test_a_place_that_cannot_be_written_is_tried_again(scene: Scene) -> None:
    site = scene.folder / "site"
    site.write_text("a file where a folder should be")
    schedule = scene.add(rule("daily", "archive", str(site)))
    with scene.runner() as runner:
        runner.pass_over(later(minutes=1))
        assert scene.states(schedule) == ["delivered", "open"]
        assert "it cannot be written there" in str(scene.runs(schedule)[0].deliveries[1].failure)
        site.unlink()
        runner.pass_over(later(minutes=5))
    assert scene.states(schedule) == ["delivered", "delivered"]


def test_a_cron_rule_that_cannot_be_read_does_not_keep_the_others_waiting(scene: Scene) -> None:
    add_schedule(scene.database, rule("a", cron="of another release"), DUE)
    kept = scene.add(rule("b"))
    with scene.runner() as runner:
        done = runner.pass_over(later(minutes=1))
        assert done is not None
        assert done.begun == 2
        assert runner.pass_over(later(minutes=2)) is not None
    assert [run.state for run in scene.runs(kept)] == ["delivered"]
    broken = find_schedule(scene.database, "a")
    assert broken is not None
    assert broken.next_at is None
