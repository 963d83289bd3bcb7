"""Who asks for a page. A browser that may not see it is shown the page to sign in, or why not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from api.auth import Principal, may
from api.auth.gate import TokenGate
from api.failures import ApiError
from api.pages.accept import wants_page
from api.pages.rendering import page
from api.reading.cursors import cursors_of
from api.reading.executions import Asker
from api.routes.login import sign_in
from warehouse.clock import now

_WHAT = {"reports:read": "reports", "executions:read": "executions"}


class PageRefused(Exception):  # noqa: N818 - an answer on its way, not a fault
    """Instead of what was asked for a browser gets this page."""

    def __init__(self, page: Response) -> None:
        super().__init__()
        self.page = page


@cache
def reading(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """The dependency that lets a request through with this scope, and gives who asks."""

    async def check(request: Request) -> Principal:
        try:
            return await may(request, scope)
        except ApiError as error:
            gate = request.app.state.gate
            if not isinstance(gate, TokenGate) or not wants_page(request.scope):
                raise
            raise PageRefused(_page_instead(request, gate, error, scope)) from None

    return check


ReportReader = Annotated[Principal, Depends(reading("reports:read"))]
ExecutionReader = Annotated[Principal, Depends(reading("executions:read"))]


async def _asker(request: Request, principal: ExecutionReader) -> Asker:
    return Asker(principal, cursors_of(request.app), request.app.state.config.timezone)


PageAsker = Annotated[Asker, Depends(_asker)]
"""Who asks, with the server's cursors and time zone: those of the API, so that both walk the same pages."""


async def refused(_request: Request, error: Exception) -> Response:
    """The page that a PageRefused brings."""
    assert isinstance(error, PageRefused)
    return error.page


def _page_instead(request: Request, gate: TokenGate, error: ApiError, scope: str) -> Response:
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is not None and principal.from_browser:
        session = gate.session_of(request)
        word = gate.sessions.form_word(session.nonce, now()) if session is not None else ""
        return page(
            request,
            "forbidden.html.j2",
            principal=principal,
            status=error.status,
            what=_WHAT.get(scope, "this page"),
            scope=scope,
            word=word,
        )
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    had_session = gate.session_of(request) is not None
    answer = sign_in(request, gate, target, problem=str(error) if had_session else "", status=error.status)
    answer.headers.update(error.headers)
    return answer
