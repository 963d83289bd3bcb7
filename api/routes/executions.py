"""GET /v1/executions and GET /v1/executions/{id}."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import WithJsonSchema

from api.models import examples
from api.models.executions import ExecutionListModel, ExecutionModel
from api.reading.etag import answered, answered_of_one
from api.reading.executions import ListQuestion, execution_detail, executions_page
from api.reading.selection import FilterWords
from api.routes.asking import NOT_FOUND, NOT_MODIFIED, Asking
from api.routes.deps import failures
from api.routes.parameters import (
    INCLUDES,
    Cursor,
    ExecutionId,
    filter_words,
    included,
    one_or_more,
    only_known_parameters,
)
from warehouse.listing import ListSort

router = APIRouter(tags=["executions"])

_IncludeWords = Annotated[str, WithJsonSchema(one_or_more(INCLUDES))]
_INCLUDE: Final = "comma or repeated: data (the nodes, inputs and outputs), error (its stack too), logs, metadata"


@router.get(
    "/executions",
    summary="List executions",
    response_model=ExecutionListModel,
    responses={**failures(), **NOT_MODIFIED, 200: examples.of("list")},
    dependencies=[Depends(only_known_parameters)],
)
def list_executions(
    request: Request,
    asker: Asking,
    words: Annotated[FilterWords, Depends(filter_words)],
    limit: Annotated[int, Query(ge=1, le=100, description="Executions of a page.")] = 20,
    cursor: Cursor = None,
    sort: Annotated[
        ListSort,
        Query(
            description="startedAt: by the instant it started (else: was created); duration: seconds, those without "
            "one last either way; with - before it the largest first."
        ),
    ] = "-startedAt",
    include: Annotated[
        list[_IncludeWords] | None,
        Query(description=f"{_INCLUDE}. error and metadata are shown without being asked, error without its stack."),
    ] = None,
) -> Response:
    """A page of executions, the newest first.

    While records arrive, the pages that the cursors lead to show each execution once, and filter[dateRange] keeps the
    begin that it had on the first page. `total` counts all that match now.
    """
    question = ListQuestion(words, sort, limit, cursor, included(include))
    return answered(
        request, asker.principal, lambda house: executions_page(house, asker, question), moving=words.moving
    )


@router.get(
    "/executions/{id}",
    summary="Get one execution",
    response_model=ExecutionModel,
    responses={**failures(404), **NOT_FOUND, **NOT_MODIFIED, 200: examples.of("detail")},
    dependencies=[Depends(only_known_parameters)],
)
def get_execution(
    request: Request,
    asker: Asking,
    id: ExecutionId,
    include: Annotated[
        list[_IncludeWords] | None,
        Query(
            description=f"{_INCLUDE}. The nodes' status and timing, error and metadata are shown without being asked."
        ),
    ] = None,
) -> Response:
    """One execution with the status and the timing of its nodes.

    With include=data also trigger.payload, inputData and outputData; where they were dropped or never kept,
    `unavailable` says so. With include=logs the first 1,000 lines, and logsNextCursor where there are more.
    """
    asked = included(include)
    return answered_of_one(request, lambda house: execution_detail(house, asker, id, asked))
