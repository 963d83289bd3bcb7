"""What a browser sees where a program gets the JSON body of an error."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Scope

from api.auth import Principal
from api.pages.accept import wants_page
from api.pages.rendering import page

_HEADINGS: Final = {
    400: "That question cannot be answered",
    404: "There is nothing here",
    421: "This server does not answer for that name",
    429: "Not so fast",
    500: "Something went wrong on the server",
    503: "The server cannot do this right now",
    504: "That took too long",
}
_ADVICE: Final = {
    400: "Change the address, or begin again without filters.",
    404: "It may have been deleted, or it belongs to a workflow that your token does not see.",
    429: "Wait a moment, then try again.",
    500: "Nothing was changed. Try again; if it stays like this, the server's log says why.",
    503: "Nothing was changed. Try again in a moment.",
    504: "Ask for a shorter period or for fewer workflows.",
}
_KEPT: Final = ("retry-after", "allow", "www-authenticate")


def error_page(scope: Scope, answer: Response) -> Response | None:
    """The page in place of an error's JSON. None: programs, and everybody below /v1, get that."""
    if not wants_page(scope) or scope["path"].startswith("/v1/"):
        return None
    error = json.loads(bytes(answer.body))["error"]
    principal: Principal | None = scope.get("state", {}).get("principal")
    return page(
        Request(scope),
        "error.html.j2",
        principal=principal,
        status=answer.status_code,
        headers={name: value for name, value in answer.headers.items() if name in _KEPT},
        code=error["code"],
        heading=_HEADINGS.get(answer.status_code, HTTPStatus(answer.status_code).phrase),
        message=error["message"],
        advice=_ADVICE.get(answer.status_code, ""),
        request_id=scope.get("state", {}).get("request_id", ""),
    )
