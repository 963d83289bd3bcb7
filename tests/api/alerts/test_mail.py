"""Messages about alerts, to real mail servers: one that takes them, one that refuses, one that is down."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from api.alerts.mailer import Mailer
from reports.delivery.smtp import SmtpServer, smtp_server
from tests.api.alerts.rules import Scene, at, rule, scene_in
from warehouse.hot.alert_mails import BACKOFF_S, Mail, mail_failed, take_mails
from warehouse.hot.alert_state import MailState
from warehouse.hot.alert_tables import alert_mails
from warehouse.hot.alerts import add_alert, history
from warehouse.hot.database import Database


class Box:
    """What a mail server does with messages."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.answer = answer
        self.taken: list[EmailMessage] = []
        self.recipients: list[str] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.answer.startswith("250") or address.startswith("ok@"):
            envelope.rcpt_tos.append(address)
            return "250 OK"
        return self.answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.taken.append(letter)
        self.recipients += envelope.rcpt_tos
        return "250 taken"


@contextmanager
def mail_server(box: Box, **options: Any) -> Iterator[int]:
    """A mail server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    controller = Controller(box, **{"hostname": "127.0.0.1", "port": port, **options})
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def server_at(port: int, **fields: Any) -> SmtpServer:
    return SmtpServer(**{"host": "127.0.0.1", "port": port, "tls": False, "sender": "runlake@example.org", **fields})


@pytest.fixture
def scene(hot_url: str, tmp_path: Path) -> Iterator[Scene]:
    with scene_in(tmp_path, hot_url) as scene:
        yield scene


def fired(scene: Scene, *addresses: str) -> str:
    """An alert that has just fired, and mails to these; its id."""
    made = add_alert(scene.database, rule("silence", name="Nächtlich", emails=addresses, workflow_id="wf_1"))
    with scene.evaluator(public_url="https://runs.example.org") as evaluator:
        assert evaluator.look_at_all(at(0)) == 1
    return made.alert_id


def mails(scene: Scene, alert_id: str) -> list[MailState]:
    (firing,), _ = history(scene.database, alert_id, 10)
    return list(firing.mails)


def make_due(database: Database) -> None:
    """As if the back-off had passed."""
    with database.write() as connection:
        before = database.now(connection) - timedelta(seconds=1)
        connection.execute(sa.update(alert_mails).where(alert_mails.c.state == "open").values(due_at=before))


def test_each_address_gets_a_message_with_numbers_rule_and_link(scene: Scene) -> None:
    alert_id = fired(scene, "ops@example.org", "boss@example.org")
    box = Box()
    with mail_server(box) as port:
        assert Mailer(scene.database, server_at(port)).send_due() == 2
        assert Mailer(scene.database, server_at(port)).send_due() == 0
    assert sorted(box.recipients) == ["boss@example.org", "ops@example.org"]
    letter = box.taken[0]
    assert letter["Subject"] == "[runlake] FIRING: Nächtlich"
    assert letter["From"] == "runlake@example.org"
    assert len({one["Message-ID"] for one in box.taken}) == 2
    for kind in ("plain", "html"):
        part = letter.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "no execution in 5 min; workflow wf_1" in text
        assert "https://runs.example.org/v1/executions?filter%5BstartDate%5D=2026-03-01" in text
    assert [(one.state, one.attempts, one.failure) for one in mails(scene, alert_id)] == [("sent", 1, None)] * 2


def test_a_server_that_is_down_is_tried_again_until_it_is_up(scene: Scene) -> None:
    alert_id = fired(scene, "ops@example.org")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    mailer = Mailer(scene.database, server_at(port))
    assert mailer.send_due() == 0
    (one,) = mails(scene, alert_id)
    assert (one.state, one.attempts) == ("open", 1)
    assert one.failure is not None
    assert "Connection refused" in one.failure
    assert mailer.send_due() == 0  # not before the back-off has passed
    assert mails(scene, alert_id)[0].attempts == 1
    box = Box()
    with mail_server(box) as up:
        make_due(scene.database)
        assert Mailer(scene.database, server_at(up)).send_due() == 1
    assert [(one.state, one.attempts) for one in mails(scene, alert_id)] == [("sent", 2)]


@pytest.mark.parametrize(("answer", "state"), [("550 no such user", "failed"), ("450 later", "open")])
def test_a_refusal_for_good_is_final_and_touches_no_other_message(scene: Scene, answer: str, state: str) -> None:
    alert_id = fired(scene, "gone@example.org", "ok@example.org")
    box = Box(answer)
    with mail_server(box) as port:
        assert Mailer(scene.database, server_at(port)).send_due() == 1
    found = {one.address: one for one in mails(scene, alert_id)}
    assert found["ok@example.org"].state == "sent"
    gone = found["gone@example.org"]
    assert (gone.state, gone.failure) == (state, f"refused: {answer}")


def test_a_message_is_given_up_after_a_day_of_attempts(scene: Scene) -> None:
    alert_id = fired(scene, "ops@example.org")
    for attempt in range(1, len(BACKOFF_S) + 2):
        make_due(scene.database)
        (mail,) = take_mails(scene.database)
        assert mail.attempts == attempt
        mail_failed(scene.database, mail, "down", for_good=False)
    assert mails(scene, alert_id)[0].state == "failed"
    make_due(scene.database)
    assert take_mails(scene.database) == []
    assert 85_000 < sum(BACKOFF_S) < 90_000


def test_who_dies_with_a_message_in_hand_leaves_it_to_the_next(scene: Scene) -> None:
    fired(scene, "ops@example.org")
    (taken,) = take_mails(scene.database)
    assert take_mails(scene.database) == []  # one process has it
    make_due(scene.database)  # the time it was held for has passed
    (again,) = take_mails(scene.database)
    assert again == Mail(taken.mail_id, taken.address, taken.message, 2)


def test_a_password_is_used_and_never_told(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    alert_id = fired(scene, "ops@example.org")
    seen = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss word")

    box = Box()
    with mail_server(box, authenticator=check, auth_require_tls=False) as port:
        wrong = smtp_server(f"smtp://me:not-the-one@127.0.0.1:{port}", "runlake@example.org")
        assert Mailer(scene.database, wrong).send_due() == 0
        make_due(scene.database)
        right = smtp_server(f"smtp://me:p%40ss%20word@127.0.0.1:{port}", "runlake@example.org")
        assert Mailer(scene.database, right).send_due() == 1
    assert seen[-1] == (b"me", b"p@ss word")
    said = caplog.text + repr((wrong, right)) + json.dumps([one.failure for one in mails(scene, alert_id)])
    assert "not-the-one" not in said
    assert "p@ss word" not in said


def test_a_resolved_alert_is_mailed_too_but_a_new_error_once(scene: Scene) -> None:
    from api.alerts.message import mails_of

    told = {"numbers": {"value": 0.0, "count": 0, "until": "x"}, "url": "/v1/executions"}
    for kind, count in (("failures", 1), ("newError", 0)):
        one = rule(kind, emails=("ops@example.org", "ops@example.org"))  # type: ignore[arg-type]
        assert len(mails_of(one, "resolved", at(0), told)) == count
        assert len(mails_of(one, "firing", at(0), told)) == 1
