"""One error body for every status and path, and one table from exception to status."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from api.models import instant_text
from warehouse.clock import now
from warehouse.errors import (
    BadInputError,
    CommitConflictError,
    HotStoreBusyError,
    HotStoreError,
    HotStoreFullError,
    LakeBusyError,
    LakeError,
    LakeNotFoundError,
    QueryError,
    QueryTimeoutError,
    RunlakeError,
)

SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that a browser says `Origin: null` of our own forms.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer."""

_LOG: Final = logging.getLogger("runlake.api")


class ApiError(RunlakeError):
    """A refusal with its status, code and further fields; the message is for the caller as it is.

    `details` become fields of the error's body beside code, message and timestamp.
    """

    def __init__(
        self, status: int, code: str, message: str, /, *, headers: Mapping[str, str] | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.details = details


_TABLE: Final[tuple[tuple[type[RunlakeError], int, str, bool], ...]] = (
    # exception, status, code, whether its message is for the caller (others may name files of the server)
    (BadInputError, 400, "INVALID_PARAMETER", True),
    (QueryTimeoutError, 504, "QUERY_TIMEOUT", True),
    (QueryError, 500, "QUERY_FAILED", False),
    (LakeBusyError, 503, "LAKE_BUSY", False),
    (CommitConflictError, 503, "LAKE_BUSY", False),
    (LakeNotFoundError, 503, "LAKE_NOT_FOUND", False),
    (LakeError, 503, "LAKE_UNAVAILABLE", False),
    (HotStoreBusyError, 503, "STORE_BUSY", False),
    (HotStoreFullError, 507, "INSUFFICIENT_STORAGE", False),
    (HotStoreError, 503, "STORE_UNAVAILABLE", False),
    (RunlakeError, 500, "INTERNAL_ERROR", False),
)

_CODES: Final[Mapping[int, str]] = {
    413: "PAYLOAD_TOO_LARGE",
    422: "INVALID_PARAMETER",
    431: "HEADERS_TOO_LARGE",
}
"""Where the status' own name (404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, …) is not the code."""

_GENERAL: Final[Mapping[str, str]] = {
    "QUERY_FAILED": "The query failed; the server's log says why",
    "LAKE_BUSY": "The lake is busy; try again",
    "LAKE_NOT_FOUND": "The server's lake is not there; the server's log says more",
    "LAKE_UNAVAILABLE": "The server's lake cannot be read; the server's log says why",
    "STORE_BUSY": "The server's store is busy; nothing was changed; try again",
    "STORE_UNAVAILABLE": "The server's store cannot be reached; nothing was changed; the server's log says why",
    "INSUFFICIENT_STORAGE": "The server's disk is full; nothing was changed; try again when there is room",
    "INTERNAL_ERROR": "Internal error; the server's log says why",
}

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ErrorResponse(JSONResponse):
    """The body; in its place a browser that asks for a page gets the app's page about the error."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one of them."""
        make = getattr(scope["app"].state, "error_page", None) if "app" in scope else None
        page: Response | None = None if make is None else make(scope, self)
        if page is None:
            await super().__call__(scope, receive, send)
        else:
            await page(scope, receive, send)


def error_response(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None, /, **details: Any
) -> JSONResponse:
    """The body {"error": {"code", "message", "timestamp", …}}."""
    body = {"code": code, "message": message, "timestamp": instant_text(now()), **details}
    return ErrorResponse({"error": body}, status, headers={**SAFE_HEADERS, **(headers or {})})


def failure_response(error: BaseException, where: str) -> JSONResponse:
    """The answer to any exception; faults of the server are logged with `where` (method and path) and the reason."""
    if isinstance(error, ApiError):
        return error_response(error.status, error.code, str(error), error.headers, **error.details)
    if isinstance(error, RunlakeError):
        return _ours(error, where)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _LOG.error("%s: %s: %s", where, type(error).__name__, error)
        return error_response(507, "INSUFFICIENT_STORAGE", _GENERAL["INSUFFICIENT_STORAGE"], {"Retry-After": "10"})
    # The traceback is for the log; the caller gets neither stack nor path.
    _LOG.error("%s: %s", where, type(error).__name__, exc_info=error)
    return error_response(500, "INTERNAL_ERROR", _GENERAL["INTERNAL_ERROR"])


def install(app: FastAPI) -> None:
    """Make the app answer every failure with that body; what is unexpected is left to the edge."""
    app.add_exception_handler(RunlakeError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _known(request: Request, error: Exception) -> JSONResponse:
    return failure_response(error, f"{request.method} {request.url.path}")


def _ours(error: RunlakeError, where: str) -> JSONResponse:
    status, code, for_caller = next(
        (status, code, for_caller) for kind, status, code, for_caller in _TABLE if isinstance(error, kind)
    )
    if status >= 500:
        _LOG.error("%s: %s: %s", where, type(error).__name__, error)
    details = {"parameter": error.field} if isinstance(error, BadInputError) and error.field else {}
    headers = {"Retry-After": "1"} if error.transient else {"Retry-After": "10"} if status == 507 else {}
    return error_response(status, code, str(error) if for_caller else _GENERAL[code], headers, **details)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    in_body = place[:1] == ["body"]
    name = ".".join(place[1:]) if in_body else place[-1] if place else "request"
    given = first.get("input")
    shown = f" is {given!r:.200}" if isinstance(given, str | int | float | bool) and name else ""
    message = f"{name or 'the body'}{shown}: {first['msg']}"
    if first["type"] == "json_invalid":
        message = f"the body is not JSON: {first.get('ctx', {}).get('error', first['msg'])} at character {place[-1]}"
        name = ""
    details = {"parameter": name} if name else {}
    return error_response(400, "INVALID_BODY" if in_body else "INVALID_PARAMETER", message, **details)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = 400 if error.status_code == 422 else error.status_code
    code = _CODES.get(error.status_code, HTTPStatus(status).name)
    headers = dict(error.headers or {})
    path = request.url.path[:200]
    if status == 404:
        message = f"There is nothing at {path}; /openapi.json lists what there is"
    elif status == 405:
        return not_possible(request.scope, allowed_methods(request.app, request.scope))
    else:
        message = str(error.detail)
    return error_response(status, code, message, headers)


def not_possible(scope: Mapping[str, Any], allowed: Sequence[str]) -> JSONResponse:
    """405, with what is possible at the path."""
    method, allow = scope.get("runlake.method", scope["method"]), ", ".join(allowed)
    message = f"{method[:20]} is not possible at {scope['path'][:200]}; allowed: {allow}"
    return error_response(405, "METHOD_NOT_ALLOWED", message, {"Allow": allow})


def allowed_methods(app: FastAPI, scope: Mapping[str, Any]) -> Sequence[str]:
    """What is possible at a path, over all routes that have it; HEAD wherever GET is."""
    table = getattr(app.state, "route_table", None)
    return table.allowed(scope["path"]) if table is not None else []
