"""Who may listen: by header, subprotocol, ticket or session, and from which pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import HTTPConnection

from api.auth import Principal, may
from api.auth.errors import foreign_origin, unauthenticated
from api.auth.gate import Gate, TokenGate
from api.auth.origin import from_own_page
from api.failures import ApiError
from api.live.tickets import Tickets

SUBPROTOCOL: Final = "runlake"
BEARER: Final = "bearer."
SCOPE: Final = "executions:read"

_TICKET: Final = "The ticket is not valid: it is mistyped, over, or was used before; get another"


@dataclass(frozen=True, slots=True)
class Pass:
    """Somebody who may listen, and for how long."""

    principal: Principal
    ends_at: datetime | None = None
    """End of the browser's session. None: as long as the token lives."""
    subprotocol: str | None = None
    """What the server answers to those the client offered."""


async def admit_socket(connection: HTTPConnection, tickets: Tickets) -> Pass:
    """Whoever opens a WebSocket. Raises ApiError: 401, 403, 429; HotStoreError."""
    _check_origin(connection)
    offered: list[str] = connection.scope.get("subprotocols", [])
    answer = SUBPROTOCOL if SUBPROTOCOL in offered else None
    token = next((one.removeprefix(BEARER) for one in offered if one.startswith(BEARER)), None)
    ticket = connection.query_params.get("ticket")
    gate: Gate = connection.app.state.gate
    ends_at: datetime | None = None
    if "authorization" not in connection.headers and isinstance(gate, TokenGate):
        if token is not None:
            connection.state.principal = await gate.admit_token(token, connection)
        elif ticket is not None:
            connection.state.principal, ends_at = await _by_ticket(gate, tickets, ticket)
        elif gate.session_of(connection) is not None and not from_own_page(connection):
            raise foreign_origin()  # the browser sends its cookie along whichever page asks
    principal = await may(connection, SCOPE)
    return Pass(principal, ends_at or session_end(connection, principal), answer)


def session_end(connection: HTTPConnection, principal: Principal) -> datetime | None:
    """When the browser's session ends that let this connection in. None: it was no session."""
    gate = connection.app.state.gate
    session = gate.session_of(connection) if principal.from_browser and isinstance(gate, TokenGate) else None
    return None if session is None else session.expires_at


async def _by_ticket(gate: TokenGate, tickets: Tickets, text: str) -> tuple[Principal, datetime | None]:
    ticket = await tickets.redeem(text)
    principal = None
    if ticket is not None and ticket.token_id is not None:
        principal = await gate.principal_of(ticket.token_id)
    if ticket is None or principal is None:
        raise unauthenticated(_TICKET, error="invalid_token")
    return principal, ticket.ends_at


def _check_origin(connection: HTTPConnection) -> None:
    """A page of another origin could open a WebSocket and read it: no browser keeps it from that."""
    origin = connection.headers.get("origin")
    allowed = connection.app.state.config.cors_origins
    if origin is None or from_own_page(connection) or origin.lower() in allowed:
        return
    raise ApiError(
        403,
        "ORIGIN_NOT_ALLOWED",
        f"Pages of {origin[:200]!r} may not listen here; the setting cors_origins names those that may",
    )
