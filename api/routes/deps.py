"""What routes share: who asks, the lake of this request, strictness about parameters, the failures they document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from api.auth import Principal, requires
from api.edge.gone import stopped_when_gone
from api.models import ErrorModel
from api.routes.parameters import only_known_parameters
from warehouse import Warehouse

__all__ = ["FAILURES", "OwnHouse", "Principal", "failures", "only_known_parameters", "requires"]

_FAILURES: Final[dict[int, str]] = {
    400: "A parameter or the body is not known, or its value is not allowed.",
    401: "No valid token or session. `WWW-Authenticate` says so too.",
    403: "The token's scopes do not include `requiredPermission`.",
    404: "There is none of that id, or not for this token.",
    409: "It is not in a state in which this can be done.",
    413: "The body is too large.",
    415: "The body is of a type that cannot be read here.",
    429: "Too much at once, or too many attempts with invalid tokens; `Retry-After` says when to try again.",
    500: "A fault of the server; its log says why.",
    503: "The lake or the store cannot be used now; `Retry-After` says when to try again.",
    504: "The query ran into its time limit.",
    507: "The server's disk is full; nothing was changed.",
}
_ALWAYS: Final = (500, 503)
_CLOSED: Final = (401, 403, 429)
_READING: Final = (400, 504)


def failures(*more: int, closed: bool = True, reading: bool = True, page: bool = False) -> dict[int | str, Any]:
    """The `responses` of a route: what every route can answer, and `more` statuses.

    `closed`: it wants a token; `reading`: it takes parameters and runs a query; `page`: what it gives is no JSON, while
    its failures are.
    """
    statuses = sorted({*_ALWAYS, *(_CLOSED if closed else ()), *(_READING if reading else ()), *more})
    texts: dict[int | str, str] = {status: _FAILURES[status] for status in statuses}
    texts["default"] = "Any other failure; the same body."
    if page:
        body: dict[str, Any] = {
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorModel.__name__}"}}}
        }
    else:
        body = {"model": ErrorModel}
    return {status: {**body, "description": text} for status, text in texts.items()}


FAILURES: Final = failures()
"""What a route that reads can answer besides its own model."""


async def house_of(request: Request) -> AsyncIterator[Warehouse]:
    """The server's lake with a session of this request's own, so that requests run side by side.

    Its query is stopped when the client goes away.
    """
    opened: Warehouse = request.app.state.house
    with opened.fork() as house, stopped_when_gone(request, house.interrupt):
        yield house


OwnHouse = Annotated[Warehouse, Depends(house_of)]
