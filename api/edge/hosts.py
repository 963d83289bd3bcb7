"""Which Host a request may name. A page elsewhere whose name is made to point here must not read the lake."""

from __future__ import annotations

import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.exposure import Exposure
from api.failures import error_response

_VALID: Final = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


class Hosts:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, exposure: Exposure) -> None:
        self._app = app
        self._exposure = exposure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or 400 or 421."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = _host_header(scope)
        if given and not _VALID.fullmatch(given):
            # Whatever is asked for its URL later would stumble over it.
            response = error_response(400, "BAD_REQUEST", f"The Host header {given[:100]!r} is no host name or address")
            await response(scope, receive, send)
            return
        host = _name(given)
        if self._exposure.answers_for(host):
            await self._app(scope, receive, send)
            return
        said = f"for the host {host[:100]!r}" if host else "without a Host header"
        message = f"This server does not answer {said}; its setting allowed_hosts names those it answers for"
        await error_response(421, "MISDIRECTED_REQUEST", message)(scope, receive, send)


def _host_header(scope: Scope) -> str:
    """The Host header, lower case; empty when there is none."""
    found = (value for name, value in scope["headers"] if name == b"host")
    text: str = next(found, b"").decode("latin-1").lower()
    return text


def _name(host: str) -> str:
    """A Host header without its port."""
    return host[: host.find("]") + 1] if host.startswith("[") else host.split(":")[0]
