"""What was refused is kept as it came, once, readable by its owner alone, and can be tried again."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.load import load
from ingest.quarantine import Entry, Quarantine
from ingest.retry import retry
from tests.ingest.records_by_rule import START, lines, record, write
from warehouse.lake import Lake


def _entry(number: int, raw: bytes = b"\xff{") -> Entry:
    return Entry("a.ndjson", number, None, "runlake", "status", f"reason {number % 2}", "x", START, raw)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    lake = Lake.open(tmp_path / "lake", create=True)
    yield lake
    lake.close()


def test_entries_come_back_as_they_were(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q")
    assert quarantine.count() == 0
    entries = [_entry(1), _entry(2, b"\x00"), replace(_entry(3), index=7, format=None, field=None, value=None)]
    assert quarantine.add(entries) == 3
    assert list(Quarantine(tmp_path / "q").entries()) == entries
    assert [entry.raw for entry in quarantine.entries(with_raw=False)] == [b"", b"", b""]


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q")
    quarantine.add([_entry(1)])
    assert [stat.S_IMODE(path.stat().st_mode) for path in quarantine.files()] == [0o600]


def test_the_same_record_at_the_same_place_is_kept_once(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q")
    assert quarantine.add([_entry(1), _entry(1), _entry(2)]) == 2
    assert quarantine.add([_entry(2)]) == 0
    assert Quarantine(tmp_path / "q").add([replace(_entry(1), reason="another"), _entry(3)]) == 1
    assert quarantine.count() == 3


def test_groups_count_by_file_and_reason(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q")
    quarantine.add([_entry(number) for number in (5, 3, 2)])
    assert [(group.reason, group.count, group.first_line_no) for group in quarantine.groups()] == [
        ("reason 1", 2, 3), ("reason 0", 1, 2),
    ]  # fmt: skip


def test_loading_the_same_bad_file_twice_adds_nothing(lake: Lake, tmp_path: Path) -> None:
    path = write(tmp_path / "in.ndjson", record(0), "junk", record(1, status="odd"), b"\xff\xfe")
    first = load(lake, [path])
    assert (first.new, first.rejected) == (1, 3)
    again = load(lake, [path])
    assert (again.unchanged, again.rejected) == (1, 3)
    entries = list(Quarantine(lake.folder("quarantine")).entries())
    assert sorted(entry.raw for entry in entries if entry.field is None) == [b"junk", b"\xff\xfe"]
    assert {(entry.line_no, entry.field) for entry in entries} == {(2, None), (3, "status"), (4, None)}
    assert {entry.file for entry in entries} == {str(path)}


def test_retry_takes_what_is_accepted_now(lake: Lake, tmp_path: Path) -> None:
    path = write(tmp_path / "in.ndjson", record(0), record(1), "junk", record(2, status="odd"))
    raws = path.read_bytes().split(b"\n")[:4]
    quarantine = Quarantine(lake.folder("quarantine"))
    quarantine.add([replace(_entry(at, raw), file=str(path), format=None) for at, raw in enumerate(raws, 1)])
    done = retry(lake)
    assert (done.read, done.new, done.rejected) == (4, 2, 2)
    assert [(entry.raw, entry.field) for entry in quarantine.entries()] == [(b"junk", "status"), (raws[3], "status")]
    assert "unknown status" in list(quarantine.entries())[1].reason
    assert retry(lake).rejected == 2
    assert load(lake, [path]).unchanged == 2


def test_a_retry_that_dies_before_the_quarantine_is_changed_can_be_made_again(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine = Quarantine(lake.folder("quarantine"))
    raw = lines(record(0)).strip()
    quarantine.add([replace(_entry(1, raw), format=None), _entry(2)])
    with monkeypatch.context() as patch:
        patch.setattr(Quarantine, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            retry(lake)
    assert quarantine.count() == 2
    done = retry(lake)
    assert (done.new, done.unchanged, done.rejected) == (0, 1, 1)


def test_a_draft_left_by_a_dead_process_is_no_file_of_the_quarantine(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q")
    quarantine.add([_entry(1)])
    (tmp_path / "q" / "x.draft").write_bytes(b"half")
    assert quarantine.count() == 1
