"""`runlake schedule …` as a user runs it: made, listed, run, its history; and as cron does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.archive import Archive
from tests.api.alerts.test_mail import Box, mail_server
from tests.api.command import Done, run
from tests.api.webhooks.receivers import Answer, receiving
from warehouse.hot.database import Database
from warehouse.hot.lease import Lease
from warehouse.hot.schedule_runs import LEASE_NAME
from warehouse.lake import Lake

LOOPBACK = {"RUNLAKE_WEBHOOK_PRIVATE": "true", "RUNLAKE_WEBHOOK_HTTP": "true"}


class Here:
    """A folder with an empty lake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = dict(LOOPBACK)
        Lake.open(folder / "lake", create=True).close()

    def __call__(self, *arguments: str, status: int = 0) -> Done:
        done = run(self.folder, "schedule", *arguments, environ=self.environ)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status).stdout)

    @property
    def archive(self) -> Archive:
        return Archive.open(str(self.folder / "lake" / "reports"))


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_from_making_to_removing(here: Here) -> None:
    assert "schedule add" in here("list", status=3).stderr
    box = Box()
    with mail_server(box) as port:
        here.environ["RUNLAKE_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
        made = here(
            *("add", "weekly", "--cron", "0 8 * * MON", "--timezone", "Europe/Berlin", "--period", "last-week"),
            *("--deliver", "archive", "--deliver", "./site", "--deliver", "mailto:a@example.org"),
        )
        assert "weekly: next due" in made.stdout
        listed = here("list").stdout
        assert "0 8 * * MON Europe/Berlin" in listed
        assert str(here.folder / "site") in listed
        ran = here("run-now", "weekly").stdout
        assert ran.startswith("delivered: ")
        assert box.recipients == ["a@example.org"]
    (kept,) = here.archive.list(9)
    assert [one.name for one in Archive.open(str(here.folder / "site")).list(9)] == [kept.name]
    (told,) = here.json("history", "weekly")["runs"]
    assert (told["report"], told["status"], told["cause"]) == (kept.name, "delivered", "now")
    assert told["deliveries"][0]["place"].endswith(f"{kept.name}.html")
    assert kept.name in here("history", "weekly").stdout
    assert "it is paused" in here("pause", "weekly").stdout
    assert here.json("resume", "weekly")["status"] == "active"
    assert "is removed" in here("remove", "weekly").stdout
    assert here.json("list") == {"schedules": [], "total": 0}
    assert "there is no schedule with the id or name 'weekly'" in here("history", "weekly", status=2).stderr


def test_a_secret_is_shown_once(here: Here) -> None:
    made = here.json("add", "x", "--cron", "0 8 * * *", "--deliver", "webhook:https://h.example.com/SECRET")
    (secret,) = made["secrets"].values()
    later = here("list").stdout + json.dumps(here.json("list")) + here("history", "x").stdout
    assert secret not in later
    assert "SECRET" not in later


def test_for_cron_the_exit_status_says_what_failed(here: Here) -> None:
    assert here("run").stdout == "0 due, 0 made, 0 skipped, 0 delivered, 0 failed\n"
    with receiving(Answer(500)) as chat:
        here("add", "x", "--cron", "0 8 * * *", "--deliver", "archive", "--deliver", f"slack:{chat.url}")
        told = here.json("run-now", "x", status=1)
        assert [one["status"] for one in told["deliveries"]] == ["delivered", "open"]
        assert told["deliveries"][1]["failure"] == "it answered 500"
        assert "tried again" in here("history", "x").stdout
    assert here.json("run")["failed"] == 0  # not yet


def test_beside_a_server_that_is_at_it_there_is_nothing_to_do(here: Here) -> None:
    here("add", "x", "--cron", "*/5 * * * *")
    database = Database.open(f"sqlite:///{here.folder / 'lake' / 'state.db'}")
    other = Lease(database, LEASE_NAME)
    assert other.acquire()
    assert "will do this one too" in here("run-now", "x", "--wait-s", "0.3", status=3).stderr
    assert "another process" in here("run").stderr
    other.release()
    database.close()
    assert here.json("run") == {"busy": False, "begun": 0, "made": 1, "skipped": 0, "delivered": 1, "failed": 0}


def test_a_condition_or_an_empty_period_skips(here: Here) -> None:
    here("add", "a", "--cron", "0 8 * * *", "--skip-empty")
    here("add", "b", "--cron", "0 8 * * *", "--only-when", "failures>0")
    assert here("run-now", "a").stdout == "skipped: nothing ran in the period\n"
    assert here("run-now", "b").stdout == "skipped: the condition 'failures>0' does not hold\n"
    assert here.archive.list(9) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--cron", "8:00"), "five fields"),
        (("--cron", "0 8 * * *", "--deliver", "mailto:a@x.org"), "smtp_url"),
        (("--cron", "0 8 * * *", "--only-when", "bad"), "no comparison"),
        (("--cron", "0 8 * * *", "--period", "week"), "last-week"),
    ],
)
def test_what_cannot_be_is_said(here: Here, arguments: tuple[str, ...], why: str) -> None:
    assert why in here("add", "x", *arguments, status=2).stderr
