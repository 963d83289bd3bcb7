"""The sending of a serving process: a thread that hands the messages of alerts to the mail server."""

from __future__ import annotations

import logging
from typing import Final

from api.background import Background
from reports.delivery.letter import Letter
from reports.delivery.smtp import MailError, SmtpServer, send
from warehouse.hot.alert_mails import Mail, mail_failed, mail_sent, mails_due, take_mails
from warehouse.hot.database import Database

LOOK_EVERY_S: Final = 2.0
_AT_A_TIME: Final = 5
"""Few: what is taken and not sent in time (HELD_S) may be sent by another process too."""
_LOG: Final = logging.getLogger("runlake.alerts")


class Mailer:
    """Sends what is due. Any number of processes may run one: a message is one's for a while."""

    def __init__(self, database: Database, server: SmtpServer, *, every_s: float = LOOK_EVERY_S) -> None:
        self._database, self._server = database, server
        self._thread = Background("alert-mails", self.send_due, every_s, failing="messages are not sent", log=_LOG)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the message that is under way (some seconds, with a server that hangs)."""
        self._thread.stop()

    def send_due(self) -> int:
        """Send all that is due; how many were taken by the server."""
        sent = 0
        while not self._thread.stopping and mails_due(self._database):
            mails = take_mails(self._database, _AT_A_TIME)
            if not mails:
                break
            sent += sum(self._send(mail) for mail in mails)
        return sent

    def _send(self, mail: Mail) -> bool:
        try:
            send(self._server, mail.mail_id, mail.address, _letter(mail))
        except MailError as error:
            _LOG.warning("message %s, attempt %d: %s", mail.mail_id, mail.attempts, error)
            mail_failed(self._database, mail, str(error), for_good=error.for_good)
            return False
        mail_sent(self._database, mail)
        return True


def _letter(mail: Mail) -> Letter:
    return Letter(mail.message["subject"], mail.message["text"], mail.message["html"])
