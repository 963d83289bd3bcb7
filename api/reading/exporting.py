"""An export over HTTP: what it will hold is said before the first byte, the rest is streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, BinaryIO, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response

from api.failures import ApiError
from api.reading.cursors import InvalidCursorError
from api.reading.etag import FRESHNESS
from api.reading.executions import Asker, filter_key, from_us, to_us
from api.reading.questions import listed_filter
from api.reading.selection import FilterWords
from api.reading.spreadsheet import attachment
from api.reading.streaming import WrittenResponse
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.export import ExportFormat, ExportQuery

MEDIA_TYPES: Final[dict[ExportFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


EXPORTS_MAX: Final = 8
"""Exports that one process writes at a time: each reads much and holds some megabytes."""
Slots = BoundedSemaphore


def export_slots() -> Slots:
    """For a process."""
    return BoundedSemaphore(EXPORTS_MAX)


@dataclass(frozen=True, slots=True)
class ExportQuestion:
    """What to export, in the caller's words."""

    words: FilterWords
    format: ExportFormat
    limit: int | None
    cursor: str | None
    bom: bool


def export_response(request: Request, asker: Asker, question: ExportQuestion) -> Response:
    """The streamed answer over the records as they are now, whatever is loaded while it is sent."""
    with ExitStack() as stack:
        if request.scope.get("runlake.method") != "HEAD":
            stack.enter_context(_slot(request.app.state.exports))
        opened: Warehouse = request.app.state.house
        house = stack.enter_context(opened.fork(pinned=True))
        asked = ["export", *filter_key(asker, question.words)]
        query = _query(asker, asked, question)
        plan = house.plan_export(query)
        headers = {**FRESHNESS, "X-Row-Count": str(plan.rows), "Content-Disposition": _file_name(question.format)}
        if plan.next_key is not None:
            since_us = None if query.filter.since is None else to_us(query.filter.since)
            at, last_id = plan.next_key
            cursor = asker.cursors.pack(asked, [since_us, to_us(at), last_id])
            headers |= {"X-Next-Cursor": cursor, "Link": _link(request, cursor)}
        if request.scope.get("runlake.method") == "HEAD":
            return Response(media_type=MEDIA_TYPES[question.format], headers=headers)
        held = stack.pop_all()

    def write(sink: BinaryIO) -> None:
        with held:
            house.export(query, question.format, sink)

    return WrittenResponse(write, house.interrupt, media_type=MEDIA_TYPES[question.format], headers=headers)


@contextmanager
def _slot(slots: Slots) -> Iterator[None]:
    """The right to export, until the body is written."""
    if not slots.acquire(blocking=False):
        message = f"The server is writing {EXPORTS_MAX} exports already; try again when one has ended"
        raise ApiError(429, "OVERLOADED", message, headers={"Retry-After": "10"})
    try:
        yield
    finally:
        slots.release()


def _query(asker: Asker, asked: list[Any], question: ExportQuestion) -> ExportQuery:
    """The warehouse's form. A range that moves with the clock keeps the begin it had when the first part was asked."""
    since, after = None, None
    if question.cursor is not None:
        since_us, at_us, last_id = asker.cursors.unpack(asked, question.cursor)
        if not isinstance(at_us, int) or not isinstance(last_id, str):
            raise InvalidCursorError("the cursor is not one of an export")
        since = from_us(since_us) if question.words.moving else None
        after = (from_us(at_us), last_id)
    asked_filter = listed_filter(question.words, asker.principal, asker.timezone, now(), since=since)
    return ExportQuery(asked_filter, question.limit, question.bom, after)


def _file_name(format: ExportFormat) -> str:
    return attachment(f"executions-{now():%Y-%m-%dT%H%M%SZ}", format)


def _link(request: Request, cursor: str) -> str:
    """The same request with the cursor, relative to the server."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name != "cursor"]
    return f'<{request.scope["path"]}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
