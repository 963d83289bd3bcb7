"""One error body for every status and path, and one table from exception to status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.models import instant_text
from warehouse.clock import now
from warehouse.errors import (
    BadInputError,
    LakeBusyError,
    LakeError,
    LakeNotFoundError,
    QueryError,
    QueryTimeoutError,
    RunlakeError,
)

SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
"""On every answer. Here, because the answer to an unexpected error is made outside of all middleware."""

_LOG: Final = logging.getLogger("runlake.api")

_TABLE: Final[tuple[tuple[type[RunlakeError], int, str, bool], ...]] = (
    # exception, status, code, whether its message is for the caller (others may name files of the server)
    (BadInputError, 400, "INVALID_PARAMETER", True),
    (QueryTimeoutError, 504, "QUERY_TIMEOUT", True),
    (QueryError, 500, "QUERY_FAILED", False),
    (LakeBusyError, 503, "LAKE_BUSY", False),
    (LakeNotFoundError, 503, "LAKE_NOT_FOUND", False),
    (LakeError, 503, "LAKE_UNAVAILABLE", False),
    (RunlakeError, 500, "INTERNAL_ERROR", False),
)

_CODES: Final[Mapping[int, str]] = {400: "BAD_REQUEST", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}

_GENERAL: Final[Mapping[str, str]] = {
    "QUERY_FAILED": "The query failed; the server's log says why",
    "LAKE_BUSY": "The lake is busy; try again",
    "LAKE_NOT_FOUND": "The server's lake is not there; the server's log says more",
    "LAKE_UNAVAILABLE": "The server's lake cannot be read; the server's log says why",
    "INTERNAL_ERROR": "Internal error; the server's log says why",
}


def error_response(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **details: Any
) -> JSONResponse:
    """The body {"error": {"code", "message", "timestamp", …}}."""
    body = {"code": code, "message": message, "timestamp": instant_text(now()), **details}
    return JSONResponse({"error": body}, status, headers={**SAFE_HEADERS, **(headers or {})})


def install(app: FastAPI) -> None:
    """Make the app answer every failure with that body."""
    app.add_exception_handler(RunlakeError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RunlakeError)
    status, code, for_caller = next(
        (status, code, for_caller) for kind, status, code, for_caller in _TABLE if isinstance(error, kind)
    )
    if status >= 500:
        _LOG.error("%s %s: %s: %s", request.method, request.url.path, type(error).__name__, error)
    details = {"parameter": error.field} if isinstance(error, BadInputError) and error.field else {}
    headers = {"Retry-After": "1"} if error.transient else {}
    return error_response(status, code, str(error) if for_caller else _GENERAL[code], headers, **details)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    name = place[-1] if place else "request"
    given = first.get("input")
    shown = f" is {given!r:.200}" if given is not None else ""
    return error_response(400, "INVALID_PARAMETER", f"{name}{shown}: {first['msg']}", parameter=name)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = _CODES.get(status, HTTPStatus(status).name)
    if status == 404:
        message = f"There is nothing at {request.url.path[:200]}; /openapi.json lists what there is"
    elif status == 405:
        allowed = (error.headers or {}).get("Allow", "other methods")
        message = f"{request.method[:20]} is not possible at {request.url.path[:200]}; allowed: {allowed}"
    else:
        message = str(error.detail)
    return error_response(status, code, message, error.headers)


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    # The traceback is logged by the server; the caller gets neither stack nor path.
    return error_response(500, "INTERNAL_ERROR", _GENERAL["INTERNAL_ERROR"])
