"""Which executions: the filters that exports and lists share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from warehouse.errors import BadInputError
from warehouse.schema import MODES, STATUSES, Mode, Status


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """What an execution must be; every condition given must hold, one left out holds for all.

    A tuple of values: any of them. Times are instants with a zone; text is compared as it stands.
    """

    since: datetime | None = None
    """Placed (started_at, else created_at) at this instant or later."""
    until: datetime | None = None
    """Placed before this instant."""
    workflow_ids: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    modes: tuple[Mode, ...] = ()
    error_types: tuple[str, ...] = ()
    fingerprint: str | None = None
    """Of the error, e.g. `v1:0123456789abcdef`."""
    min_duration_s: float | None = None
    """Ended and lasted at least so long."""
    retry_of: str | None = None
    """Repeats this execution (itself, not what it repeated)."""
    error_text: str | None = None
    """Stands in the error message, upper and lower case alike."""

    def __post_init__(self) -> None:
        for field, instant in (("since", self.since), ("until", self.until)):
            if instant is not None and instant.tzinfo is None:
                raise BadInputError(
                    f"{field} is {instant.isoformat()} without a time zone; give one, e.g. 2026-11-01T00:00:00Z",
                    field=field,
                    value=instant,
                )
        if self.since is not None and self.until is not None and self.since > self.until:
            raise BadInputError(
                f"since {self.since.isoformat()} is later than until {self.until.isoformat()}; swap them",
                field="since",
                value=self.since,
            )
        _check_words("status", self.statuses, STATUSES)
        _check_words("mode", self.modes, get_args(Mode) or MODES)
        if self.min_duration_s is not None and not self.min_duration_s >= 0:
            raise BadInputError(
                f"min_duration_s is {self.min_duration_s}; allowed: 0 or more",
                field="min_duration_s",
                value=self.min_duration_s,
            )

    @property
    def by_time_only(self) -> bool:
        """Nothing but since and until is asked, so that whole dates can be counted unopened."""
        return self.timeless() == ExecutionFilter()

    def timeless(self) -> ExecutionFilter:
        """The same without since and until."""
        return replace(self, since=None, until=None)

    def params(self) -> dict[str, Any]:
        """The `$name` parameters of queries over executions; None: any."""
        return {"since": self.since, "until": self.until, **self.conditions()}

    def conditions(self) -> dict[str, Any]:
        """The parameters of the SQL macro is_wanted: all but since and until."""
        return {
            "workflow_ids": list(self.workflow_ids) or None,
            "statuses": list(self.statuses) or None,
            "modes": list(self.modes) or None,
            "error_types": list(self.error_types) or None,
            "fingerprint": self.fingerprint,
            "min_duration_s": self.min_duration_s,
            "retry_of": self.retry_of,
            "error_text": self.error_text,
        }


def _check_words(field: str, values: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    for value in values:
        if value not in allowed:
            raise BadInputError(
                f"{field} {value!r} is unknown; allowed: {', '.join(allowed)}", field=field, value=value
            )
