"""Records of a request on their way into the hot store: read in pieces, handed to the queue, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.auth import Principal
from api.failures import ApiError, failure_response
from api.writing.body import blocks, body_kind, drain, whole_body
from api.writing.idempotent import key_of, once
from api.writing.ingest_answer import Tally
from api.writing.ingest_queue import BodyOutcome, IngestQueue
from api.writing.line_cutter import LineCutter
from api.writing.room import Place, Room
from ingest.records import Records, line_records, read_records
from warehouse.errors import RunlakeError

PIECE_BYTES: Final = 4 << 20
"""A stream is taken in pieces of so many bytes, each durable before the next but one is read."""
INLINE_BYTES: Final = 32 << 10
"""Less than this is taken apart at once; for more another thread does it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests with records may need."""

    body_bytes: int = 64 << 20
    """A body that is not streamed, decompressed."""
    record_bytes: int = 16 << 20
    waiting_bytes: int = 128 << 20
    """All bodies that are being read or wait to be written, together."""
    waiting_requests: int = 1000


class Intake:
    """The way of all records that come by HTTP."""

    def __init__(
        self, queue: IngestQueue, limits: Limits, on_outcome: Callable[[BodyOutcome], None] | None = None
    ) -> None:
        """on_outcome: told of all records (not log lines) whose outcome is final."""
        self._queue = queue
        self._on_outcome = on_outcome
        self.limits = limits
        self.room = Room(limits.waiting_bytes, limits.waiting_requests)

    async def take(self, request: Request, principal: Principal, execution_id: str | None = None) -> Response:
        """All records (log lines of an execution) of the request's body, durable when this returns.

        Raises ApiError: 400, 403, 404, 409, 413, 415, 429, and what the store raises. Whatever breaks after something
        was made durable says so: see _Stream.
        """
        try:
            kind = body_kind(request)
            async with self.room.enter() as place:
                if kind == "lines" and key_of(request) is None:
                    return await _Stream(self, request, principal, place, execution_id).run()
                body = await whole_body(request, place, self.limits.body_bytes)
                return await once(request, principal, body, lambda: self._whole(body, principal, execution_id))
        except ApiError as error:
            if error.status in (413, 415, 429):
                await drain(request)
            raise
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    async def put(
        self, records: Records, principal: Principal, execution_id: str | None = None
    ) -> asyncio.Future[BodyOutcome]:
        """Records to the queue; the future ends when they are durable."""
        if execution_id is not None:
            records = await run_in_threadpool(line_records, records, execution_id)
        done = asyncio.wrap_future(self._queue.submit(records, principal.workflow_ids, execution_id))
        if execution_id is None:
            done.add_done_callback(self._tell)
        return done

    def _tell(self, done: asyncio.Future[BodyOutcome]) -> None:
        if self._on_outcome is not None and not done.cancelled() and done.exception() is None:
            self._on_outcome(done.result())

    async def read(self, data: bytes) -> Records:
        """The records of some bytes."""
        if len(data) <= INLINE_BYTES:
            return read_records(data, self.limits.record_bytes)
        return await run_in_threadpool(read_records, data, self.limits.record_bytes)

    async def _whole(self, body: bytes, principal: Principal, execution_id: str | None) -> Response:
        if not body.strip():
            raise ApiError(400, "INVALID_BODY", "the body is empty; send one JSON object, an array of them, or NDJSON")
        records = await self.read(body)
        tally = Tally(execution_id=execution_id)
        if len(records) or execution_id is not None:
            tally.add(await (await self.put(records, principal, execution_id)))
        status, answer = tally.answer()
        return Response(answer, status, media_type="application/json")


class _Stream:
    """One request with lines, taken piece by piece: one is being written while the next one is read."""

    def __init__(
        self, intake: Intake, request: Request, principal: Principal, place: Place, execution_id: str | None
    ) -> None:
        self._intake = intake
        self._request = request
        self._principal = principal
        self._place = place
        self._execution_id = execution_id
        self._tally = Tally(execution_id=execution_id)
        self._cutter = LineCutter(intake.limits.record_bytes)
        self._lines_done = 0
        self._under_way: tuple[asyncio.Future[BodyOutcome], int, int] | None = None

    async def run(self) -> Response:
        """The answer; when something breaks behind the first piece, the error's body says how far it came.

        By accepted, rejected, results, and linesDone: lines whose outcome is final, so that the next is to be sent.
        """
        try:
            await self._take_all()
        except RunlakeError as error:
            if not self._tally.total:
                raise
            answer = failure_response(error, f"{self._request.method} {self._request.url.path}")
            body: dict[str, Any] = msgspec.json.decode(bytes(answer.body))
            body["error"] |= {**self._tally.progress(), "linesDone": self._lines_done}
            headers = {name: value for name, value in answer.headers.items() if name == "retry-after"}
            if answer.status_code == 429:
                await drain(self._request)
            return Response(msgspec.json.encode(body), answer.status_code, headers, "application/json")
        if not self._tally.total:
            raise ApiError(400, "INVALID_BODY", "the body holds no record; send one JSON object a line")
        status, answer_bytes = self._tally.answer()
        return Response(answer_bytes, status, media_type="application/json")

    async def _take_all(self) -> None:
        try:
            async for block in blocks(self._request):
                await self._place.wait_for(len(block))
                kept_bytes = self._cutter.ready_bytes
                self._cutter.feed(block)
                await self._place.give(kept_bytes + len(block) - self._cutter.ready_bytes)
                if self._cutter.is_ready(PIECE_BYTES):
                    await self._hand_over(last=False)
            await self._hand_over(last=True)
        finally:
            await self._settle()

    async def _hand_over(self, *, last: bool) -> None:
        for piece in self._cutter.cut(last=last):
            records = await self._intake.read(piece.data) if piece.flaw is None else piece.flaw
            await self._settle()
            if len(records):
                outcome = await self._intake.put(records, self._principal, self._execution_id)
                self._under_way = (outcome, piece.lines, piece.size_bytes)
            else:
                self._lines_done += piece.lines
                await self._place.give(piece.size_bytes)
        if last:
            await self._settle()

    async def _settle(self) -> None:
        """Waits for the piece that is being written, and counts it."""
        if self._under_way is None:
            return
        (outcome, lines, size_bytes), self._under_way = self._under_way, None
        self._tally.add(await outcome)
        self._lines_done += lines
        await self._place.give(size_bytes)
