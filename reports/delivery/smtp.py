"""Sending one letter by SMTP. The URL is a secret: no message of an error here says it."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from reports.delivery.letter import Letter, message_of

TIMEOUT_S: Final = 10.0
"""Of each step of the conversation."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class MailError(Exception):
    """A letter was not taken; the text is safe to show."""

    def __init__(self, text: str, *, for_good: bool = False) -> None:
        super().__init__(text)
        self.for_good = for_good
        """The server says that it will never take it."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where letters go out, from whom."""

    host: str
    port: int
    tls: bool
    """From the first byte on (smtps); else STARTTLS where the server has it."""
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S


def smtp_server(url: str, sender: str) -> SmtpServer:
    """The server of a URL that the settings have checked: smtp://user:password@host:587 or smtps://…"""
    parts = urlsplit(url)
    assert parts.hostname is not None
    tls = parts.scheme == "smtps"
    port = parts.port or (465 if tls else 587)
    user, password = (None if one is None else unquote(one) for one in (parts.username, parts.password))
    return SmtpServer(parts.hostname, port, tls, sender, user, password)


def send(server: SmtpServer, mail_id: str, address: str, letter: Letter) -> None:
    """Hand a letter over for one address. The same `mail_id` gives the same Message-ID. Raises MailError."""
    message = message_of(letter, mail_id, server.sender, address)
    try:
        with _connected(server) as connection:
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refused(code, text) from error
    except smtplib.SMTPResponseException as error:
        # A refused login may be a setting that somebody is about to correct: tried again.
        for_good = not isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError)
        raise _refused(error.smtp_code, error.smtp_error, may_be_for_good=for_good) from error
    except (smtplib.SMTPException, OSError) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise MailError(f"{server.host}:{server.port} cannot be used: {said}") from error


def _connected(server: SmtpServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        connection.ehlo()
        if not server.tls and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif not server.tls and server.user is not None and server.host not in _LOOPBACK:
            raise MailError(f"{server.host}:{server.port} offers no TLS, and a password is not sent without it")
        if server.user is not None:
            connection.login(server.user, server.password or "")
    except BaseException:
        connection.close()
        raise
    return connection


def _refused(code: int, text: bytes | str, *, may_be_for_good: bool = True) -> MailError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    shown = "".join(char if char.isprintable() else " " for char in said)[:200]
    return MailError(f"refused: {code} {shown}", for_good=may_be_for_good and code >= 500)
