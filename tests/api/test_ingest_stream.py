"""Streams of NDJSON: pieces, bounded room, what is said when they break off, and what happens when it is too much."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.writing.intake import PIECE_BYTES
from api.writing.line_cutter import LineCutter, LinePiece
from tests.api.serving import served
from tests.api.writing_app import JSON, LINES, app_over, narrow, serving, stored

PATH = "/v1/executions"
PADDING = "x" * 1000


def lines(numbers: range, **changes: Any) -> Iterator[bytes]:
    """A kilobyte each."""
    for number in numbers:
        yield json.dumps(narrow(number, workflowName=PADDING, **changes)).encode() + b"\n"


def chunks(parts: Iterator[bytes], size_bytes: int = 200_000) -> Iterator[bytes]:
    held = b""
    for part in parts:
        held += part
        if len(held) >= size_bytes:
            yield held
            held = b""
    yield held


def test_a_stream_longer_than_any_limit_is_taken_in_pieces(tmp_path: Path, hot_url: str) -> None:
    app = app_over(tmp_path, hot_url, max_body_mb=1, ingest_waiting_mb=12)
    most_bytes = 0
    with served(app) as client:
        room = app.state.intake.room

        def watched() -> Iterator[bytes]:
            nonlocal most_bytes
            for chunk in chunks(lines(range(20_000))):
                most_bytes = max(most_bytes, room.held_bytes)
                yield chunk

        answer = client.post(PATH, content=watched(), headers=LINES)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["accepted"], found["new"], found["rejected"]) == (20_000, 20_000, 0)
        assert (found["resultsComplete"], found["results"]) == (False, [])
        assert 0 < most_bytes <= 12 << 20
        assert (room.held_bytes, room.requests) == (0, 0)
    ids = [f"exec_{number}" for number in (0, 1, 9_999, 19_999)]
    assert sorted(stored(tmp_path, hot_url, ids)) == sorted(ids)


def test_of_many_records_only_the_rejected_ones_are_named(tmp_path: Path) -> None:
    body = b"".join(lines(range(10_050))) + b"no record\n"
    with serving(tmp_path) as client:
        answer = client.post(PATH, content=body, headers=LINES)
    assert answer.status_code == 207
    found = answer.json()
    assert (found["accepted"], found["rejected"], found["resultsComplete"]) == (10_050, 1, False)
    assert [one["index"] for one in found["results"]] == [10_050]


def test_a_stream_that_breaks_says_how_far_it_came(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(lines(range(12_000))), 1)
    cut = len(whole) * 3 // 4
    with serving(tmp_path, max_body_mb=1) as client:
        answer = client.post(PATH, content=whole[:cut], headers=LINES | {"Content-Encoding": "gzip"})
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert (error["code"], error["rejected"]) == ("INVALID_BODY", 0)
        done = error["linesDone"]
        assert PIECE_BYTES // 1200 < done < 9_100
        assert error["accepted"] == done
        # The line after is where to go on.
        rest = client.post(PATH, content=b"".join(lines(range(done, 12_000))), headers=LINES)
        assert (rest.status_code, rest.json()["new"], rest.json()["unchanged"]) == (200, 12_000 - done, 0)


def test_a_client_that_goes_away_loses_nothing_that_was_whole(tmp_path: Path, hot_url: str) -> None:
    class GoneError(Exception):
        pass

    def broken() -> Iterator[bytes]:
        yield from chunks(lines(range(9_000)))
        raise GoneError

    app = app_over(tmp_path, hot_url)
    with served(app) as client:
        with pytest.raises(GoneError):
            client.post(PATH, content=broken(), headers=LINES)
        # Only whole pieces were taken; the server is well and its room is free.
        again = client.post(PATH, content=b"".join(lines(range(9_000))), headers=LINES).json()
        assert again["accepted"] == 9_000
        assert (app.state.intake.room.held_bytes, app.state.intake.room.requests) == (0, 0)


def test_an_endless_line_is_refused_without_being_kept(tmp_path: Path) -> None:
    endless = b'{"id": "exec_big", "x": "' + b"y" * (3 << 20) + b'"}\n'

    def body() -> Iterator[bytes]:
        yield from chunks(lines(range(3)))
        for begin in range(0, len(endless), 100_000):
            yield endless[begin : begin + 100_000]
        yield from chunks(lines(range(3, 5)))

    with serving(tmp_path, max_record_mb=1) as client:
        answer = client.post(PATH, content=body(), headers=LINES)
        assert answer.status_code == 207, answer.text
        statuses = [one["status"] for one in answer.json()["results"]]
        assert statuses == ["new", "new", "new", "rejected", "new", "new"]
        reason = answer.json()["results"][3]["error"]["reason"]
        assert reason == f"the record has {len(endless)} bytes, at most 1048576 are allowed"
        alone = client.post(PATH, content=endless, headers=LINES)
        assert alone.status_code == 413


def test_too_much_at_once_is_told_to_come_back(tmp_path: Path, hot_url: str) -> None:
    app = app_over(tmp_path, hot_url, max_body_mb=1, ingest_waiting_mb=1)
    full, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"["
        for number in range(500):
            yield json.dumps(narrow(number, workflowName=PADDING)).encode() + b","
        full.set()
        assert go_on.wait(30)
        yield json.dumps(narrow(500)).encode() + b"]"

    with served(app) as client:
        answers: list[httpx.Response] = []
        sender = threading.Thread(target=lambda: answers.append(client.post(PATH, content=slow(), headers=JSON)))
        sender.start()
        assert full.wait(30)
        while app.state.intake.room.held_bytes < 500_000:
            assert sender.is_alive()
        body = json.dumps([narrow(number, workflowName=PADDING) for number in range(600, 1_100)]).encode()
        refused = client.post(PATH, content=body, headers=JSON)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "OVERLOADED")
        assert refused.headers["retry-after"] == "1"
        small = client.post(PATH, json=narrow(700))  # there is room for that
        assert small.status_code == 200
        go_on.set()
        sender.join(60)
        assert (answers[0].status_code, answers[0].json()["new"]) == (200, 501)
        assert client.post(PATH, content=body, headers=JSON).status_code == 200
    assert len(stored(tmp_path, hot_url, [f"exec_{number}" for number in range(1_100)])) == 501 + 500


def test_more_requests_than_may_wait_are_told_to_come_back(tmp_path: Path) -> None:
    app = app_over(tmp_path)
    with served(app) as client:
        app.state.intake.room.max_requests = 0
        refused = client.post(PATH, json=narrow(1))
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        app.state.intake.room.max_requests = 1
        assert client.post(PATH, json=narrow(1)).status_code == 200


@pytest.mark.parametrize("step", [1, 3, 7, 100])
def test_lines_are_cut_the_same_however_they_come(step: int) -> None:
    data = b"one\n\ntwo is longer\r\n" + b"z" * 50 + b"\nthree\nlast"
    cutter = LineCutter(30)
    pieces: list[LinePiece] = []
    for begin in range(0, len(data), step):
        cutter.feed(data[begin : begin + step])
        pieces += cutter.cut(last=False)
    pieces += cutter.cut(last=True)
    kept = b"".join(piece.data for piece in pieces)
    assert sum(piece.lines for piece in pieces) == 6
    if step == 100:  # it came whole: who takes the lines apart refuses the long one
        assert kept == data
    else:
        assert kept == data.replace(b"z" * 50 + b"\n", b"")
        flaws = [piece.flaw for piece in pieces if piece.flaw is not None]
        assert [flaw.flaws[0].reason for flaw in flaws] == ["the record has 50 bytes, at most 30 are allowed"]
    assert cutter.ready_bytes == 0
