"""/v1/reports: the archive; reports made, listed, read, deleted."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.config import Config
from api.failures import ApiError
from api.models import ErrorModel
from api.models.reports import ReportBody, ReportEntryModel, ReportsModel
from api.reading.selection import parse_instant
from api.routes.deps import OwnHouse, Principal, failures, requires
from api.routes.parameters import only_known_parameters
from api.schedules.seen import own_workflows, refusals
from reports.archive import Archive, ArchivedReport, default_location, slug_of
from reports.request import ReportRequest
from reports.spans import span_of
from warehouse.clock import now
from warehouse.errors import BadInputError

router = APIRouter(prefix="/reports", tags=["reports"], dependencies=[Depends(only_known_parameters)])

Reader = Annotated[Principal, Depends(requires("reports:read"))]
Manager = Annotated[Principal, Depends(requires("reports:manage"))]
ReportName = Annotated[str, Path(description="Name of the report.", examples=["20261124T080000000000Z-weekly"])]
Format = Literal["html", "json", "md"]

_TYPES: Final[dict[Format, str]] = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
}
_MISSING: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ErrorModel, "description": "REPORT_NOT_FOUND: none of that name, or not for this token."}
}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": ErrorModel, "description": "INVALID_BODY; INVALID_REPORT: a report that cannot be."}
}


@router.get("", summary="List reports", response_model=ReportsModel, responses=failures())
def get_reports(
    request: Request,
    principal: Reader,
    limit: Annotated[int, Query(ge=1, le=100, description="Most reports of an answer.")] = 20,
    cursor: Annotated[
        str | None, Query(max_length=100, description="`nextCursor` of the answer before: older ones.")
    ] = None,
) -> dict[str, Any]:
    """The archive, newest first. A token that is bound to workflows sees reports about nothing but these."""
    found = _archive(request).list(limit + 1, cursor, workflow_ids=principal.workflow_ids)
    more = len(found) > limit
    pagination = {"limit": limit, "hasMore": more, "nextCursor": found[limit - 1].name if more else None}
    return {"reports": [_entry_json(one) for one in found[:limit]], "pagination": pagination}


@router.post(
    "",
    summary="Make a report",
    status_code=201,
    response_model=ReportEntryModel,
    responses={**failures(413, 415, 507), **_REFUSED},
)
def make_report(request: Request, principal: Manager, house: OwnHouse, body: ReportBody) -> dict[str, Any]:
    """Make a report now and keep it in the archive. Of a token that is bound to workflows it is about these only."""
    from reports.data import make

    with refusals("INVALID_REPORT"):
        asked = _asked(request, principal, body)
        with house.fork(pinned=True, details=True) as still:
            model = make(still, asked, generated_at=now(), generator=f"runlake {version('runlake')}")
        return _entry_json(_archive(request).add(model, slug=slug_of(model.title)))


@router.get("/{name}", summary="One report", response_model=ReportEntryModel, responses={**failures(), **_MISSING})
def get_report(request: Request, principal: Reader, name: ReportName) -> dict[str, Any]:
    """What the archive says of it."""
    return _entry_json(_existing(request, principal, name))


@router.get(
    "/{name}/{format}",
    summary="A report as a file",
    response_class=Response,
    responses={
        **failures(page=True),
        **_MISSING,
        200: {"content": {media.partition(";")[0]: {} for media in _TYPES.values()}, "description": "The file."},
    },
)
def get_file(
    request: Request,
    principal: Reader,
    name: ReportName,
    format: Annotated[Format, Path(description="html: the page in one file; json: its data; md: the short text.")],
) -> Response:
    """The report to be kept: the page has everything inside and opens from disk, without a network."""
    archive = _archive(request)
    entry = _existing(request, principal, name)
    try:
        content = archive.read_whole(entry.name) if format == "html" else archive.read(entry.name, f".{format}")
    except BadInputError:
        raise _not_found(name) from None
    headers = {"Content-Disposition": f'attachment; filename="{entry.name}.{format}"'}
    return Response(content, media_type=_TYPES[format], headers=headers)


@router.delete(
    "/{name}",
    summary="Delete a report",
    status_code=204,
    response_class=Response,
    responses={**failures(400, 507, reading=False), **_MISSING},
)
def delete_report(request: Request, principal: Manager, name: ReportName) -> Response:
    """Take it out of the archive; what was delivered stays where it is."""
    _archive(request).remove(_existing(request, principal, name).name)
    return Response(status_code=204)


def _asked(request: Request, principal: Principal, body: ReportBody) -> ReportRequest:
    config: Config = request.app.state.config
    timezone = body.timezone or config.timezone
    at = now()
    asked = ReportRequest(
        kind=body.kind,
        timezone=timezone,
        granularity=body.granularity,
        workflow_ids=own_workflows(principal, body.workflowId or ()),
        fingerprint=body.fingerprint,
        title=body.title,
        public_url=config.public_url,
    )
    if body.since is not None:
        if body.period is not None:
            raise BadInputError("both period and since are given; give one of them", field="since")
        since = parse_instant("since", body.since, timezone)
        until = at if body.until is None else parse_instant("until", body.until, timezone)
        return replace(asked, since=since, until=until)
    if body.until is not None:
        raise BadInputError("until is given without since; give both, or a period", field="until")
    period = body.period or "last-week"
    span = span_of(period, at, timezone)
    asked = replace(asked, period=period, since=span.since, until=span.until)
    if body.kind != "comparison":
        return asked
    return replace(asked, against_since=span.previous_since, against_until=span.since)


def _existing(request: Request, principal: Principal, name: str) -> ArchivedReport:
    found = _archive(request).find(name)
    if found is None or not found.visible_to(principal.workflow_ids):
        raise _not_found(name)
    return found


def _not_found(name: str) -> ApiError:
    return ApiError(404, "REPORT_NOT_FOUND", f"there is no report {name[:100]!r} in the archive", report=name[:100])


def _archive(request: Request) -> Archive:
    return Archive.open(default_location(request.app.state.config.lake))


def _entry_json(entry: ArchivedReport) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "kind": entry.kind,
        "since": entry.since,
        "until": entry.until,
        "timezone": entry.timezone,
        "generatedAt": entry.generated_at,
        "tone": entry.tone,
        "verdict": entry.verdict,
        "sizeBytes": entry.size_bytes,
        "workflowId": list(entry.workflow_ids),
    }
