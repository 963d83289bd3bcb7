"""How large a request's body may be: small, except for routes that take records and keep limits of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.route_table import RouteTable
from api.failures import error_response

SMALL_BODY_BYTES: Final = 1024 * 1024
"""Enough for every body that is not records."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def takes_records(endpoint: Endpoint) -> Endpoint:
    """Marks the function of a route that limits its bodies itself; it stands below the route."""
    endpoint.__dict__["takes_records"] = True
    return endpoint


class BodyLimit:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, routes: RouteTable) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or 413: at once when its length says so, else when too much has been read."""
        if scope["type"] != "http" or not has_body(scope) or self._limits_itself(scope):
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > SMALL_BODY_BYTES:
            await error_response(413, "PAYLOAD_TOO_LARGE", _TOO_LARGE)(scope, receive, send)
            return
        read_bytes = 0

        async def limited() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > SMALL_BODY_BYTES:
                raise HTTPException(413, _TOO_LARGE)  # the one kind of error that no reader of bodies swallows
            return message

        await self._app(scope, limited, send)

    def _limits_itself(self, scope: Scope) -> bool:
        route = self._routes.find(scope["method"], scope["path"])
        return route is not None and getattr(route.endpoint, "takes_records", False)


def has_body(scope: Scope) -> bool:
    """Whether the request brings a body."""
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


_TOO_LARGE: Final = f"The body is larger than the {SMALL_BODY_BYTES:,} bytes this route takes; send less at a time"
