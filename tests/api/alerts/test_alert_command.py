"""`runlake alert`: add, list, test, remove, on the hot store directly."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.api.alerts.rules import AT
from tests.api.command import run
from tests.api.records import load_records, record


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Ten executions, one a minute; the last five failed."""
    load_records(
        tmp_path,
        (
            record(number, AT + timedelta(minutes=number), status="failed" if number > 4 else "success")
            for number in range(10)
        ),
    )
    return tmp_path


@pytest.mark.parametrize("verb", ["add", "list", "test", "remove"])
def test_every_help_has_an_example(verb: str, tmp_path: Path) -> None:
    done = run(tmp_path, "alert", verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"^ +.*runlake alert {verb}\b", done.stdout, re.MULTILINE)


def test_made_listed_tested_removed(lake: Path) -> None:
    assert "there is no alert yet" in run(lake, "alert", "list").stderr
    made = run(lake, "alert", "add", "pay", "failures", "3", "--window", "5m", "--cooldown", "1h", "--workflow", "wf_1")
    assert made.returncode == 0, made.stderr
    assert "pay: at least 3 failures in 5 min; workflow wf_1" in made.stdout
    listed = run(lake, "alert", "list")
    assert re.search(r"^al_\w+ +pay +at least 3 failures.*pending +never +none", listed.stdout, re.MULTILINE)
    now = run(lake, "alert", "test", "pay")
    assert now.returncode == 0, now.stderr
    assert "nothing changes: 0 executions are fewer than the minimum count 1" in now.stdout
    assert "/v1/executions?filter" in now.stdout
    removed = run(lake, "alert", "remove", "pay")
    assert re.fullmatch(r"alert 'pay' \(al_\w+\) is removed\n", removed.stdout)
    assert run(lake, "alert", "list").stdout.startswith("there is no alert;")


def test_a_replay_says_when_it_would_have_fired(lake: Path) -> None:
    added = run(lake, "alert", "add", "pay", "failures", "3", "--window", "5m", "--json")
    alert_id = json.loads(added.stdout)["id"]
    asked = ("alert", "test", alert_id, "--since", "2026-03-01T11:00:00Z", "--until", "2026-03-01T13:00:00Z")
    replay = json.loads(run(lake, *asked, "--json").stdout)["replay"]
    (firing,) = replay["firings"]
    # The third failure begins at 12:07; the look at 12:12:30 has it no more; five minutes below resolve it.
    assert (firing["firedAt"], firing["fired"]["numbers"]["count"]) == ("2026-03-01T12:07:30Z", 3)
    assert firing["resolvedAt"] == "2026-03-01T12:17:30Z"
    assert (replay["stepSeconds"], replay["looks"]) == (30, 240)
    shown = run(lake, *asked).stdout
    assert re.search(r"^2026-03-01 12:07:30 UTC +2026-03-01 12:17:30 UTC +3 +3 +/v1/executions", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x", "failures"), "failures wants a threshold"),
        (("x", "nothing", "1"), "failureRate, failures, p95"),
        (("x", "silence", "--window", "soon"), "a span such as 90s"),
        (("x", "silence", "--window", "10s"), "60 to 2678400 seconds"),
        (("x", "silence", "--email", "ops@example.org"), "smtp_url"),
    ],
)
def test_what_makes_no_sense_is_refused(lake: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(lake, "alert", "add", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_an_address_is_taken_where_there_is_a_mail_server_and_its_password_is_never_shown(lake: Path) -> None:
    url = {"RUNLAKE_SMTP_URL": "smtp://me:hush@mail.example.org"}
    done = run(lake, "alert", "add", "x", "silence", "--email", "a@example.org,b@example.org", "--json", environ=url)
    assert json.loads(done.stdout)["emails"] == ["a@example.org", "b@example.org"]
    wrong = run(lake, "alert", "list", environ={"RUNLAKE_SMTP_URL": "http://me:hush@mail.example.org"})
    assert wrong.returncode == 2
    assert "smtp://user:password@" in wrong.stderr
    assert "hush" not in wrong.stderr + done.stderr + done.stdout


def test_an_alert_that_is_not_there(lake: Path) -> None:
    run(lake, "alert", "add", "x", "silence")
    for verb in ("test", "remove"):
        done = run(lake, "alert", verb, "y")
        assert done.returncode == 2
        assert "there is no alert with the id or name 'y'" in done.stderr
