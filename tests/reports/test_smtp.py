"""Handing letters over to real mail servers: plain, with STARTTLS, with TLS from the first byte; what is refused."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from reports.delivery.letter import Attachment, InlinePicture, Letter
from reports.delivery.smtp import MailError, SmtpServer, send, smtp_server
from tests.api.alerts.test_mail import Box, mail_server

LETTER = Letter("Subject – ü", "text\n", '<p>html <img src="cid:chart" alt="A chart"></p>')
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@dataclass(frozen=True)
class Certificate:
    """Of localhost, signed by itself."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    key, file = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return Certificate(file, context)


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The certificate, which this machine believes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    return certificate


def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"me", b"p@ss word"))


def plain(port: int, host: str = "127.0.0.1", **fields: Any) -> SmtpServer:
    return SmtpServer(**{"host": host, "port": port, "tls": False, "sender": "runlake@example.org", **fields})


def test_a_letter_arrives_with_its_pictures_and_files() -> None:
    box = Box()
    letter = Letter(
        LETTER.subject,
        LETTER.text,
        LETTER.html,
        (InlinePicture("chart", PNG),),
        (Attachment("report.html", "text/html", b"<p>the page</p>"),),
        {"List-Id": "reports"},
    )
    with mail_server(box) as port:
        send(plain(port), "rd_1", "a@example.org", letter)
    (taken,) = box.taken
    assert (taken["Subject"], taken["To"], taken["List-Id"]) == ("Subject – ü", "a@example.org", "reports")
    assert (taken["Message-ID"], taken["Auto-Submitted"]) == ("<rd_1@runlake>", "auto-generated")
    assert taken.get_content_type() == "multipart/mixed"
    text, html = taken.get_body(("plain",)), taken.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().split() == ["text"]
    picture = next(part for part in taken.walk() if part.get_content_type() == "image/png")
    assert picture.get_content() == PNG
    assert picture["Content-Disposition"].startswith("inline")
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html.get_content()
    (page,) = (part for part in taken.iter_attachments() if part.get_filename() == "report.html")
    assert "the page" in page.get_content()


def test_the_password_goes_through_starttls_only(trusted: Certificate) -> None:
    box = Box()
    with mail_server(box, tls_context=trusted.context, authenticator=check, require_starttls=True) as port:
        server = smtp_server(f"smtp://me:p%40ss%20word@localhost:{port}", "runlake@example.org")
        send(server, "rd_1", "a@example.org", LETTER)
    assert len(box.taken) == 1


def test_smtps_is_tls_from_the_first_byte(trusted: Certificate) -> None:
    box = Box()
    with mail_server(box, ssl_context=trusted.context, server_hostname="localhost") as port:
        send(smtp_server(f"smtps://localhost:{port}", "runlake@example.org"), "rd_1", "a@example.org", LETTER)
    assert len(box.taken) == 1


def test_a_certificate_that_is_not_believed_ends_it_before_the_password(certificate: Certificate) -> None:
    box = Box()
    with mail_server(box, tls_context=certificate.context, authenticator=check, require_starttls=True) as port:
        server = smtp_server(f"smtp://me:p%40ss%20word@localhost:{port}", "runlake@example.org")
        with pytest.raises(MailError) as refused:
            send(server, "rd_1", "a@example.org", LETTER)
    assert box.taken == []
    assert not refused.value.for_good
    assert "p@ss" not in str(refused.value)


def test_a_certificate_of_another_host_is_refused(trusted: Certificate) -> None:
    box = Box()
    other = mail_server(box, tls_context=trusted.context, hostname="127.0.0.2")
    with other as port, pytest.raises(MailError, match=r"CERTIFICATE|certificate|SSL"):
        send(plain(port, "127.0.0.2"), "rd_1", "a@example.org", LETTER)
    assert box.taken == []


def test_a_password_is_not_sent_without_tls() -> None:
    box = Box()
    other = mail_server(box, hostname="127.0.0.2")
    with other as port, pytest.raises(MailError, match="a password is not sent without it"):
        send(plain(port, "127.0.0.2", user="me", password="secret"), "rd_1", "a@example.org", LETTER)
    assert box.taken == []


def test_what_is_too_large_is_refused_for_good() -> None:
    box = Box()
    large = Letter("s", "t", "h", attachments=(Attachment("x.bin", "application/octet-stream", bytes(200_000)),))
    with mail_server(box, data_size_limit=100_000) as port, pytest.raises(MailError, match="552") as refused:
        send(plain(port), "rd_1", "a@example.org", large)
    assert refused.value.for_good
