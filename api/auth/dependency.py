"""What a route says to be closed: `Depends(requires(scope))`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection

from api.auth.errors import forbidden
from api.auth.gate import SESSION_COOKIE
from api.auth.principal import SCOPES, Principal

BEARER: Final = HTTPBearer(
    scheme_name="token",
    bearerFormat="rl_…",
    description="A token of `runlake token create`. The names beside an operation are the scope it needs.",
    auto_error=False,
)
COOKIE: Final = APIKeyCookie(
    name=SESSION_COOKIE,
    scheme_name="session",
    description="A browser's session: POST /login sets it. Beyond safe methods it counts only from this origin.",
    auto_error=False,
)


@cache
def requires(scope: str) -> Callable[..., Awaitable[Principal]]:
    """The dependency that lets a request through with this scope, and gives who asks.

    Answers 401 UNAUTHENTICATED without a valid token or session, 403 INSUFFICIENT_PERMISSIONS without the scope, 429
    after too many failed attempts. Costs microseconds; once a second and token a look into the database.
    """
    assert scope in SCOPES, scope

    # The two schemes are only named, so that the description of the API has them; the gate reads the headers.
    async def check(
        request: Request,
        _token: object = Security(BEARER, scopes=[scope]),
        _session: object = Security(COOKIE, scopes=[scope]),
    ) -> Principal:
        return await may(request, scope)

    return check


async def may(connection: HTTPConnection, scope: str) -> Principal:
    """Who asks, when they hold the scope; raises the same errors as a closed route."""
    principal: Principal | None = getattr(connection.state, "principal", None)
    if principal is None:
        principal = await connection.app.state.gate.admit(connection)
        connection.state.principal = principal
    if not principal.may(scope):
        raise forbidden(scope, connection.scope.get("path_params", {}))
    return principal
