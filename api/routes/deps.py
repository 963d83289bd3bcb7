"""What routes share: the lake of this request, and strictness about parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from api.models import ErrorModel
from warehouse import Warehouse
from warehouse.errors import BadInputError

FAILURES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorModel, "description": "A parameter is not known or its value is not allowed."},
    503: {"model": ErrorModel, "description": "The lake cannot be read now."},
    504: {"model": ErrorModel, "description": "The query ran into its time limit."},
    "default": {"model": ErrorModel, "description": "Any other failure; the same body."},
}
"""What every route can answer besides its own model."""

REPEATABLE = frozenset({"status", "mode"})


def house_of(request: Request) -> Iterator[Warehouse]:
    """The server's lake with a session of this request's own, so that requests run side by side."""
    opened: Warehouse = request.app.state.house
    with opened.fork() as house:
        yield house


OwnHouse = Annotated[Warehouse, Depends(house_of)]


def only_known_parameters(request: Request) -> None:
    """A misspelt parameter must not be answered with numbers for something else."""
    route = request.scope.get("route")
    assert isinstance(route, APIRoute)
    known = [field.alias for field in route.dependant.query_params]
    for name in request.query_params:
        if name not in known:
            raise BadInputError(
                f"there is no parameter {name[:100]!r}; allowed: {', '.join(known)}", field=name[:100], value=name
            )
        if name not in REPEATABLE and len(request.query_params.getlist(name)) > 1:
            raise BadInputError(f"parameter {name!r} is given more than once; give it once", field=name)
