"""GET /v1/executions/{id}/logs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.models import examples
from api.models.executions import LogsModel
from api.reading.etag import answered_of_one
from api.reading.executions import LogQuestion, execution_logs
from api.routes.asking import NOT_FOUND, NOT_MODIFIED, Asking
from api.routes.deps import failures
from api.routes.parameters import Cursor, ExecutionId, only_known_parameters
from warehouse.schema import LogLevel

router = APIRouter(tags=["executions"])


@router.get(
    "/executions/{id}/logs",
    summary="Get the log of an execution",
    response_model=LogsModel,
    responses={**failures(404), **NOT_FOUND, **NOT_MODIFIED, 200: examples.of("logs")},
    dependencies=[Depends(only_known_parameters)],
)
def get_logs(
    request: Request,
    asker: Asking,
    id: ExecutionId,
    level: Annotated[
        LogLevel | None, Query(description="Lines of this level and above: debug < info < warn < error. Default: all.")
    ] = None,
    nodeId: Annotated[str | None, Query(description="Only what this node wrote.")] = None,  # noqa: N803 - the contract's
    limit: Annotated[int, Query(ge=1, le=1000, description="Lines of a page.")] = 100,
    cursor: Cursor = None,
) -> Response:
    """Lines of the log, oldest first. Where they are not all, `pagination` is there and leads to the others."""
    question = LogQuestion(level, nodeId, limit, cursor)
    return answered_of_one(request, lambda house: execution_logs(house, asker, id, question))
