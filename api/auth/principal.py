"""The one who asks: a token or a session, what it may do, and which workflows exist for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ADMIN: Final = "admin"

SCOPES: Final[dict[str, str]] = {
    "executions:read": "lists, details, logs, statistics, exports",
    "executions:write": "records and logs in (what an engine needs)",
    "executions:control": "cancel and retry",
    "executions:delete": "delete records",
    "webhooks:manage": "webhooks",
    "reports:read": "the report in the browser",
    "reports:manage": "schedules of reports",
    ADMIN: "all of these, and the server's metrics",
}
"""Every scope and what it opens."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes a request. Immutable; made anew for each request from the token as it is then."""

    token_id: str | None
    """None: the server runs with --no-auth."""
    name: str
    scopes: frozenset[str]
    workflow_ids: frozenset[str] | None = None
    """The only workflows that exist for it; None: all."""
    from_browser: bool = False
    """Came with the session's cookie, not with a token."""

    def may(self, scope: str) -> bool:
        """Whether it holds a scope; `admin` holds them all."""
        return scope in self.scopes or ADMIN in self.scopes

    def sees(self, workflow_id: str | None) -> bool:
        """Whether an execution of that workflow exists for it; one without a workflow only where nothing is bound."""
        return self.workflow_ids is None or workflow_id in self.workflow_ids

    def workflows(self) -> tuple[str, ...]:
        """The filter that goes with every question: workflow ids in order, empty for all.

        A token is never bound to nothing, so that empty cannot be mistaken.
        """
        return () if self.workflow_ids is None else tuple(sorted(self.workflow_ids))


EVERYBODY: Final = Principal(None, "no-auth", frozenset({ADMIN}))
"""Who asks a server that runs with --no-auth."""
