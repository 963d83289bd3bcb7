"""What a load is asked to do, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from ingest.format import NormaliseOptions
from ingest.piece import MAX_RECORD_BYTES
from ingest.source import BLOCK_BYTES
from warehouse.errors import RunlakeError

BATCH_BYTES: Final = 96 << 20

Progress = Callable[[int, int | None, int, int], None]
"""Called with (bytes read, bytes in all or None, records read, records rejected), some times a second at most."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load."""

    format: Literal["auto", "runlake", "n8n"] = "auto"
    normalise: NormaliseOptions = field(default_factory=NormaliseOptions)
    max_rejects: int | None = None
    """Stop with TooManyRejectsError once more records than this were refused. None: never."""
    max_record_bytes: int = MAX_RECORD_BYTES
    block_bytes: int = BLOCK_BYTES
    batch_bytes: int = BATCH_BYTES
    """Raw bytes of records that go into one write to the lake."""


@dataclass(slots=True)
class FileReport:
    """What became of one file."""

    name: str
    format: str | None = None
    """None: not one record of a known format was found."""
    records: int = 0
    rejected: int = 0
    bytes_read: int = 0
    """On disk, compressed as it is."""
    set_aside: str | None = None
    """What the file is instead of records, found beside them in a folder; nothing of it was counted."""


@dataclass(slots=True)
class LoadReport:
    """The outcome: read = new + updated + unchanged + rejected."""

    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    seconds: float = 0.0
    bytes_read: int = 0
    files: list[FileReport] = field(default_factory=list)


class TooManyRejectsError(RunlakeError):
    """More records were refused than was allowed; what was written before stays."""

    def __init__(self, rejected: int, allowed: int, report: LoadReport) -> None:
        super().__init__(
            f"stopped: {rejected} records were rejected, at most {allowed} were allowed; "
            "see them with `runlake quarantine list`, or raise --max-rejects"
        )
        self.report = report
