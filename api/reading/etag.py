"""Answers that say which state of the data they are of, so that an unchanged one need not be sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from fastapi import Request, Response

from api.auth import Principal
from api.edge.gone import stopped_when_gone
from api.reading.json_text import encoded
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.lru import Lru
from warehouse.snapshot import Snapshot

FRESHNESS: Final = {"Cache-Control": "private, no-cache"}
"""A cache may keep the answer for its one caller, and asks each time whether it still holds."""

_ANSWERS_BYTES: Final = 16 << 20
_RELEASE: Final = metadata.version("runlake")


@dataclass(frozen=True, slots=True)
class Body:
    """An answer that is no JSON."""

    content: bytes
    media_type: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer kept under its tag."""

    content: bytes

    @property
    def nbytes(self) -> int:
        """Bytes."""
        return len(self.content)


def kept_answers() -> Lru[str, Kept]:
    """Room for the answers that were given last, for the next who asks the same while nothing has changed."""
    return Lru(_ANSWERS_BYTES)


def answered(
    request: Request,
    principal: Principal,
    make: Callable[[Warehouse], Any],
    *,
    moving: bool = False,
) -> Response:
    """What `make` gives as JSON with its ETag, or 304 when the caller has it already; for questions about many.

    The tag names the state of lake and hot store, so a question that was answered already costs a millisecond. `make`
    is given a warehouse that stands still in that state. `moving`: the question has an end or a begin that moves with
    the clock; its tag then holds for the running minute at most (what changes in the data shows at once all the same).
    """
    opened: Warehouse = request.app.state.house
    with opened.fork(pinned=True) as still, stopped_when_gone(request, still.interrupt):
        tag = tag_of(request, principal, still.snapshot(), moving=moving)
        headers = {**FRESHNESS, "ETag": tag}
        kept = kept_or_made(request, tag, lambda: Kept(encoded(make(still))))
        if kept is None:
            return Response(status_code=304, headers=headers)
        return Response(kept.content, media_type="application/json", headers=headers)


def kept_or_made(request: Request, tag: str, make: Callable[[], Kept]) -> Kept | None:
    """The answer with this tag: as it was given before, else as `make` gives it. None: the caller has it already."""
    if _has(request, tag):
        return None
    answers: Lru[str, Kept] = request.app.state.answers
    kept = answers.get(tag)
    if kept is None:
        kept = make()
        answers.put(tag, kept)
    return kept


def answered_of_one(request: Request, make: Callable[[Warehouse], Any]) -> Response:
    """The same for questions about one execution; `make` gives JSON values or a Body.

    The tag is of the answer itself: it outlives what happens to other executions, and nothing but this one is read.
    """
    opened: Warehouse = request.app.state.house
    with opened.fork() as house, stopped_when_gone(request, house.interrupt):
        made = make(house)
    body = made if isinstance(made, Body) else Body(encoded(made), "application/json", {})
    tag = hashlib.blake2b(body.content, digest_size=12, key=body.media_type.encode()).hexdigest()
    headers = {**FRESHNESS, "ETag": f'W/"{tag}"'}
    if _has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body.content, media_type=body.media_type, headers={**body.headers, **headers})


def tag_of(request: Request, principal: Principal, snapshot: Snapshot, *, moving: bool, more: str = "") -> str:
    """A weak tag: the same data, though compressed or not. `more`: what the answer depends on besides."""
    parts = (
        _RELEASE,
        "-".join(map(str, snapshot.state)),
        now().isoformat(timespec="minutes") if moving else "",
        "*" if principal.workflow_ids is None else "\0".join(sorted(principal.workflow_ids)),
        request.scope["path"],
        request.scope["query_string"].decode("latin-1"),
        *((more,) if more else ()),
    )
    digest = hashlib.blake2b("\1".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f'W/"{digest}"'


def _has(request: Request, tag: str) -> bool:
    """RFC 9110: If-None-Match is `*`, or a list of tags, compared without the W/."""
    if_none_match = request.headers.get("if-none-match")
    if if_none_match is None:
        return False
    named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in named or tag.removeprefix("W/") in named
