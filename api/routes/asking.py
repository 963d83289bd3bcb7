"""What the read routes share: who asks, strict parameters, and every failure they document."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Request

from api.auth import Principal, requires
from api.models import ErrorModel
from api.reading.cursors import cursors_of
from api.reading.executions import Asker

Reader = Annotated[Principal, Depends(requires("executions:read"))]


async def asker_of(request: Request, principal: Reader) -> Asker:
    """Who asks, with the server's cursors and time zone."""
    return Asker(principal, cursors_of(request.app), request.app.state.config.timezone)


Asking = Annotated[Asker, Depends(asker_of)]


NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    404: {
        "model": ErrorModel,
        "description": "There is no such execution, or it is of a workflow that the token may not see.",
        "content": {
            "application/json": {
                "example": {
                    "error": {
                        "code": "EXECUTION_NOT_FOUND",
                        "message": "Execution with ID 'exec_invalid' not found",
                        "timestamp": "2023-12-06T16:00:00Z",
                    }
                }
            }
        },
    }
}

NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "If-None-Match names the state of the data that there still is."}
}
