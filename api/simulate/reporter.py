"""Reports and log lines on their way: batches of what waits, sent again until they are acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
import msgspec

from api.simulate.board import Board
from api.simulate.link import AgainError, Link, said
from api.simulate.outbox import LogBox, Outbox, Report
from warehouse.errors import BadInputError

PATH: Final = "/v1/executions"
MAX_BATCH: Final = 1_000
"""Reports of one request."""
LINGER_S: Final = 0.03
"""How long a report waits for others to go with it."""
SENDERS: Final = 2
"""Requests with reports under way at a time. The server writes together what comes while it writes."""
LOGS_WAITING: Final = 16
"""Executions with unposted log lines from which on the lines go with the reports, which costs no requests."""
LOG_POSTS: Final = 16
"""Requests with log lines under way at a time."""
_LOGS_SHARE: Final = 0.25
"""Of the time may be spent on posting log lines while executions run: reports are not to wait for them."""
_LOGS_EVERY_S: Final = 1.0

_LINES: Final = {"Content-Type": "application/x-ndjson"}


class _Result(msgspec.Struct):
    """What became of one record."""

    index: int
    status: str
    error: dict[str, str | None] | None = None


class _Answer(msgspec.Struct):
    """What a request with records is answered; inside `error` when none was accepted."""

    results: list[_Result] = []
    linesDone: int | None = None  # noqa: N815 - the contract's name
    error: _Answer | None = None
    accepted: int | None = None


class Reporter:
    """For one event loop; not for threads."""

    def __init__(self, link: Link, outbox: Outbox, logs: LogBox, board: Board, clock_s: Callable[[], float]) -> None:
        self._link = link
        self._outbox = outbox
        self._logs = logs
        self._board = board
        self._clock_s = clock_s
        self._encoder = msgspec.json.Encoder()
        self._lines_under_way = 0

    @property
    def is_idle(self) -> bool:
        """All is acknowledged."""
        return not len(self._outbox) and not len(self._logs) and not self._lines_under_way

    async def send_reports(self) -> None:
        """Send what waits, without end."""
        while True:
            await self._outbox.some()
            await asyncio.sleep(LINGER_S)
            reports = self._outbox.take(MAX_BATCH)
            if reports:
                await self._send(reports)

    async def send_lines(self) -> None:
        """Post log lines, without end: those of a few executions side by side, which the server writes together."""
        while True:
            ids = await self._logs.some(LOG_POSTS)
            begun_s = self._clock_s()
            await asyncio.gather(*(self._post_lines(one) for one in ids))
            if self._board.active:
                took_s = self._clock_s() - begun_s
                await asyncio.sleep(max(took_s * (1 / _LOGS_SHARE - 1), _LOGS_EVERY_S))

    async def _post_lines(self, id: str) -> None:
        lines = self._logs.take(id)
        self._lines_under_way += 1
        try:
            answer = await self._link.ask("POST", f"{PATH}/{id}/logs", content=self._ndjson(lines), headers=_LINES)
        except AgainError:
            self._logs.give_back(id, lines, known=True)
        else:
            self._lines_posted(id, len(lines), answer)
        finally:
            self._lines_under_way -= 1

    async def _send(self, reports: list[Report]) -> None:
        self._add_lines(reports)
        body = self._ndjson([report.record for report in reports])
        try:
            answer = await self._link.ask("POST", PATH, content=body, headers=_LINES)
        except AgainError as error:
            done = 0 if error.answer is None else self._settle_some(reports, error.answer)
            self._give_back(reports[done:])
            return
        found = _read(answer)
        if found is None:
            raise BadInputError(
                f"the server at --server does not take records: {answer.status_code}, {said(answer)}", field="--server"
            )
        self._settle(reports, found)

    def _add_lines(self, reports: Sequence[Report]) -> None:
        """Let log lines go with the reports while there are too many to post."""
        for report in reports:
            if len(self._logs) >= LOGS_WAITING and (lines := self._logs.take(report.id)):
                report.record["logs"] = lines

    def _give_back(self, reports: Sequence[Report]) -> None:
        for report in reports:
            self._logs.give_back(report.id, report.record.pop("logs", ()), known=False)
        self._outbox.give_back(reports)

    def _settle_some(self, reports: Sequence[Report], answer: httpx.Response) -> int:
        """Of a request that broke off: settle those that the server says are done; how many."""
        found = _read(answer)
        done = min((found.linesDone or 0) if found else 0, len(reports))
        if found is not None and done:
            self._settle(reports[:done], found)
        return done

    def _settle(self, reports: Sequence[Report], answer: _Answer) -> None:
        refused = {result.index: result.error for result in answer.results if result.status == "rejected"}
        self._board.now_s = self._clock_s()
        for index, report in enumerate(reports):
            if index in refused:
                self._refused(report, refused[index] or {})
            else:
                self._board.acknowledged(report.id, str(report.record["status"]), report.since_s)
                self._board.log_lines += len(report.record.get("logs", ()))
                self._logs.know(report.id, ended=report.kind == "ended")
            self._outbox.settle(report, index not in refused)
        self._board.waiting = len(self._outbox)

    def _refused(self, report: Report, error: dict[str, str | None]) -> None:
        self._logs.take(report.id)  # the server knows no execution that they belong to
        if not self._board.rejected:
            self._board.happened(
                "trouble", f"the server refuses {report.id}: {error.get('field')}: {error.get('reason')}"
            )
        self._board.rejected += 1

    def _lines_posted(self, id: str, lines: int, answer: httpx.Response) -> None:
        found = _read(answer)
        accepted = found.accepted if found is not None and found.accepted is not None else 0
        self._board.log_lines += accepted
        if accepted < lines:
            if not self._board.log_lines_refused:
                self._board.happened("trouble", f"the server refuses log lines of {id}: {said(answer)}")
            self._board.log_lines_refused += lines - accepted

    def _ndjson(self, records: Sequence[dict[str, Any]]) -> bytes:
        return b"".join(part for record in records for part in (self._encoder.encode(record), b"\n"))


def _read(answer: httpx.Response) -> _Answer | None:
    """The counts and results of an answer. None: it has none, so that it is none of an ingest."""
    try:
        found = msgspec.json.decode(answer.content, type=_Answer)
    except msgspec.DecodeError:
        return None
    told = found.error or found
    return told if told.accepted is not None else None
