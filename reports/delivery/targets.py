"""Where reports go, in words: archive, a folder, a bucket, mailto:, webhook:, slack:."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from warehouse.errors import BadInputError
from warehouse.hot.schedule_rule import Target

TEXT_CHARS: Final = 2100
ENVIRONMENT: Final = re.compile(r"RUNLAKE_HOOK_[A-Z0-9_]{1,60}")
"""Names in the environment that a target may refer to: none of them holds anything but such an address."""
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_BUCKETS: Final = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs")
_FORMS: Final = (
    "archive; a folder such as /srv/reports or ./reports; a bucket such as s3://bucket/prefix; "
    "mailto:ops@example.org,boss@example.org; webhook:https://…; slack:https://… ; "
    "webhook:env:RUNLAKE_HOOK_NAME or slack:env:RUNLAKE_HOOK_NAME for an address kept in the environment"
)


def parse_targets(texts: Sequence[str]) -> tuple[Target, ...]:
    """The targets of these words, in the order of delivery: files first, so that links lead somewhere.

    Each address of a mailto: is a target of its own. Nothing is looked up; the same twice is once. Raises
    BadInputError, which never says an address that may hold a secret.
    """
    found = [target for text in texts for target in _parse(text.strip())]
    order = {"archive": 0, "folder": 1, "mail": 2, "webhook": 3, "slack": 4}
    return tuple(sorted(dict.fromkeys(found), key=lambda target: order[target.kind]))


def shown(target: Target) -> str:
    """A target as it may be shown: of what may hold a secret only where it leads."""
    if target.kind in ("webhook", "slack") and not target.address.startswith("env:"):
        scheme, host = urlsplit(target.address).scheme, urlsplit(target.address).netloc.rpartition("@")[2]
        return f"{target.kind}:{scheme}://{host}/…"
    prefix = {"archive": "archive", "folder": "", "mail": "mailto:", "webhook": "webhook:", "slack": "slack:"}
    return f"{prefix[target.kind]}{target.address}"


def url_of(target: Target, environ: Mapping[str, str]) -> str:
    """The URL of a webhook or slack target. Raises BadInputError where the environment does not hold it."""
    if not target.address.startswith("env:"):
        return target.address
    name = target.address.removeprefix("env:")
    found = environ.get(name, "").strip()
    if not found:
        raise BadInputError(
            f"the environment of the server has no {name}; set it to the address, and start the server again"
        )
    return found


def _parse(text: str) -> list[Target]:
    if not text or len(text) > TEXT_CHARS or not text.isprintable():
        raise _wrong("it is empty, too long or holds what cannot be printed")
    if text == "archive":
        return [Target("archive")]
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "mailto":
        return [_mail(address.strip()) for address in rest.split(",")]
    if colon and scheme in ("webhook", "slack"):
        return [_post("webhook" if scheme == "webhook" else "slack", rest)]
    if colon and scheme in ("http", "https"):
        raise _wrong("an address on the web is a webhook or a Slack-compatible one; write webhook: or slack: before it")
    if colon and "://" in text and scheme not in (*_BUCKETS, "file"):
        raise _wrong(f"{scheme[:20]}:// is not known")
    if "@" in urlsplit(text).netloc:
        raise _wrong("a bucket's key does not belong into its address; give it in the environment of the server")
    if not colon and "/" not in text and text not in (".", ".."):
        raise _wrong(f"{text[:60]!r} is no such word, and a folder is written with a slash, such as ./{text[:60]}")
    return [Target("folder", text)]


def _mail(address: str) -> Target:
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise _wrong(f"{address[:100]!r} is no e-mail address")
    return Target("mail", address)


def _post(kind: str, address: str) -> Target:
    if address.startswith("env:"):
        if not ENVIRONMENT.fullmatch(address.removeprefix("env:")):
            raise _wrong("after env: comes a name that begins with RUNLAKE_HOOK_")
    elif urlsplit(address).scheme not in ("http", "https"):
        raise _wrong(f"after {kind}: comes an address that begins with https://, or env: and a name")
    return Target("webhook" if kind == "webhook" else "slack", address)


def _wrong(why: str) -> BadInputError:
    return BadInputError(f"deliver: {why}; allowed: {_FORMS}", field="deliver")
