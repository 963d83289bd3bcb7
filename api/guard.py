"""What is true of every request, before any route: which host it may name, what HEAD means, safe headers."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.failures import SAFE_HEADERS, error_response

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, allowed_hosts: tuple[str, ...] = ()) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = _host_name(scope)
        if self._allowed_hosts and host not in self._allowed_hosts:
            # A page elsewhere whose name is made to point at this machine must not read the lake (DNS rebinding).
            allowed = ", ".join(self._allowed_hosts)
            message = f"This server does not answer for the host {host[:100]!r}; allowed: {allowed}"
            response = error_response(421, "MISDIRECTED_REQUEST", message)
            await response(scope, receive, with_headers)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server drops the body
        await self._app(scope, receive, with_headers)


def _host_name(scope: MutableMapping[str, Any]) -> str:
    """The Host header without the port; empty when there is none."""
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1").lower()
            return host[: host.find("]") + 1] if host.startswith("[") else host.split(":")[0]
    return ""
