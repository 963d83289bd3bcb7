"""Which paths answer a browser with a page and a program as ever.

`/executions` without `/v1` has always led programs to the API (308), and still does: only who asks for text/html, as
every browser does when somebody follows a link, gets a page there.
"""

from __future__ import annotations

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope


def wants_page(scope: Scope) -> bool:
    """Whether it is a browser that asks, for something to read."""
    method = scope.get("runlake.method", scope.get("method"))
    return method in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get("accept", "")


class PageRoute(APIRoute):
    """A route that is there for browsers only; for anybody else the next one of the path answers."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As a route does, unless a program asks or the path is one of the API's own words."""
        match, child = super().matches(scope)
        if match is not Match.NONE and (not wants_page(scope) or _is_word_of_api(scope)):
            return Match.NONE, {}
        return match, child


def _is_word_of_api(scope: Scope) -> bool:
    """/executions/statistics is no execution of that id."""
    table = scope["app"].state.route_table
    found = table.find("GET", f"/v1{scope['path']}")
    return found is not None and "{" not in found.template and scope["path"].count("/") > 1
