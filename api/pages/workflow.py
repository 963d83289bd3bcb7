"""GET /workflows/{id}: how one workflow does: its newest executions, its errors, its slow nodes."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api.failures import ApiError
from api.pages.readers import ReportReader
from api.pages.report_page import ReportPage, report_page
from api.reading import questions
from api.reading.selection import Selection
from api.routes.deps import OwnHouse, only_known_parameters
from reports.request import ReportRequest

router = APIRouter(include_in_schema=False)


@router.get("/workflows/{id}", dependencies=[Depends(only_known_parameters)])
def get_workflow(
    request: Request,
    principal: ReportReader,
    house: OwnHouse,
    id: Annotated[str, Path()],
    period: Annotated[str | None, Query()] = None,
    granularity: Annotated[str | None, Query()] = None,
    timezone: Annotated[str | None, Query()] = None,
    since: Annotated[str | None, Query()] = None,
    until: Annotated[str | None, Query()] = None,
) -> Response:
    """The page; 404 where nothing was ever recorded of that workflow, or it is not there for this token."""
    selection = Selection(
        period,
        since,
        until,
        granularity,
        workflow_ids=(id,),
        timezone=timezone or request.app.state.config.timezone,
        visible=principal.workflows(),
    )
    path = f"/workflows/{quote(id, safe='')}"
    if house.newest_at(questions.visible_workflows((id,), principal)) is None:
        raise ApiError(404, "WORKFLOW_NOT_FOUND", f"There is no execution of a workflow with ID '{id[:200]}'")
    return report_page(request, principal, ReportPage(ReportRequest(kind="workflow"), selection, path, id))
