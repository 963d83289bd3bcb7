"""One report of an archive as its index knows it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec

from reports.model import Tone


@dataclass(frozen=True, slots=True)
class ArchivedReport:
    """One report. All instants UTC."""

    name: str
    """Of its files, without suffix: the instant it was made, then the slug: later ones sort higher."""
    title: str
    kind: str
    since: datetime
    until: datetime
    timezone: str
    """IANA name: in which its days are."""
    generated_at: datetime
    tone: Tone
    """Of the verdict."""
    verdict: str
    """One sentence."""
    size_bytes: int
    """Of all its files, without the plotting library that it shares with others."""
    suffixes: tuple[str, ...]
    """`.html`, `.json`, `.md`: what `Archive.read` gives."""
    workflow_ids: tuple[str, ...] = ()
    """It is about these only. Empty: about all."""
    library: str = ""
    """File name of the script that its page loads. Empty: none."""

    def visible_to(self, workflow_ids: Collection[str] | None) -> bool:
        """Is it about nothing but these workflows? None: they are all workflows."""
        return workflow_ids is None or (bool(self.workflow_ids) and set(self.workflow_ids) <= set(workflow_ids))


def to_json(entry: ArchivedReport) -> bytes:
    """As it is written beside the reports."""
    return msgspec.json.format(msgspec.json.encode(entry), indent=1) + b"\n"


def from_json(data: bytes) -> ArchivedReport:
    """What `to_json` wrote. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(data, type=ArchivedReport)


def list_to_json(entries: Collection[ArchivedReport]) -> bytes:
    """Many of them, in their order."""
    return msgspec.json.encode(list(entries))


def list_from_json(data: bytes) -> list[ArchivedReport]:
    """What `list_to_json` wrote. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(data, type=list[ArchivedReport])
