"""All routes of the app, flat: what is possible at a path, and the name of a route in metrics and logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.routing import compile_path

UNKNOWN: Final = "(none)"
"""The name of what is no route: paths that clients make up must not become names."""


@dataclass(frozen=True, slots=True)
class Known:
    """One route."""

    template: str
    """Its path with the names of its parameters, /v1/executions/{id}."""
    pattern: re.Pattern[str]
    methods: frozenset[str]
    endpoint: Callable[..., Any]


class RouteTable:
    """Made once, when the app is."""

    def __init__(self, routers: Iterable[tuple[str, APIRouter]]) -> None:
        """`routers`: (prefix, router) as they are included."""
        self.routes = tuple(
            Known(prefix + route.path, compile_path(prefix + route.path)[0], frozenset(route.methods), route.endpoint)
            for prefix, router in routers
            for route in router.routes
            if hasattr(route, "methods") and hasattr(route, "path") and hasattr(route, "endpoint")
        )
        self._templates = {id(route.endpoint): route.template for route in self.routes}

    def methods(self, path: str) -> set[str]:
        """What is possible at a path; empty: nothing is there.

        Where several templates match it is meant as the first of them: /executions/export is no /executions/{id}.
        """
        first = self.first(path)
        template = None if first is None else first.template
        return {method for route in self.routes if route.template == template for method in route.methods}

    def first(self, path: str) -> Known | None:
        """The first route that has a path, whatever its method."""
        return next((route for route in self.routes if route.pattern.match(path)), None)

    def allowed(self, path: str) -> list[str]:
        """The same in order, with HEAD wherever GET is."""
        found = self.methods(path)
        return sorted(found | ({"HEAD"} if "GET" in found else set()))

    def template(self, endpoint: object) -> str:
        """The name of the route whose function answered."""
        return self._templates.get(id(endpoint), UNKNOWN)

    def find(self, method: str, path: str) -> Known | None:
        """The route a request goes to."""
        return next(
            (route for route in self.routes if method in route.methods and route.pattern.match(path)),
            None,
        )
