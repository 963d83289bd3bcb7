"""`Idempotency-Key`: a request sent twice is done once and answered the same."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.auth import Principal
from api.failures import ApiError, failure_response
from warehouse.errors import RunlakeError
from warehouse.hot.idempotency import Answered, Claim, IdempotencyKeys, InUse

HEADER: Final = "Idempotency-Key"
IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "description": "1 to 255 visible ASCII characters, e.g. a UUID. The same request with the same key within "
            "24 hours is done once: the first answer is given again (with the header Idempotent-Replayed). Another "
            "request with it: 409 IDEMPOTENCY_KEY_REUSED. Keys of one token do not meet those of another.",
            "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
        }
    ]
}
"""What describes the header in the OpenAPI of a route that honours it."""
REPLAYED_HEADER: Final = "Idempotent-Replayed"
WAIT_S: Final = 30.0
"""How long a request waits for the first one with its key."""
_POLL_S: Final = 0.05
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def key_of(request: Request) -> str | None:
    """The request's key. Raises ApiError 400 for one that cannot be."""
    given = request.headers.get(HEADER)
    if given is not None and not _KEY.fullmatch(given):
        raise ApiError(
            400,
            "INVALID_PARAMETER",
            f"{HEADER} is {given[:100]!r}; allowed: 1 to 255 visible ASCII characters, e.g. a UUID",
            parameter=HEADER,
        )
    return given


async def once(
    request: Request, principal: Principal, body: bytes, work: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer of `work`, or the answer to the same request (method, path, query, body) with the same key before.

    A token's keys are its own. Answers of the server's faults and of overload are not kept: the request was not done.
    Raises ApiError 409 IDEMPOTENCY_KEY_REUSED, 409 IDEMPOTENCY_KEY_IN_USE.
    """
    key = key_of(request)
    if key is None:
        return await work()
    keys: IdempotencyKeys = request.app.state.idempotency_keys
    found = await _begin(keys, principal.token_id or "", key, _fingerprint(request, body))
    if isinstance(found, Answered):
        return Response(found.body, found.status, {REPLAYED_HEADER: "true"}, "application/json")
    try:
        response = await work()
    except RunlakeError as error:
        response = failure_response(error, f"{request.method} {request.url.path}")
    except BaseException:
        await run_in_threadpool(keys.abandon, found)
        raise
    if response.status_code >= 500 or response.status_code == 429:
        await run_in_threadpool(keys.abandon, found)
    else:
        await run_in_threadpool(keys.finish, found, response.status_code, bytes(response.body))
    return response


async def _begin(keys: IdempotencyKeys, owner: str, key: str, fingerprint: bytes) -> Claim | Answered:
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while True:
        found = await run_in_threadpool(keys.begin, owner, key, fingerprint)
        if isinstance(found, Claim | Answered):
            return found
        if not isinstance(found, InUse):
            raise ApiError(
                409,
                "IDEMPOTENCY_KEY_REUSED",
                f"{HEADER} {key!r} was used for another request in the last 24 hours; use a new key",
            )
        if asyncio.get_running_loop().time() > deadline:
            raise ApiError(
                409,
                "IDEMPOTENCY_KEY_IN_USE",
                f"the first request with {HEADER} {key!r} is still being worked on; send it again later",
                headers={"Retry-After": "5"},
            )
        await asyncio.sleep(_POLL_S)


def _fingerprint(request: Request, body: bytes) -> bytes:
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.blake2b(head.encode() + body, digest_size=32).digest()
