"""What to type next when an answer is empty for a reason that is easy to miss; on stderr."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from api.cli.output import say
from api.models import instant_text

if TYPE_CHECKING:
    from warehouse.results import ErrorStatistics, NodeStatistics


class Dated(Protocol):
    """An answer about an interval."""

    @property
    def since(self) -> datetime:
        """Its begin, inclusive."""
        ...

    @property
    def until(self) -> datetime:
        """Its end, exclusive."""
        ...

    @property
    def as_of(self) -> datetime | None:
        """updated_at of the newest record in the lake; None: it is empty."""
        ...


def hint_when_empty(count: int, found: Dated, verb: str, period: str | None) -> None:
    """Zeros for a reason that is easy to miss: the records are older than the period."""
    if count:
        return
    if found.as_of is None:
        say("runlake: the lake is empty; load records with `runlake ingest PATH`")
        return
    said = [instant_text(at.replace(microsecond=0)) for at in (found.since, found.until, found.as_of)]
    nothing = f"runlake: nothing from {said[0]} to {said[1]}; the newest record is of {said[2]}"
    chosen = f" --period {period}" if period else ""
    if found.as_of < found.since:
        say(f"{nothing}; try `runlake {verb}{chosen} --until latest`")
    else:
        say(f"{nothing}; widen the period or the filters")


def hint_when_no_errors(found: ErrorStatistics) -> None:
    """No errors is good news only when there were executions."""
    if found.as_of is None or found.as_of < found.since:
        hint_when_empty(0, found, "errors", None)


def hint_when_no_nodes(found: NodeStatistics, period: str | None) -> None:
    """No nodes: no executions at all, or executions whose records carry no node data."""
    if found.nodes_total:
        return
    if found.as_of is None or found.as_of < found.since:
        hint_when_empty(0, found, "nodes", period)
    else:
        say("runlake: no record of this period has node data; n8n gives it with includeData=true")


def hint_when_none_match(newest_at: datetime | None) -> None:
    """An empty list: of an empty lake, or of a filter."""
    if newest_at is None:
        say("runlake: the lake is empty; load records with `runlake ingest PATH`")
    else:
        newest = instant_text(newest_at.replace(microsecond=0))
        say(f"runlake: no execution matches; the newest one is of {newest}; widen the period or the filters")
