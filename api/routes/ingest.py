"""POST /v1/executions and POST /v1/executions/{id}/logs."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from api.auth import Principal, requires
from api.edge.body import takes_records
from api.models.ingest import IngestModel, LogIngestModel
from api.models.ingest_schema import EXECUTION_BODY, LOG_BODY
from api.routes.asking import NOT_FOUND
from api.routes.deps import failures
from api.routes.parameters import ExecutionId, only_known_parameters
from api.writing.idempotent import IDEMPOTENCY_KEY
from api.writing.intake import Intake

router = APIRouter(tags=["ingest"], dependencies=[Depends(only_known_parameters)])

Writer = Annotated[Principal, Depends(requires("executions:write"))]

_FAILURES: Final[dict[int | str, Any]] = failures(409, 413, 415, 507)
_BODY: Final = (
    '`application/json`: one, an array of them, or a page (`{"data": […]}`), up to `max_body_mb` (64 MiB); '
    "`application/x-ndjson`: one a line, of any length, read and made durable piece by piece (with an Idempotency-Key "
    "up to `max_body_mb`). `Content-Encoding` gzip and zstd are read; limits are those of the decompressed body. A "
    "single record may have `max_record_mb` (16 MiB).\n\n"
    "200: all were accepted. 207: some, see `results`. When none was: 400 RECORDS_REJECTED, 413 RECORD_TOO_LARGE, or "
    "403 INSUFFICIENT_PERMISSIONS (a token bound to workflows, and all records of others), with the same fields inside "
    "`error`. When a stream breaks off with an error (400, 429, 503, 507), `error` holds the same fields for what was "
    "done before, and `linesDone`: go on with the line after. 429 OVERLOADED: come back after `Retry-After`; nothing "
    "that was acknowledged is ever lost."
)


@router.post(
    "/executions",
    summary="Take in execution records",
    description="Write records of executions, new ones and newer states of known ones, by `id`: the newest `updatedAt` "
    "wins, node data and logs are never erased by a record that comes without them, and the same record again changes "
    f"nothing. What is answered with 200 or 207 survives a crash and a loss of power.\n\n{_BODY}",
    response_model=IngestModel,
    responses={
        200: {"description": "All records were accepted, and are durable."},
        207: {"model": IngestModel, "description": "Some records were accepted and are durable, others rejected."},
        **_FAILURES,
    },
    openapi_extra={**IDEMPOTENCY_KEY, "requestBody": EXECUTION_BODY},
)
@takes_records
async def post_executions(request: Request, principal: Writer) -> Response:
    """See the description."""
    intake: Intake = request.app.state.intake
    return await intake.take(request, principal)


@router.post(
    "/executions/{id}/logs",
    summary="Take in log lines of an execution",
    description="Add lines to the log of an execution that is known. The same line again (instant, level, node, "
    f"message and data) changes nothing. Durable when answered.\n\n{_BODY}",
    response_model=LogIngestModel,
    responses={
        200: {"description": "All lines were accepted, and are durable."},
        207: {"model": LogIngestModel, "description": "Some lines were accepted and are durable, others rejected."},
        **_FAILURES,
        **NOT_FOUND,
    },
    openapi_extra={**IDEMPOTENCY_KEY, "requestBody": LOG_BODY},
)
@takes_records
async def post_logs(request: Request, principal: Writer, id: ExecutionId) -> Response:
    """See the description."""
    intake: Intake = request.app.state.intake
    return await intake.take(request, principal, id)
