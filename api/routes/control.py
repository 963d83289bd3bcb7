"""POST /v1/executions/{id}/cancel and /retry, DELETE /v1/executions/{id}."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.auth import Principal, requires
from api.control import Control
from api.control.decisions import Decision, RetryOptions
from api.models import ErrorModel, instant_text
from api.models.control import CancelModel, RetryBody, RetryModel
from api.routes.asking import NOT_FOUND
from api.routes.deps import failures
from api.routes.parameters import ExecutionId, only_known_parameters
from api.writing.idempotent import IDEMPOTENCY_KEY, key_of, once

router = APIRouter(tags=["control"], dependencies=[Depends(only_known_parameters)])

Controller = Annotated[Principal, Depends(requires("executions:control"))]
Deleter = Annotated[Principal, Depends(requires("executions:delete"))]

_ENGINE: Final[dict[int | str, dict[str, Any]]] = {
    502: {"model": ErrorModel, "description": "ENGINE_UNAVAILABLE (engine `http`): it cannot be reached, or failed."},
    504: {"model": ErrorModel, "description": "ENGINE_TIMEOUT (engine `http`): it did not answer in time."},
}


def _conflict(code: str, message: str, status: str) -> dict[int | str, dict[str, Any]]:
    error = {"code": code, "message": message, "executionId": "exec_1234567890", "status": status}
    return {
        409: {
            "model": ErrorModel,
            "description": f"{code}: not in this state. ENGINE_REFUSED: the engine will not. IDEMPOTENCY_KEY_REUSED.",
            "content": {"application/json": {"example": {"error": error}}},
        }
    }


@router.post(
    "/executions/{id}/cancel",
    summary="Cancel an execution",
    response_model=CancelModel,
    responses={
        **failures(404, 413, 507),
        **NOT_FOUND,
        **_conflict("CANNOT_CANCEL_EXECUTION", "Cannot cancel execution that is already completed", "success"),
        **_ENGINE,
    },
    openapi_extra=IDEMPOTENCY_KEY,
)
async def cancel_execution(request: Request, principal: Controller, id: ExecutionId) -> Response:
    """Cancel an execution that is queued or running.

    Of two at once one succeeds. With the engine `commands` it is recorded at once and the engine told by GET
    /v1/commands; with `http` the engine is asked first. A later report of the engine counts: an execution that ended
    all the same is shown as the engine says.
    """
    control: Control = request.app.state.control

    def work() -> Response:
        after = control.cancel(principal, id).after
        body = {
            "message": "Execution cancelled successfully",
            "executionId": id,
            "status": "cancelled",
            "cancelledAt": instant_text(after["stopped_at"]),
        }
        return _json(body)

    return await once(request, principal, b"", lambda: run_in_threadpool(work))


@router.post(
    "/executions/{id}/retry",
    summary="Retry a failed execution",
    response_model=RetryModel,
    response_model_exclude_none=True,
    responses={
        202: {"model": RetryModel, "description": "It is queued: the engine has not begun it yet. No `startedAt`."},
        **failures(404, 413, 415, 507),
        **NOT_FOUND,
        **_conflict("CANNOT_RETRY_EXECUTION", "Cannot retry execution that was successful", "success"),
        **_ENGINE,
    },
    openapi_extra=IDEMPOTENCY_KEY,
)
async def retry_execution(
    request: Request, principal: Controller, id: ExecutionId, body: Annotated[RetryBody | None, Body()] = None
) -> Response:
    """Repeat an execution that failed, timed out or was cancelled, as a new one.

    200 with status running and startedAt when the engine `http` says that it runs; 202 with status queued while the
    engine has not taken it (always so with the engine `commands`). Retrying twice makes two executions; send an
    Idempotency-Key to be safe from that.
    """
    control: Control = request.app.state.control
    asked = body or RetryBody()
    nodes = None if asked.startNodes is None else tuple(asked.startNodes)
    options = RetryOptions(asked.fromNode, asked.loadWorkflow, nodes)
    new_id = _id_for(request, principal)

    def work() -> Response:
        return _retried(control.retry(principal, id, options, new_id))

    return await once(request, principal, await request.body(), lambda: run_in_threadpool(work))


@router.delete(
    "/executions/{id}",
    summary="Delete an execution",
    status_code=204,
    response_class=Response,
    responses={**failures(404, 507), **NOT_FOUND},
)
def delete_execution(request: Request, principal: Deleter, id: ExecutionId) -> Response:
    """Delete an execution with its node runs, data and log, from the hot store and the lake. This cannot be undone.

    It is gone for every reader at once; from the lake's files it is removed physically by the next vacuum after the
    waiting time (`vacuum_after_hours`). A later report of the engine about it makes it anew.
    """
    control: Control = request.app.state.control
    control.delete(principal, id)
    return Response(status_code=204)


def _retried(decision: Decision) -> Response:
    after = decision.after
    body = {"executionId": after["id"], "status": after["status"], "retryOf": decision.id}
    if after["started_at"] is not None:
        body["startedAt"] = instant_text(after["started_at"])
    return _json(body, 200 if after["status"] == "running" else 202)


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(body, status)


def _id_for(request: Request, principal: Principal) -> str | None:
    """The id that a retry with this Idempotency-Key has, so that one that was interrupted is not made twice."""
    key = key_of(request)
    if key is None:
        return None
    text = f"{principal.token_id or ''}\n{key}\n{request.url.path}"
    return f"exec_{hashlib.blake2b(text.encode(), digest_size=10).hexdigest()}"
