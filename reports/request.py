"""What a report is asked for: one value that the command, the served pages and the schedules share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from warehouse.schema import Mode, Status

Kind = Literal["overview", "workflow", "error", "comparison"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """One report; everything has a default."""

    kind: Kind = "overview"
    period: str = "7d"
    """A word of warehouse.period.PERIODS; not looked at when `since` is given."""
    since: datetime | None = None
    until: datetime | None = None
    """End of the period. None: now."""
    granularity: str | None = None
    """None: what suits the period."""
    timezone: str = "UTC"
    """IANA name."""
    workflow_ids: tuple[str, ...] = ()
    """Only these. Empty: all. Kind workflow: exactly one."""
    statuses: tuple[Status, ...] = ()
    modes: tuple[Mode, ...] = ()
    fingerprint: str | None = None
    """Kind error: the group it is about."""
    against_since: datetime | None = None
    against_until: datetime | None = None
    """Kind comparison: the other period. None: the equal period before."""
    title: str | None = None
    """None: what suits the kind."""
    public_url: str | None = None
    """Where the served pages are, for links from charts and tables to the lists they count: https://runlake.example, or
    the empty text for a page that the server itself shows. None: no links."""
