"""GET /: the report, or the page to sign in."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.auth import Principal, may
from api.auth.gate import TokenGate
from api.failures import ApiError
from api.models import InstantWord
from api.reading import questions
from api.reading.selection import Selection
from api.routes.deps import OwnHouse, failures, only_known_parameters
from api.routes.login import sign_in, signed_in
from api.routes.parameters import GranularityWord, PeriodWord, SomeWords, Timezone, UntilWord
from reports.render import render

router = APIRouter(tags=["report"])

# Everything is inside the page; nothing may be fetched or sent from it.
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class PageRefused(Exception):  # noqa: N818 - an answer on its way, not a fault
    """Instead of the report a browser gets this page."""

    def __init__(self, page: Response) -> None:
        super().__init__()
        self.page = page


async def page_reader(request: Request) -> Principal:
    """Who asks for the report; a browser that may not see it is shown how to."""
    try:
        return await may(request, "reports:read")
    except ApiError as error:
        gate = request.app.state.gate
        if not isinstance(gate, TokenGate) or "text/html" not in request.headers.get("accept", ""):
            raise
        raise PageRefused(_page_instead(request, gate, error)) from None


async def refused(_request: Request, error: Exception) -> Response:
    """The page that a PageRefused brings."""
    assert isinstance(error, PageRefused)
    return error.page


@router.get(
    "/",
    summary="The trend report",
    response_class=HTMLResponse,
    responses=failures(page=True),
    dependencies=[Depends(only_known_parameters)],
)
def get_report(
    request: Request,
    principal: Annotated[Principal, Depends(page_reader)],
    house: OwnHouse,
    period: Annotated[PeriodWord | None, Query(description="1h, 24h, 7d (default), 30d, 90d or 1y.")] = None,
    granularity: Annotated[GranularityWord | None, Query(description="hour, day, week or month.")] = None,
    workflowId: Annotated[  # noqa: N803 - the contract's
        list[SomeWords] | None, Query(description="Only these workflows; comma or repeated.")
    ] = None,
    timezone: Timezone = None,
    since: Annotated[InstantWord | None, Query(description="First instant, instead of `period`.")] = None,
    until: Annotated[UntilWord | None, Query(description="First instant after the period, or `latest`.")] = None,
) -> HTMLResponse:
    """The report as one page, made now. Without parameters: the last 7 days, up to now; up to the newest record when
    there is nothing newer. A browser without a session is shown the page to sign in.
    """
    selection = Selection(
        period,
        since,
        until,
        granularity,
        workflow_ids=questions.words("workflowId", workflowId),
        timezone=request.app.state.config.timezone if timezone is None else timezone,
        visible=principal.workflows(),
    )
    page = render(questions.report(house, selection, fall_back_to_latest=True))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


def _page_instead(request: Request, gate: TokenGate, error: ApiError) -> Response:
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is not None and principal.from_browser:
        problem = "This token may not read reports; it lacks the scope reports:read"
        return signed_in(request, gate, principal.name, may_read=False, problem=problem, status=error.status)
    had_session = gate.session_of(request) is not None
    answer = sign_in(request, gate, target, problem=str(error) if had_session else "", status=error.status)
    answer.headers.update(error.headers)
    return answer
