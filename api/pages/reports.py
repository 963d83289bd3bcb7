"""GET /reports: the archive. GET /reports/{name}: one stored page, in a sandbox of its own."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.failures import ApiError
from api.pages.accept import PageRoute
from api.pages.choices import Chooser
from api.pages.list_words import address
from api.pages.readers import ReportReader
from api.pages.rendering import page
from api.reading.etag import Kept
from api.routes.deps import OwnHouse, only_known_parameters
from reports.archive import Archive, default_location
from warehouse.errors import BadInputError
from warehouse.lru import Lru

router = APIRouter(include_in_schema=False, route_class=PageRoute)
library_router = APIRouter(include_in_schema=False)

PERIODS: Final = {
    "last-week": "Last week",
    "last-month": "Last month",
    "yesterday": "Yesterday",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
}
"""What a report can be made of at once, of all that the API takes."""
LIBRARIES_BYTES: Final = 16 << 20
"""Of plotting libraries of stored pages kept in memory: three of them."""
SHOWN: Final = 50
"""Reports of a page of the archive."""
_HASH: Final = re.compile(r"'sha256-[A-Za-z0-9+/=]{44}'")
_HEAD_BYTES: Final = 4000
_TYPES: Final = {".json": "application/json", ".md": "text/markdown; charset=utf-8"}
_STORED: Final = (
    "sandbox allow-scripts allow-popups allow-downloads allow-modals; default-src 'none'; script-src 'self' {hashes}; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""A stored page may be older than this server, or come from elsewhere: it runs its own scripts, as an origin of its
own, and reaches nothing here."""


def archive_of(request: Request) -> Archive:
    """The archive of the server's lake."""
    return Archive.open(default_location(request.app.state.config.lake))


def kept_libraries() -> Lru[str, Kept]:
    """Room for the libraries that stored pages loaded last."""
    return Lru(LIBRARIES_BYTES)


@router.get("/reports", dependencies=[Depends(only_known_parameters)])
def get_reports(
    request: Request, principal: ReportReader, house: OwnHouse, before: Annotated[str | None, Query()] = None
) -> Response:
    """The archive, newest first; a token that is bound to workflows sees the reports about nothing but these."""
    chooser: Chooser = request.app.state.chooser
    found = archive_of(request).list(SHOWN + 1, before or None, workflow_ids=principal.workflow_ids)
    shown = found[:SHOWN]
    return page(
        request,
        "reports.html.j2",
        principal=principal,
        reports=shown,
        older_url=address("/reports", {"before": shown[-1].name}) if len(found) > SHOWN else None,
        before=before,
        may_manage=principal.may("reports:manage"),
        periods=PERIODS,
        workflows=chooser.workflows(house, principal),
    )


@router.get("/reports/{name}")
def get_report(request: Request, principal: ReportReader, name: Annotated[str, Path()]) -> Response:
    """A stored report: NAME is its page, NAME.json its model, NAME.md its short text."""
    suffix = next((one for one in _TYPES if name.endswith(one)), ".html")
    plain = name.removesuffix(suffix)
    archive = archive_of(request)
    entry = archive.find(plain)
    if entry is None or not entry.visible_to(principal.workflow_ids):
        raise _gone(plain)
    try:
        content = archive.read(plain, suffix)
    except BadInputError:
        raise _gone(plain) from None
    if suffix in _TYPES:
        return Response(content, media_type=_TYPES[suffix])
    return HTMLResponse(content, headers={"Content-Security-Policy": _policy(content)})


@library_router.get("/reports/library/{name}")
def get_library(request: Request, name: Annotated[str, Path()]) -> Response:
    """The plotting library that stored pages load. Anybody's: it is published code, and a sandbox sends no cookie."""
    kept: Lru[str, Kept] = request.app.state.libraries
    found = kept.get(name)  # its name is its content's hash; nobody shall make the server read a bucket again and again
    if found is None:
        try:
            found = Kept(archive_of(request).read_library(name))
        except BadInputError:
            raise ApiError(404, "NOT_FOUND", "There is no such file") from None
        kept.put(name, found)
    headers: dict[str, Any] = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",  # the page checks its hash, which a sandbox may do with this only
    }
    return Response(found.content, media_type="text/javascript; charset=utf-8", headers=headers)


def _policy(content: bytes) -> str:
    """The page's own policy names its scripts by hash; the header must let the same ones run."""
    head = content[:_HEAD_BYTES].decode("utf-8", "replace")
    return _STORED.format(hashes=" ".join(dict.fromkeys(_HASH.findall(head))))


def _gone(name: str) -> ApiError:
    return ApiError(404, "REPORT_NOT_FOUND", f"There is no report {name[:100]!r} in the archive")
