"""Delivering a report to one target: what came of it, never an exception for what the other side does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from api.config import Config
from api.webhooks.addresses import AddressRules
from api.webhooks.payload import payload
from api.webhooks.resolver import Resolve, SystemResolver
from api.webhooks.sender import PLAIN_HEADERS, Attempt, Sender, signed_headers
from reports.archive import Archive
from reports.delivery.digest import Occasion, digest_json
from reports.delivery.letter import Letter
from reports.delivery.slack import slack_body
from reports.delivery.smtp import MailError, SmtpServer, send, smtp_server
from reports.delivery.targets import url_of
from reports.model import ReportModel
from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.hot.schedule_rule import Target

EVENT: Final = "report"
"""What a webhook's body says that it is."""
_GONE: Final = {"webhook": (410,), "slack": (403, 404, 410)}
"""Answers of a receiver that will not change by themselves."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    failure: str | None = None
    """Why it was not taken. None: it was."""
    for_good: bool = False
    """Trying again is of no use."""
    retry_after_s: float = 0.0
    """The receiver asks for so long a pause."""
    place: str | None = None
    """Where it is now, where there is such a place."""


@dataclass(frozen=True)
class Parcel:
    """A report on its way, to however many targets."""

    model: ReportModel
    occasion: Occasion
    workflow_id: str | None

    @cached_property
    def letter(self) -> Letter:
        """As an e-mail, made once."""
        from reports.delivery.mail import letter_of  # matplotlib is loaded for mails only

        return letter_of(self.model, self.occasion)


@dataclass(frozen=True, slots=True)
class Channels:
    """What deliveries go through, as the settings say."""

    archive: str
    """Location of the archive."""
    rules: AddressRules
    environ: Mapping[str, str] = field(repr=False)
    """Where targets of the form env:NAME are looked up."""
    mail: SmtpServer | None = None
    resolve: Resolve | None = None
    """None: names are looked up as this machine knows them."""


def channels_of(config: Config, archive: str, environ: Mapping[str, str], resolve: Resolve | None = None) -> Channels:
    """The channels of the settings."""
    mail = None if config.smtp_url is None else smtp_server(config.smtp_url, config.smtp_from)
    rules = AddressRules(private=config.webhook_private, http=config.webhook_http)
    return Channels(archive, rules, environ, mail, resolve)


def deliver(channels: Channels, target: Target, parcel: Parcel, delivery_id: str) -> Outcome:
    """Hand a report over to one target. At most some 15 s for a post, a minute for an e-mail.

    `delivery_id`: the same however often it is tried; mails and webhooks carry it.
    """
    match target.kind:
        case "archive":
            return _keep(channels.archive, parcel)
        case "folder":
            return _keep(target.address, parcel)
        case "mail":
            return _mail(channels.mail, target.address, parcel, delivery_id)
        case "webhook" | "slack":
            return _post(channels, target, parcel, delivery_id)


def _keep(location: str, parcel: Parcel) -> Outcome:
    try:
        archive = Archive.open(location)
        archive.add(parcel.model, slug="", name=parcel.occasion.report)
    except BadInputError as error:
        return Outcome(str(error), for_good=True)
    except OSError as error:
        return Outcome(f"it cannot be written there: {error.strerror or type(error).__name__}")
    return Outcome(place=f"{archive.location}/{parcel.occasion.report}.html")


def _mail(server: SmtpServer | None, address: str, parcel: Parcel, delivery_id: str) -> Outcome:
    if server is None:
        return Outcome("the setting smtp_url says no mail server")
    try:
        send(server, delivery_id, address, parcel.letter)
    except MailError as error:
        return Outcome(str(error), for_good=error.for_good)
    return Outcome()


def _post(channels: Channels, target: Target, parcel: Parcel, delivery_id: str) -> Outcome:
    try:
        url = url_of(target, channels.environ)
    except BadInputError as error:
        return Outcome(str(error))
    at = now()  # receivers compare it with their clocks
    if target.kind == "slack":
        body = json.dumps(slack_body(parcel.model, parcel.occasion), ensure_ascii=False, separators=(",", ":"))
        headers = dict(PLAIN_HEADERS)
    else:
        assert target.secret is not None
        data = digest_json(parcel.model, parcel.occasion)
        body = payload(EVENT, None, parcel.workflow_id, None, parcel.model.generated_at, data)
        headers = signed_headers(delivery_id, body, [target.secret], at)
    attempt = asyncio.run(_posted(channels, url, headers, body, at))
    # What it answered may repeat what it was sent, and its address is a secret: only the status is told.
    return Outcome(attempt.error, attempt.status in _GONE[target.kind], attempt.retry_after_s or 0.0)


async def _posted(channels: Channels, url: str, headers: Mapping[str, str], body: str, at: datetime) -> Attempt:
    system = SystemResolver()
    sender = Sender(channels.resolve or system, channels.rules)
    try:
        return await sender.post(url, headers, body, at)
    finally:
        await sender.close()
        system.close()
