"""WebSocket /v1/executions/stream, and the tickets that open it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from api.edge.sockets import STREAM_PATH
from api.failures import ApiError, error_response, failure_response
from api.live.admission import SCOPE, admit_socket, session_end
from api.live.service import Live
from api.live.socket import SocketSession
from api.models import instant_text
from api.models.live import TicketModel
from api.routes.deps import Principal, failures, requires
from api.routes.parameters import only_known_parameters

router = APIRouter(tags=["stream"])


class StreamSocket:
    """The ASGI app of the WebSocket."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; who is not let in gets the API's error body instead of a handshake."""
        connection = HTTPConnection(scope)
        live: Live = connection.app.state.live
        try:
            _check_parameters(connection)
            entry = await admit_socket(connection, live.tickets)
            scope["state"]["principal"] = entry.principal
            await SocketSession(live, entry, scope, receive, send).run()
        except ApiError as error:
            await failure_response(error, f"WebSocket {STREAM_PATH}")(scope, receive, send)


stream_socket: Final = StreamSocket()


def _check_parameters(connection: HTTPConnection) -> None:
    for name in connection.query_params:
        if name != "ticket":
            message = f"there is no parameter {name[:100]!r}; allowed: ticket"
            raise ApiError(400, "INVALID_PARAMETER", message, parameter=name[:100])


@router.get(STREAM_PATH, include_in_schema=False)
async def no_upgrade() -> Response:
    """What is said to a request that is no WebSocket's."""
    return error_response(
        426,
        "UPGRADE_REQUIRED",
        "This is a WebSocket: connect with ws:// or wss://; /v1/executions/events gives the same as Server-Sent Events",
        {"Upgrade": "websocket", "Connection": "Upgrade"},
    )


@router.post(
    f"{STREAM_PATH}/ticket",
    summary="A ticket for the WebSocket of events",
    status_code=201,
    response_model=TicketModel,
    responses=failures(reading=False),
    dependencies=[Depends(only_known_parameters)],
)
async def make_ticket(request: Request, principal: Annotated[Principal, Depends(requires(SCOPE))]) -> Response:
    """For browsers, which cannot send headers with a WebSocket: opens `/v1/executions/stream?ticket=…` once, within
    30 seconds, with what this token may see.

    The WebSocket also takes a token in the `Authorization` header, or as a subprotocol (`Sec-WebSocket-Protocol:
    runlake, bearer.rl_…`; the answer is `runlake`), or the session of a browser on a page of this server. Pages of
    other origins are refused unless `cors_origins` names them.

    Say `{"type": "subscribe", "channels": ["executions", "workflow:ID", "execution:ID"], "filters": {"events": […],
    "status": […], "mode": […]}, "since": seq or instant}`, `{"type": "unsubscribe", "channels": […]}` or `{"type":
    "ping"}`, each with an `id` of your own if you like. Answers are `subscribed` (`seq`: what comes after it is sent),
    `replayed` (all since `since` was sent; what comes now is new), `unsubscribed`, `pong`, and `error` with the error
    body. Then every event is one message, `{"type", "executionId", "workflowId", "timestamp", "data", "seq"}`, once,
    whichever of your channels it is in. `gap` (`from`, `to`, `reason`) says that events of these numbers were missed:
    `slow` (you did not read), `expired` (kept no longer), `reset` (the store is another one); subscribe again with
    `since` to have what is still kept. `heartbeat` comes after 15 quiet seconds. A new subscription to a channel
    replaces the one before. At most 100 channels, messages of 64 KiB.

    It is closed with 4401 when the token or session is over, 4400 after five invalid messages in a row, 1009 for a
    message that is too large, 1012 when the server stops, 1013 when the store cannot be read.
    """
    live: Live = request.app.state.live
    ticket, expires_at = live.tickets.issue(principal, session_end(request, principal))
    return JSONResponse({"ticket": ticket, "expiresAt": instant_text(expires_at)}, 201)
