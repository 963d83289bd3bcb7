"""Bad records are refused with a reason that says what and where; their neighbours go in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.load import load
from ingest.piece import Piece
from ingest.quarantine import Entry, Quarantine
from ingest.report import LoadOptions, LoadReport
from ingest.split import is_lines, split
from ingest.strict import refuse_loose
from tests.ingest.records_by_rule import lines, normalised, record, split_all
from warehouse.lake import Lake

DEEP = json.dumps(record(1, outputData="@")).replace('"@"', "[" * 10_000 + "]" * 10_000)
DEEP_OBJECTS = json.dumps(record(1, outputData="@")).replace('"@"', '{"a":' * 1001 + "1" + "}" * 1001)
WHOLE = json.dumps(record(1))

BY_SPLITTING: dict[str, tuple[str | bytes, str]] = {
    "nested 10,000 deep": (DEEP, "nested"),
    "objects nested 1,001 deep": (DEEP_OBJECTS, "nested"),
    "NaN": (WHOLE.replace("3.25", "NaN"), "NaN"),
    "Infinity": (WHOLE.replace("3.25", "-Infinity"), "Infinity"),
    "nan in a payload": (WHOLE.replace('"n": 1,', '"n": nan,', 1), "not JSON"),
    "trailing comma": (WHOLE[:-1] + ",}", "not JSON"),
    "trailing comma and space": (WHOLE[:-1] + ", }", "not JSON"),
    "not UTF-8": (WHOLE.encode().replace(b"Workflow 1", b"Workflow \xff"), "UTF-8"),
}
BY_FORMAT: dict[str, tuple[str, str | None, str]] = {
    "not JSON": ("not json", None, "not JSON"),
    "cut in the middle": (WHOLE[:100], None, "not JSON"),
    "two on a line": (WHOLE + WHOLE, None, "not JSON"),
    "an array": ("[1, 2]", None, "not an object"),
    "a number": ("5", None, "not an object"),
    "null": ("null", None, "not"),
    "empty object": ("{}", "id", "missing"),
    "half a surrogate pair": (WHOLE.replace("Workflow 1", "\\ud800"), None, "not JSON"),
    "a key twice": (WHOLE[:-1] + ', "status": "failed"}', "status", "twice"),
    "id twice": ('{"id": "other", ' + WHOLE[1:], "id", "twice"),
}
CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no id": ({"id": None}, "id", "missing"),
    "empty id": ({"id": ""}, "id", "empty"),
    "blank id": ({"id": "  "}, "id", "empty"),
    "id of 10 kB": ({"id": "x" * 10_000}, "id", "10000 bytes"),
    "id is an object": ({"id": {"a": 1}}, "id", "neither text nor a whole number"),
    "id is a fraction": ({"id": 1.5}, "id", "neither text nor a whole number"),
    "id is a boolean": ({"id": True}, "id", "neither text nor a whole number"),
    "workflow name is a number": ({"workflowName": 5}, "workflowName", "not text"),
    "workflow id is a list": ({"workflowId": ["a"]}, "workflowId", "neither text nor a whole number"),
    "no status": ({"status": None}, "status", "missing"),
    "unknown status": ({"status": "crashed"}, "status", "allowed: queued, running, success"),
    "status is a number": ({"status": 3}, "status", "allowed"),
    "unknown mode": ({"mode": "cron"}, "mode", "allowed: manual, trigger, webhook, scheduled, retry"),
    "no mode": ({"mode": None}, "mode", "missing"),
    "start is a number": ({"startedAt": 1772323200}, "startedAt", "ISO 8601"),
    "start is a word": ({"startedAt": "yesterday"}, "startedAt", "ISO 8601"),
    "start in year 1": ({"startedAt": "0001-01-01T00:00:00Z"}, "startedAt", "1970"),
    "start in year 9999": ({"startedAt": "9999-01-01T00:00:00Z"}, "startedAt", "2261"),
    "a 13th month": ({"createdAt": "2026-13-01T00:00:00Z"}, "createdAt", "ISO 8601"),
    "infinite": ({"stoppedAt": "infinity"}, "stoppedAt", "ISO 8601"),
    "stopped before started": ({"stoppedAt": "2026-02-01T00:00:00Z"}, "stoppedAt", "before it started"),
    "negative duration": ({"duration": -0.5}, "duration", "between 0 and"),
    "absurd duration": ({"duration": 1e12}, "duration", "ten years"),
    "absurd time between": ({"stoppedAt": "2200-01-01T00:00:00Z", "duration": None}, "stoppedAt", "ten years"),
    "duration is text": ({"duration": "3.25"}, "duration", "not a number"),
    "duration beyond a double": ({"duration": "@1e999"}, "duration", "not a number"),
    "duration beyond 64 bits": ({"duration": 10**40}, "duration", "between 0 and"),
    "no instant at all": ({"startedAt": None, "createdAt": None, "stoppedAt": None}, "startedAt", "says when"),
    "trigger is text": ({"trigger": "webhook"}, "trigger", "not an object"),
    "error is a list": ({"error": ["x"]}, "error", "not an object"),
    "node data is an object": ({"executionData": {"a": 1}}, "executionData", "not an array"),
    "node data of numbers": ({"executionData": [1]}, "executionData[0].nodeId", "neither"),
    "node status": ({"executionData": [{"nodeId": "a", "status": "success"}, {"nodeId": "a", "status": "x"}]},
                    "executionData[1].status", "allowed"),
    "node duration": ({"executionData": [{"nodeId": "a", "status": "success", "duration": -1}]},
                      "executionData[0].duration", "between"),
    "node stopped before": ({"executionData": [{"nodeId": "a", "status": "success", "startedAt": "2026-03-02",
                             "stoppedAt": "2026-03-01"}]}, "executionData[0].stoppedAt", "before it started"),
    "retry count beyond 64 bits": ({"metadata": {"retryCount": 2**70}}, "metadata.retryCount", "whole number"),
    "retry count is a fraction": ({"metadata": {"retryCount": 1.5}}, "metadata.retryCount", "whole number"),
    "bytes beyond 64 bits": ({"metadata": {"dataTransferred": 2**63}}, "metadata.dataTransferred", "whole number"),
    "negative queue time": ({"metadata": {"queueTime": -1}}, "metadata.queueTime", "between"),
    "memory is text": ({"metadata": {"memoryUsage": "12"}}, "metadata.memoryUsage", "number of MiB"),
    "log level": ({"logs": [{"timestamp": "2026-03-01", "level": "loud", "message": "x"}]}, "logs[0].level", "allowed"),
    "logs is text": ({"logs": "x"}, "logs", "not an array"),
    "custom data is a list": ({"customData": [1]}, "customData", "not an object"),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_SPLITTING)
def test_refused_before_any_format_looks(name: str) -> None:
    bad, reason = BY_SPLITTING[name]
    pieces: list[Piece] = [refuse_loose(piece) for piece in split(iter([lines(record(0), bad, record(2))]))]
    assert [json.loads(text)["id"] for piece in pieces for text in piece.raw.to_pylist()] == [
        "exec_00000",
        "exec_00002",
    ]
    flaws = [flaw for piece in pieces for flaw in piece.flaws]
    assert [(flaw.raw, flaw.line_no) for flaw in flaws] == [(bad if isinstance(bad, bytes) else bad.encode(), 2)]
    assert reason in flaws[0].reason


@pytest.mark.parametrize("name", BY_FORMAT)
def test_refused_as_no_record(name: str) -> None:
    bad, field, reason = BY_FORMAT[name]
    _assert_refused(bad, field, reason)


@pytest.mark.parametrize("name", CHANGES)
def test_refused_for_a_field(name: str) -> None:
    changes, field, reason = CHANGES[name]
    _assert_refused(json.dumps(record(1, **changes)).replace('"@1e999"', "1e999"), field, reason)


def _assert_refused(bad: str, field: str | None, reason: str) -> None:
    result = normalised(record(0), bad, record(2))
    assert result.batch.executions.column("id").to_pylist() == ["exec_00000", "exec_00002"]
    rejects = result.rejects.to_pylist()
    assert [(reject["record_no"], reject["field"]) for reject in rejects] == [(1, field)]
    assert reason in rejects[0]["reason"]
    assert len(rejects[0]["value"] or "") <= 201
    assert set(result.batch.node_runs.column("record_no").to_pylist()) == {0, 2}


def test_words_like_nan_in_texts_are_no_fault(tmp_path: Path) -> None:
    names = ["Nancy: NaN, Infinity", 'a "x":nan, y', "[inf]", ",]", ", }"]
    report, entries = _load(tmp_path, lines(*[record(at, workflowName=name) for at, name in enumerate(names)]))
    assert (report.new, entries) == (len(names), [])


def test_a_payload_of_50_mb_goes_in(tmp_path: Path) -> None:
    large = record(1, outputData="y" * 50_000_000)
    report, entries = _load(tmp_path, lines(record(0), large, record(2)))
    assert (report.read, report.new, entries) == (3, 3, [])


def _load(folder: Path, data: bytes, **options: Any) -> tuple[LoadReport, list[Entry]]:
    folder.mkdir(exist_ok=True)
    (folder / "in.ndjson").write_bytes(data)
    lake = Lake.open(folder / "lake", create=True)
    report = load(lake, [folder / "in.ndjson"], LoadOptions(**options))
    assert report.read == report.new + report.updated + report.unchanged + report.rejected
    return report, list(Quarantine(lake.folder("quarantine")).entries())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=8))
def test_mutated_bytes_never_crash_and_never_lose_a_record(cuts: list[tuple[int, bytes, int]]) -> None:
    data = bytearray(lines(*[record(number) for number in range(5)]))
    for at, put, gone in cuts:
        at %= len(data)
        data[at : at + gone] = put
    accepted = rejected = total = 0
    for piece in map(refuse_loose, split(iter([bytes(data)]))):
        rejected += len(piece.flaws)
        if len(piece):
            result = normalised(*piece.raw.to_pylist())
            total += len(piece)
            accepted += result.batch.executions.num_rows
            rejected += result.rejects.num_rows
    if is_lines(bytes(data)):
        assert accepted + rejected == sum(1 for line in bytes(data).split(b"\n") if line.strip())
    else:  # read as documents, where a line break inside one is no border: then every byte is in a record or a reject
        pieces = list(split(iter([bytes(data)])))
        kept = [text.encode() for piece in pieces for text in piece.raw.to_pylist()]
        kept += [flaw.raw for piece in pieces for flaw in piece.flaws]
        lost_bytes = len(_solid(bytes(data))) - len(_solid(b"".join(kept)))
        # Where the file is one array its own two brackets belong to no record.
        assert lost_bytes in ((0, 1, 2) if data.lstrip().startswith(b"[") else (0,))
    assert split_all(bytes(data))


def _solid(data: bytes) -> bytes:
    return data.translate(None, b" \t\n\r\x0b\x0c,")
