"""The messages about alerts that wait to be sent: each is sent at least once, or given up with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from warehouse.hot.alert_tables import alert_mails
from warehouse.hot.database import Database

BACKOFF_S: Final = (30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800)
"""How long after each failed attempt the next one comes; after as many it is given up (a day)."""
HELD_S: Final = 180.0
"""How long whoever took a message has for it; when that process dies it is sent (perhaps again) after this."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that is this process' to send now."""

    mail_id: str
    address: str
    message: Mapping[str, str]
    """subject, text, html."""
    attempts: int
    """This one included."""


def take_mails(database: Database, limit: int = 10) -> list[Mail]:
    """Messages that are due, oldest first, for this caller alone for HELD_S."""
    with database.write() as connection:
        now = database.now(connection)
        due = (
            sa.select(alert_mails)
            .where(alert_mails.c.state == "open", alert_mails.c.due_at <= now)
            .order_by(alert_mails.c.due_at, alert_mails.c.mail_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(due).mappings().all()
        until = now + timedelta(seconds=HELD_S)
        for row in rows:
            mine = alert_mails.c.mail_id == row["mail_id"]
            connection.execute(sa.update(alert_mails).where(mine).values(due_at=until, attempts=row["attempts"] + 1))
    return [Mail(row["mail_id"], row["address"], row["message"], row["attempts"] + 1) for row in rows]


def mails_due(database: Database) -> bool:
    """Is there a message to send? Writes nothing."""
    with database.read() as connection:
        now = database.now(connection)
        due = sa.select(alert_mails.c.mail_id).where(alert_mails.c.state == "open", alert_mails.c.due_at <= now)
        return connection.execute(due.limit(1)).first() is not None


def mail_sent(database: Database, mail: Mail) -> None:
    """The server has taken it."""
    _settle(database, mail, "sent", None)


def mail_failed(database: Database, mail: Mail, failure: str, *, for_good: bool) -> None:
    """It was not taken: tried again later, unless that is for good or it was tried often enough."""
    if for_good or mail.attempts > len(BACKOFF_S):
        _settle(database, mail, "failed", failure)
        return
    with database.write() as connection:
        due_at = database.now(connection) + timedelta(seconds=BACKOFF_S[mail.attempts - 1])
        connection.execute(_mine(mail).values(due_at=due_at, failure=failure))


def _settle(database: Database, mail: Mail, state: str, failure: str | None) -> None:
    with database.write() as connection:
        connection.execute(_mine(mail).values(state=state, settled_at=database.now(connection), failure=failure))


def _mine(mail: Mail) -> sa.Update:
    """Also when another took it over meanwhile: what this attempt came to is true all the same."""
    return sa.update(alert_mails).where(alert_mails.c.mail_id == mail.mail_id, alert_mails.c.state == "open")
