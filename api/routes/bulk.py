"""POST /v1/executions/bulk/cancel, /retry and /delete."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.auth import Principal
from api.control.bulk import bulk
from api.control.decisions import RetryOptions
from api.control.service import Action
from api.models.control import BulkBody, BulkModel, BulkRetryBody
from api.routes.control import Controller, Deleter
from api.routes.deps import failures
from api.routes.parameters import only_known_parameters
from api.writing.idempotent import IDEMPOTENCY_KEY, once

router = APIRouter(tags=["control"], prefix="/executions/bulk", dependencies=[Depends(only_known_parameters)])

_FAILURES: Final[dict[int | str, Any]] = failures(409, 413, 415, 507)
_COMMON: Final = (
    "By `ids` or by the list's filters. More than `limit` (1,000; at most 10,000): 400 TOO_MANY_EXECUTIONS with the "
    "count, and nothing is done. One that cannot be done does not stop the others; `failures` names the first 100."
)


@router.post(
    "/cancel",
    summary="Cancel many executions",
    description=f"Cancel executions that are queued or running. {_COMMON}",
    response_model=BulkModel,
    response_model_exclude_none=True,
    responses=_FAILURES,
    openapi_extra=IDEMPOTENCY_KEY,
)
async def cancel_many(request: Request, principal: Controller, body: BulkBody) -> Response:
    """See the description."""
    return await _do(request, principal, "cancel", body, RetryOptions())


@router.post(
    "/retry",
    summary="Retry many executions",
    description=f"Repeat executions that failed, timed out or were cancelled, each as a new one. {_COMMON}",
    response_model=BulkModel,
    response_model_exclude_none=True,
    responses=_FAILURES,
    openapi_extra=IDEMPOTENCY_KEY,
)
async def retry_many(request: Request, principal: Controller, body: BulkRetryBody) -> Response:
    """See the description."""
    return await _do(request, principal, "retry", body, RetryOptions(load_workflow=body.loadWorkflow))


@router.post(
    "/delete",
    summary="Delete many executions",
    description="Delete executions with all that hangs on them, from the hot store and the lake; that is for good. "
    f"They are gone for all readers at once; the next vacuum after the waiting time removes them physically. {_COMMON}",
    response_model=BulkModel,
    response_model_exclude_none=True,
    responses=_FAILURES,
    openapi_extra=IDEMPOTENCY_KEY,
)
async def delete_many(request: Request, principal: Deleter, body: BulkBody) -> Response:
    """See the description."""
    return await _do(request, principal, "delete", body, RetryOptions())


async def _do(
    request: Request, principal: Principal, action: Action, body: BulkBody, options: RetryOptions
) -> Response:
    def work() -> Response:
        found = bulk(request.app, principal, action, body, options)
        return Response(found.model_dump_json(exclude_none=True), media_type="application/json")

    return await once(request, principal, await request.body(), lambda: run_in_threadpool(work))
