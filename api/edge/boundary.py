"""The outermost layer: an id for every request, a log line, metrics, safe headers, and an answer to every exception."""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.route_table import RouteTable
from api.edge.sockets import SOCKETS, Handshake, request_id_of
from api.failures import SAFE_HEADERS, ApiError, error_response, failure_response
from api.metrics import Metrics

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("runlake_request_id", default=None)
"""The id of the request that is being answered, for every log line."""

IN_FLIGHT_MAX: Final = 1000
"""Requests one process answers at a time; beyond it the next is told to come back, so that memory stays bounded."""
GONE: Final = 499
"""What is logged and counted where the client went away before its answer; nobody receives it."""

_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_ENDLESS: Final = frozenset({"/v1/executions/events"})
"""Answers that go on for hours do nothing most of the time: they have a limit of their own."""
_ACCESS: Final = logging.getLogger("runlake.access")
_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_PAGE_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Boundary:
    """ASGI middleware; everything else is inside it."""

    def __init__(self, app: ASGIApp, routes: RouteTable, metrics: Metrics) -> None:
        self._app = app
        self._routes = routes
        self._metrics = metrics
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        method = scope["method"]
        # HEAD is GET whose body is dropped below. A copy: the server goes by what it was asked.
        scope = {**scope, "method": "GET" if method == "HEAD" else method, "runlake.method": method}
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, without_body=method == "HEAD")
        token = REQUEST_ID.set(request_id)
        started_s = time.perf_counter()
        counted = scope["path"] not in _ENDLESS
        self._metrics.in_flight.inc(counted)
        self._in_flight += counted
        try:
            await self._run(scope, receive, answer)
        finally:
            self._in_flight -= counted
            self._metrics.in_flight.dec(counted)
            self._tell(scope, method, answer, time.perf_counter() - started_s)
            REQUEST_ID.reset(token)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One WebSocket: the same, as far as there is an answer that is HTTP."""
        request_id = request_id_of(scope)
        scope = {**scope, "method": "GET", "runlake.method": "GET"}
        scope.setdefault("state", {})["request_id"] = request_id
        answer = Handshake(send, request_id)
        token = REQUEST_ID.set(request_id)
        started_s = time.perf_counter()
        try:
            if scope["path"] not in SOCKETS:
                raise ApiError(404, "NOT_FOUND", f"There is no WebSocket at {scope['path'][:200]}; see /openapi.json")
            await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - the last catch
            await answer.fail(failure_response(error, f"WebSocket {scope['path']}"), scope, receive)
        finally:
            self._tell(scope, "GET", answer, time.perf_counter() - started_s)
            REQUEST_ID.reset(token)

    async def _run(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            if self._in_flight > IN_FLIGHT_MAX and scope["path"] not in _QUIET:
                message = f"The server is answering {IN_FLIGHT_MAX:,} requests already; try again"
                await error_response(503, "OVERLOADED", message, {"Retry-After": "1"})(scope, receive, answer)
                return
            await self._app(scope, receive, answer)
        except Exception as error:
            if scope["state"].get("client_gone"):
                return
            response = failure_response(error, f"{scope['runlake.method']} {scope['path']}")
            if answer.status is not None:
                raise  # half an answer is out: the connection breaks off, so that nobody takes it for a whole one
            await response(scope, receive, answer)

    def _tell(self, scope: Scope, method: str, answer: _Answer | Handshake, took_s: float) -> None:
        gone = scope["state"].get("client_gone", False)
        status = GONE if gone or answer.status is None else answer.status
        template = SOCKETS.get(scope["path"]) if isinstance(answer, Handshake) else None
        template = template or self._routes.template(scope.get("endpoint"))
        self._metrics.observe(template, method, status, took_s)
        level = logging.DEBUG if template in _QUIET else logging.INFO
        if not _ACCESS.isEnabledFor(level):
            return
        principal = scope["state"].get("principal")
        client = scope.get("client")
        # The query stays out: it may hold what is nobody's business.
        fields: dict[str, Any] = {
            "method": method,
            "path": scope["path"],
            "route": template,
            "status": status,
            "duration_ms": round(took_s * 1000, 1),
            "bytes": answer.bytes,
            "client": client[0] if client else None,
            "token": principal.token_id if principal is not None else None,
        }
        _ACCESS.log(level, "request", extra={"fields": fields})


class _Answer:
    """`send` of one request: adds the headers, keeps count."""

    def __init__(self, send: Send, request_id: str, *, without_body: bool) -> None:
        self._send = send
        self._request_id = request_id
        self._without_body = without_body
        self.status: int | None = None
        self.bytes = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith("text/html"):
                headers.update(_PAGE_HEADERS)
            headers.setdefault("Content-Security-Policy", _POLICY)
            # Answers are private; those with an ETag may be kept and asked about again.
            headers.setdefault("Cache-Control", "private, no-cache" if "etag" in headers else "no-store")
        elif message["type"] == "http.response.body":
            if self._without_body:
                message = {**message, "body": b""}
            self.bytes += len(message.get("body", b""))
        await self._send(message)
