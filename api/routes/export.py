"""GET /v1/executions/export."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.reading.exporting import ExportQuestion, export_response
from api.reading.selection import FilterWords
from api.routes.asking import Asking
from api.routes.deps import failures
from api.routes.parameters import Cursor, filter_words, only_known_parameters
from warehouse.export import ExportFormat

router = APIRouter(tags=["executions"])

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_HEADERS: dict[str, Any] = {
    "X-Row-Count": {
        "description": "Executions in this body. A body with fewer was broken off.",
        "schema": {"type": "integer"},
    },
    "X-Next-Cursor": {
        "description": "Only where `limit` leaves some out: `cursor` of the request that goes on.",
        "schema": {"type": "string"},
    },
    "Link": {"description": 'The same as a URL, rel="next".', "schema": {"type": "string"}},
    "Content-Disposition": {"description": "A file name.", "schema": {"type": "string"}},
}


@router.get(
    "/executions/export",
    summary="Export executions",
    response_class=Response,
    responses={
        **failures(page=True),
        200: {
            "description": "The file.",
            "headers": _HEADERS,
            "content": {
                "text/csv": _TEXT,
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/ExecutionModel"}}
                },
                "application/x-ndjson": _TEXT,
                "application/vnd.apache.parquet": _BINARY,
                "application/vnd.apache.arrow.stream": _BINARY,
            },
        },
    },
    dependencies=[Depends(only_known_parameters)],
)
def export_executions(
    request: Request,
    asker: Asking,
    words: Annotated[FilterWords, Depends(filter_words)],
    format: Annotated[
        ExportFormat,
        Query(
            description="csv: RFC 4180, safe to open in a spreadsheet. json: one array, ndjson: one object a line, of "
            "executions without node data. parquet, arrow (an IPC stream): the columns of the lake."
        ),
    ] = "csv",
    sort: Annotated[  # noqa: ARG001 - one order only, but one may say it
        Literal["startedAt"], Query(description="By the instant it started, the oldest first.")
    ] = "startedAt",
    limit: Annotated[int | None, Query(ge=1, le=2**53, description="Most executions. Default: all that match.")] = None,
    cursor: Cursor = None,
    bom: Annotated[bool, Query(description="CSV begins with a byte order mark, which some spreadsheets want.")] = False,
) -> Response:
    """All executions that match, the oldest first, as they were when the request came, streamed.

    Nothing is left out without a word: X-Row-Count says how many there are, X-Next-Cursor and Link are there exactly
    when `limit` leaves some out. A body that ends as HTTP has it and holds X-Row-Count executions is complete; a fault
    breaks the connection off. To resume, ask with a `limit` and go on from the cursor of the last whole answer.
    """
    return export_response(request, asker, ExportQuestion(words, format, limit, cursor, bom))
