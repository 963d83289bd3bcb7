"""What a subscriber wants: channels, filters, and what its token lets it see."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from api.auth import Principal
from api.live.events import LiveEvent
from warehouse.errors import BadInputError
from warehouse.hot.event_schema import EVENT_TYPES
from warehouse.schema import MODES, STATUSES

CHANNEL_FORMS: Final = "executions, workflow:ID, execution:ID"
EVERYTHING: Final = "executions"
CHANNELS_MAX: Final = 100
"""Channels of one subscriber."""
_ID_CHARS: Final = 256
_CHANNEL: Final = re.compile(r"(workflow|execution):(.+)", re.DOTALL)

Key = tuple[str, str]
"""What the hub looks subscribers up by: ("executions", ""), ("workflow", ID), ("execution", ID)."""
ALL: Final[Key] = (EVERYTHING, "")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of a channel's events; None: all. An event without a status or mode passes no filter of it."""

    events: frozenset[str] | None = None
    statuses: frozenset[str] | None = None
    modes: frozenset[str] | None = None

    def let_through(self, event: LiveEvent) -> bool:
        """Whether it is one of these."""
        return (
            (self.events is None or event.type in self.events)
            and (self.statuses is None or event.status in self.statuses)
            and (self.modes is None or event.mode in self.modes)
        )


@dataclass(frozen=True, slots=True)
class Sight:
    """What a token lets its holder see."""

    workflow_ids: frozenset[str] | None
    """None: all."""
    webhooks: bool
    """Whether events about webhooks are for it."""

    def shows(self, event: LiveEvent) -> bool:
        """Whether the event exists for it."""
        if event.guarded and not self.webhooks:
            return False
        return self.workflow_ids is None or event.workflow_id in self.workflow_ids


def sight_of(principal: Principal) -> Sight:
    """That of whoever asks."""
    return Sight(principal.workflow_ids, principal.may("webhooks:manage"))


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel with its filters."""

    key: Key
    filters: Filters

    @property
    def name(self) -> str:
        """As it is asked for."""
        return EVERYTHING if self.key == ALL else ":".join(self.key)

    def has(self, event: LiveEvent) -> bool:
        """Whether the event is in it."""
        kind, wanted = self.key
        found = event.workflow_id if kind == "workflow" else event.execution_id
        return (kind == EVERYTHING or found == wanted) and self.filters.let_through(event)


@dataclass(frozen=True, slots=True)
class Wish:
    """Channels of one subscriber together; equal ones are served together."""

    channels: frozenset[Channel]
    sight: Sight

    def matches(self, event: LiveEvent) -> bool:
        """Whether the event is for it, by whichever channel."""
        return self.sight.shows(event) and any(channel.has(event) for channel in self.channels)

    def index_keys(self) -> Iterator[Key]:
        """Where the hub has to look for it; a key may come twice."""
        bound = self.sight.workflow_ids
        for channel in self.channels:
            if channel.key != ALL or bound is None:
                yield channel.key
            else:
                yield from (("workflow", one) for one in bound)


def channel_key(name: str) -> Key:
    """The key of a channel's name. Raises BadInputError."""
    if name == EVERYTHING:
        return ALL
    match = _CHANNEL.fullmatch(name)
    if match is None or len(match[2]) > _ID_CHARS or not match[2].isprintable():
        raise BadInputError(
            f"channel {name[:100]!r} is unknown; allowed: {CHANNEL_FORMS} (an id has 1 to {_ID_CHARS} printable "
            "characters)",
            field="channels",
            value=name[:100],
        )
    return match[1], match[2]


def filters_of(events: Collection[str], statuses: Collection[str], modes: Collection[str]) -> Filters:
    """Filters of words; empty: all. Raises BadInputError for a word that can never be."""
    return Filters(
        _words("events", events, EVENT_TYPES), _words("status", statuses, STATUSES), _words("mode", modes, MODES)
    )


def _words(field: str, given: Collection[str], allowed: Collection[str]) -> frozenset[str] | None:
    for word in given:
        if word not in allowed:
            raise BadInputError(
                f"{field} {word[:100]!r} is unknown; allowed: {', '.join(allowed)}", field=field, value=word[:100]
            )
    return frozenset(given) or None
