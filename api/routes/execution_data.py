"""GET /v1/executions/{id}/data and /v1/executions/{id}/nodes/{nodeId}/data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.models import examples
from api.models.executions import ExecutionDataModel, OneNodeDataModel
from api.reading.etag import answered_of_one
from api.reading.executions import execution_data, one_node_data
from api.routes.asking import NOT_FOUND, NOT_MODIFIED, Asking
from api.routes.deps import failures
from api.routes.parameters import ExecutionId, NodeId, only_known_parameters

router = APIRouter(tags=["executions"])

_OTHERS: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}


@router.get(
    "/executions/{id}/data",
    summary="Get the data of an execution's nodes",
    response_model=ExecutionDataModel,
    responses={**failures(404), **NOT_FOUND, **NOT_MODIFIED, 200: examples.of("data", **_OTHERS)},
    dependencies=[Depends(only_known_parameters)],
)
def get_data(
    request: Request,
    asker: Asking,
    id: ExecutionId,
    nodeId: Annotated[  # noqa: N803 - the contract's
        str | None, Query(description="Only this node; 404 NODE_NOT_FOUND when it did not run.")
    ] = None,
    format: Annotated[
        Literal["json", "csv", "raw"],
        Query(
            description="json: by node. csv: a line an item, a column a key of its `json`; text that a spreadsheet "
            "would run as a formula gets an apostrophe before it. raw: NDJSON, a line a stored payload, `data` to the "
            "letter as it is stored."
        ),
    ] = "json",
) -> Response:
    """What the nodes of an execution got and gave.

    Of a node that ran more than once `input` and `output` hold the items of all runs, and `runs` those of each. Where
    data was dropped or never kept `unavailable` says so (csv, raw: the header X-Data-Unavailable).
    """
    return answered_of_one(request, lambda house: execution_data(house, asker, id, nodeId, format))


@router.get(
    "/executions/{id}/nodes/{nodeId}/data",
    summary="Get the data of one node",
    response_model=OneNodeDataModel,
    responses={**failures(404), **NOT_FOUND, **NOT_MODIFIED, 200: examples.of("nodeData")},
    dependencies=[Depends(only_known_parameters)],
)
def get_node_data(
    request: Request,
    asker: Asking,
    id: ExecutionId,
    nodeId: NodeId,  # noqa: N803 - the contract's
    runIndex: Annotated[  # noqa: N803 - beside the contract's
        int | None,
        Query(
            ge=0, le=2**31 - 1, description="Only this run of the node, from 0; 404 RUN_NOT_FOUND when there is none."
        ),
    ] = None,
) -> Response:
    """What one node got and gave, in all its runs or in one."""
    return answered_of_one(request, lambda house: one_node_data(house, asker, id, nodeId, runIndex))
