"""An e-mail before it is sent: what it says, its pictures, what is attached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate


@dataclass(frozen=True, slots=True)
class InlinePicture:
    """A picture that the HTML shows as `<img src="cid:KEY">`."""

    key: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that comes along."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, the same for everybody who gets it."""

    subject: str
    text: str
    html: str
    """Shows a picture by `cid:` and its key."""
    pictures: tuple[InlinePicture, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """More of them, such as List-Id."""


def message_of(letter: Letter, mail_id: str, sender: str, address: str) -> EmailMessage:
    """The letter as it goes out; the same `mail_id` gives the same Message-ID, so that a repetition can be told."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = letter.subject, sender, address
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{mail_id}@runlake>"
    message["Auto-Submitted"] = "auto-generated"
    for name, value in letter.headers.items():
        message[name] = value
    message.set_content(letter.text)
    ids = {picture.key: f"{picture.key}.{mail_id}@runlake" for picture in letter.pictures}
    html = letter.html
    for key, cid in ids.items():
        html = html.replace(f'"cid:{key}"', f'"cid:{cid}"')
    message.add_alternative(html, subtype="html")
    shown = message.get_payload()[-1]  # type: ignore[index]
    assert isinstance(shown, EmailMessage)
    for picture in letter.pictures:
        shown.add_related(
            picture.png,
            "image",
            "png",
            cid=f"<{ids[picture.key]}>",
            disposition="inline",
            filename=f"{picture.key}.png",
        )
    for file in letter.attachments:
        main, _, sub = file.media_type.partition("/")
        message.add_attachment(file.content, main, sub, filename=file.name)
    return message
