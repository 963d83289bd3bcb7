"""A path means the first route that matches it, whatever the method: DELETE of /executions/export deletes no execution
of that name, it is not possible. (The framework goes on to a later route that takes the method.)
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.route_table import RouteTable
from api.failures import not_possible

_ANYWHERE: Final = "OPTIONS"
"""Asked by browsers before they ask; answered elsewhere."""


class Meant:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, routes: RouteTable) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or 405."""
        if scope["type"] == "http" and scope["method"] not in ("GET", _ANYWHERE):
            methods = self._routes.methods(scope["path"])
            if methods and scope["method"] not in methods:
                first = self._routes.first(scope["path"])
                scope["endpoint"] = None if first is None else first.endpoint  # by which it is counted and logged
                await not_possible(scope, self._routes.allowed(scope["path"]))(scope, receive, send)
                return
        await self._app(scope, receive, send)
