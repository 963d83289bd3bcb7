"""Loading: every shape and compression, the same lake whatever the order, nothing lost, nothing twice."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.load import load
from ingest.quarantine import Quarantine
from ingest.report import LoadOptions, LoadReport, TooManyRejectsError
from tests.ingest.records_by_rule import lines, record, write
from tests.warehouse.hot_helpers import all_of
from warehouse.errors import BadInputError
from warehouse.lake import Lake

RECORDS = [record(number) for number in range(40)]


def _lake(folder: Path) -> Lake:
    return Lake.open(folder, create=True)


def _content(lake: Lake) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the four tables, in the lake and in its hot store."""
    return {
        table: sorted((tuple(row.values()) for row in rows.to_pylist()), key=str)
        for table, rows in all_of(lake).items()
    }


def _checked(report: LoadReport) -> LoadReport:
    assert report.read == report.new + report.updated + report.unchanged + report.rejected
    assert report.read == sum(file.records for file in report.files)
    assert report.rejected == sum(file.rejected for file in report.files)
    return report


def _zstd(data: bytes) -> bytes:
    packed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return packed


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "a.ndjson": lambda data: data,
    "a.jsonl": lambda data: b"\xef\xbb\xbf" + data,
    "a.ndjson.gz": gzip.compress,
    "a.json.gz": lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:]),
    "a.jsonl.zst": _zstd,
    "no-suffix": gzip.compress,
}


@pytest.mark.parametrize("name", PACKED)
def test_every_compression(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(PACKED[name](lines(*RECORDS)))
    report = _checked(load(_lake(tmp_path / "lake"), [tmp_path / name]))
    assert (report.read, report.new) == (40, 40)
    assert report.bytes_read == (tmp_path / name).stat().st_size
    assert report.files[0].format == "runlake"


def test_a_folder_is_read_in_depth_and_standard_input_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write(tmp_path / "in" / "deep" / "b.ndjson", *RECORDS[:5])
    (tmp_path / "in" / "a.json").write_text(json.dumps({"data": RECORDS[5:9], "nextCursor": None}, indent=2))
    (tmp_path / "in" / "notes.txt").write_text("not for us")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines(*RECORDS[9:12]))))
    report = _checked(load(_lake(tmp_path / "lake"), [tmp_path / "in", "-"]))
    assert (report.new, report.rejected) == (12, 0)
    assert [Path(file.name).name for file in report.files] == ["a.json", "b.ndjson", "-"]


def test_a_path_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="there is no file or folder"):
        load(_lake(tmp_path / "lake"), [tmp_path / "missing.ndjson"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match=r"holds no file to ingest.*\.ndjson"):
        load(_lake(tmp_path / "lake"), [tmp_path / "empty"])


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstd"])
def test_a_cut_file_gives_what_can_be_read(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    many = [record(number) for number in range(4000)]
    whole = pack(lines(*many))
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) * 2 // 3])
    lake = _lake(tmp_path / "lake")
    report = _checked(load(lake, [tmp_path / "cut.gz", write(tmp_path / "next.ndjson", record(9999))]))
    assert 1000 < report.new < 4000
    assert 1 <= report.rejected <= 2
    reasons = [entry.reason for entry in Quarantine(lake.folder("quarantine")).entries()]
    assert any("cannot be read on" in reason for reason in reasons)


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake")
    path = write(tmp_path / "a.ndjson", *RECORDS)
    assert _checked(load(lake, [path])).new == 40
    before, version = _content(lake), lake.snapshot().version
    assert _checked(load(lake, [path])).unchanged == 40
    assert _content(lake) == before
    assert lake.snapshot().version == version


def test_the_order_and_the_cut_into_batches_do_not_matter(tmp_path: Path) -> None:
    newer = [record(number, workflowName="Newer", updatedAt="2026-09-01T00:00:00Z") for number in range(0, 40, 7)]
    everything = [*RECORDS, *newer, record(3, executionData=None), record(4, status="running", updatedAt=None)]
    one = _lake(tmp_path / "one")
    _checked(load(one, [write(tmp_path / "a.ndjson", *everything)]))
    other = _lake(tmp_path / "other")
    options = LoadOptions(block_bytes=2000, batch_bytes=1)
    _checked(load(other, [write(tmp_path / "b.ndjson", *everything[::-1])], options))
    _checked(load(other, [tmp_path / "b.ndjson"], options))
    assert _content(one) == _content(other)
    names = {row[0] for row in one.session.fork().rows("SELECT 'Newer'")}
    assert names == {"Newer"}


def test_killed_half_way_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ingest.load as load_module

    files = [write(tmp_path / f"{at}.ndjson", *RECORDS[at * 10 : at * 10 + 10], "junk") for at in range(4)]
    monkeypatch.setattr(load_module, "PIECE_BYTES", 1)
    whole = _lake(tmp_path / "whole")
    load(whole, files)
    lake = _lake(tmp_path / "lake")
    written = 0
    original = Lake.load

    def dying(self: Lake, batch: Any) -> Any:
        nonlocal written
        written += 1
        if written == 3:
            raise KeyboardInterrupt
        return original(self, batch)

    monkeypatch.setattr(Lake, "load", dying)
    with pytest.raises(KeyboardInterrupt):
        load(lake, files, LoadOptions(batch_bytes=1))
    monkeypatch.setattr(Lake, "load", original)
    assert 0 < len(_content(lake)["executions"]) < 40
    report = _checked(load(lake, files, LoadOptions(batch_bytes=1)))
    assert report.new + report.unchanged == 40
    assert _content(lake) == _content(whole)
    assert Quarantine(lake.folder("quarantine")).count() == 4


def test_max_rejects_stops_and_keeps_what_was_written(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake")
    path = write(tmp_path / "a.ndjson", *RECORDS[:5], "junk", "junk 2", *RECORDS[5:])
    with pytest.raises(TooManyRejectsError, match="2 records were rejected, at most 1") as raised:
        load(lake, [path], LoadOptions(max_rejects=1))
    assert raised.value.report.rejected == 2
    assert len(_content(lake)["executions"]) == raised.value.report.new
    assert _checked(load(lake, [path], LoadOptions(max_rejects=2))).rejected == 2


def test_what_is_no_execution_says_what_it_looks_like(tmp_path: Path) -> None:
    lake = _lake(tmp_path / "lake")
    workflows = {
        "data": [{"id": "w1", "name": "A", "active": True, "nodes": [], "connections": {}}],
        "nextCursor": None,
    }
    (tmp_path / "workflows.json").write_text(json.dumps(workflows))
    (tmp_path / "summary.json").write_text(json.dumps({"total": {"value": 5}, "failed": {"value": 1}}))
    report = _checked(load(lake, [tmp_path / "workflows.json", tmp_path / "summary.json"]))
    assert (report.read, report.rejected) == (2, 2)
    reasons = sorted(entry.reason for entry in Quarantine(lake.folder("quarantine")).entries())
    assert "--workflows" in reasons[0]
    assert "keys total, failed" in reasons[1]


def test_n8n_is_recognised(tmp_path: Path) -> None:
    item = {
        "id": "7", "finished": True, "mode": "webhook", "status": "success", "retryOf": None, "retrySuccessId": None,
        "startedAt": "2026-11-23T16:44:02.638Z", "stoppedAt": "2026-11-23T16:44:04.638Z", "workflowId": "wf1",
        "waitTill": None,
    }  # fmt: skip
    (tmp_path / "page.json").write_text(json.dumps({"data": [item], "nextCursor": None}))
    report = _checked(load(_lake(tmp_path / "lake"), [tmp_path / "page.json", write(tmp_path / "c.ndjson", record(1))]))
    assert [file.format for file in report.files] == ["n8n", "runlake"]
    assert report.new == 2


def test_progress_counts_up_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None, int, int]] = []
    path = write(tmp_path / "a.ndjson", *RECORDS, "junk")
    load(_lake(tmp_path / "lake"), [path], LoadOptions(block_bytes=4000), progress=lambda *args: seen.append(args))
    size = path.stat().st_size
    assert seen == sorted(seen)
    assert seen[-1][:3] == (size, size, 41)
