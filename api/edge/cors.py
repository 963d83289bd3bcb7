"""Which pages of other origins may call the API. With a token only: never with a browser's session."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.failures import error_response

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED_HEADERS: Final = (
    "Authorization, Content-Type, Content-Encoding, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
    "X-Request-ID"
)
_SHOWN_HEADERS: Final = "ETag, Link, Location, Retry-After, X-Request-ID"


class Cors:
    """ASGI middleware, used only where the setting cors_origins names somebody."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a preflight is answered here."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
            return
        allowed = origin.lower() in self._origins
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(origin, allowed=allowed)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin")
                if allowed:
                    answer["Access-Control-Allow-Origin"] = origin
                    answer["Access-Control-Expose-Headers"] = _SHOWN_HEADERS
            await send(message)

        await self._app(scope, receive, with_headers)

    @staticmethod
    def _preflight(origin: str, *, allowed: bool) -> Response:
        if not allowed:
            message = (
                f"Pages of {origin[:200]!r} may not call this server; its setting cors_origins names those that may"
            )
            return error_response(403, "ORIGIN_NOT_ALLOWED", message, {"Vary": "Origin"})
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Allow-Headers": _ASKED_HEADERS,
                "Access-Control-Max-Age": "600",
                "Vary": "Origin",
            },
        )
