"""GET /v1/commands and POST /v1/commands/{id}/ack: how an engine collects what it is to do."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.control import Acknowledgements, command_json
from api.models import ErrorModel, instant_text
from api.models.control import AckBody, AckModel, CommandsModel
from api.routes.deps import failures
from api.routes.ingest import Writer
from api.routes.parameters import only_known_parameters
from warehouse.hot.commands import Command, Commands

router = APIRouter(tags=["control"], dependencies=[Depends(only_known_parameters)])

LEASE_S: Final = 60.0
"""How long a collector has a command before it is handed out again."""
_POLL_S: Final = 0.25

_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ErrorModel, "description": "COMMAND_NOT_FOUND: none of that id, or not for this token."},
    409: {"model": ErrorModel, "description": "COMMAND_SETTLED: it was acknowledged otherwise before."},
}


@router.get(
    "/commands",
    summary="Collect commands for the engine",
    response_model=CommandsModel,
    response_model_exclude_none=True,
    responses=failures(reading=False),
)
async def get_commands(
    request: Request,
    principal: Writer,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for the first command.")] = 0,
    limit: Annotated[int, Query(ge=1, le=100, description="Most commands of an answer.")] = 10,
) -> Response:
    """What was decided and the engine (setting `engine` = `commands`) has to do, oldest first; long poll with `wait`.

    A command is this collector's for 60 seconds: two collectors never both get one. When it is not acknowledged in
    that time it is handed out again, so carry them out so that twice is once: by `id`. A token that is bound to
    workflows gets theirs. The stream has each command as an event too, `command.created`, whose `data` is the command;
    what is carried out from there is acknowledged in the same way, and nobody else is handed it then.
    """
    commands: Commands = request.app.state.commands
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    while True:
        found = await run_in_threadpool(commands.claim, limit, LEASE_S, principal.workflows())
        left_s = deadline - loop.time()
        if found or left_s <= 0:
            return JSONResponse({"commands": [_shown(command) for command in found]})
        await asyncio.sleep(min(_POLL_S, left_s))
        if await request.is_disconnected():  # nobody would acknowledge what is handed out now
            return JSONResponse({"commands": []})


@router.post(
    "/commands/{id}/ack",
    summary="Acknowledge a command",
    response_model=AckModel,
    responses={**failures(413, 415, 507), **_NOT_FOUND},
)
def acknowledge(
    request: Request,
    principal: Writer,
    id: Annotated[str, Path(description="Id of the command.", examples=["cmd_5f2b8c0e9d7a41f3a6b8c2d1"])],
    body: AckBody,
) -> AckModel:
    """Say that the engine has done a command, or that it could not.

    A retry that failed is recorded as a failed execution; with `executionId` the queued execution is renamed to the
    engine's id. A cancellation that failed is taken back, unless the engine has reported the execution since. The same
    acknowledgement again changes nothing.
    """
    acknowledgements: Acknowledgements = request.app.state.acknowledgements
    done = acknowledgements.take(principal, id, body.status, body.executionId, body.message)
    assert done.settled_at is not None
    return AckModel(
        id=id, status=body.status, executionId=done.engine_execution_id or done.execution_id, settledAt=done.settled_at
    )


def _shown(command: Command) -> dict[str, Any]:
    assert command.due_at is not None
    return {
        **command_json(command),
        "leasedUntil": instant_text(command.due_at),
        "deliveries": command.deliveries,
    }
