"""GET /v1/executions/events: the event stream as Server-Sent Events."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from pydantic import WithJsonSchema

from api.live.admission import Pass, session_end
from api.live.messages import since_of
from api.live.service import Live
from api.live.sse import EventStream
from api.live.subscriber import start_of
from api.live.wishes import CHANNELS_MAX, EVERYTHING, channel_key, filters_of
from api.reading.questions import words
from api.routes.deps import Principal, failures, requires
from api.routes.parameters import ModeWords, StatusWords, only_known_parameters
from warehouse.errors import BadInputError
from warehouse.hot.event_schema import EVENT_TYPES

router = APIRouter(tags=["stream"], dependencies=[Depends(only_known_parameters)])

_SEQ: Final = r"(0|[1-9]\d{0,17})"
_CHANNEL: Final = r"(executions|(workflow|execution):[A-Za-z0-9_.-]{1,100})"
ChannelWords = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": f"^{_CHANNEL}(,{_CHANNEL})*$", "examples": ["workflow:wf_123"]})
]
_EVENT: Final = f"({'|'.join(EVENT_TYPES)})".replace(".", r"\.")
EventWords = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": f"^{_EVENT}(,{_EVENT})*$", "examples": ["execution.failed"]})
]
SinceWord = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^({_SEQ}|20\d{{2}}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ)$",
            "examples": ["4711", "2026-11-23T10:00:00Z"],
        }
    ),
]
SeqWord = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^({_SEQ})?$", "examples": ["4711"]})]

_MESSAGE: Final = {
    "type": "object",
    "description": "One message of the stream.",
    "properties": {
        "id": {"type": "string", "description": "`seq` of the event."},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The event."},
        "retry": {"type": "integer", "description": "When to come back, in milliseconds."},
    },
}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-Sent Events: `id` is the event's `seq`, `data` one event as JSON. Messages of another "
        "`type` are `gap`, without an id `error`; comments are heartbeats.",
        "content": {
            EventStream.media_type: {
                "schema": _MESSAGE,
                "example": 'retry: 2000\n\nid: 4711\ndata: {"type":"execution.started","executionId":"exec_1234567890",'
                '"workflowId":"wf_abcdef123456","timestamp":"2023-12-06T10:30:00Z","data":{"mode":"webhook",'
                '"trigger":"github"},"seq":4711}\n\n',
            }
        },
    }
}


@router.get(
    "/executions/events",
    summary="Events, as they happen",
    status_code=200,
    response_class=EventStream,
    responses={**failures(page=True), **_ANSWER},
)
async def get_events(
    request: Request,
    principal: Annotated[Principal, Depends(requires("executions:read"))],
    channels: Annotated[
        list[ChannelWords] | None,
        Query(description="executions (all), workflow:ID, execution:ID; comma or repeated. Default: executions."),
    ] = None,
    events: Annotated[list[EventWords] | None, Query(description="Only these types of events.")] = None,
    status: Annotated[
        list[StatusWords] | None,
        Query(description="Only events with these statuses of the execution (node.completed: of the node)."),
    ] = None,
    mode: Annotated[list[ModeWords] | None, Query(description="Only those of executions with these modes.")] = None,
    since: Annotated[
        SinceWord | None,
        Query(
            description="First what is kept after this `seq` (0: all), or was recorded from this instant on. Without "
            "it: from now on."
        ),
    ] = None,
    follow: Annotated[
        bool, Query(description="false: end after what is kept (without `since`: all of it) instead of going on.")
    ] = True,
    last_event_id: Annotated[
        SeqWord,
        Header(alias="Last-Event-ID", description="What an EventSource says when it comes back; beats `since`."),
    ] = "",
) -> Response:
    """An answer that does not end: each event once, in the order of commits, in whichever process it was made.

    For `EventSource` in a browser that has signed in, or `curl -N`. A client that reads too slowly is told by a `gap`
    message with the numbers it missed (`from`, `to`), and so is one that asks for more than is kept. The same as the
    WebSocket `/v1/executions/stream`, which see (POST /v1/executions/stream/ticket).
    """
    live: Live = request.app.state.live
    keys = list(dict.fromkeys(channel_key(name) for name in words("channels", channels) or (EVERYTHING,)))
    if len(keys) > CHANNELS_MAX:
        raise BadInputError(f"channels has {len(keys)} names; allowed: {CHANNELS_MAX}", field="channels")
    filters = filters_of(words("events", events), words("status", status), words("mode", mode))
    given = since_of(since)
    begin = since_of(last_event_id) if last_event_id else given
    if begin is None and not follow:
        begin = 0
    after_no, gap = await start_of(live.hub, begin)
    entry = Pass(principal, session_end(request, principal))
    return EventStream(live, entry, keys, filters, after_no, gap, follow=follow)
