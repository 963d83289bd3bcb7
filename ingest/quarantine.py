"""Records that were refused, kept as they came until somebody mends the cause and retries them.

`<lake>/quarantine/` holds Parquet files (mode 0600: raw records may hold secrets); each is written whole or not at all.
An entry is known by its content and its place, so that the same bad file loaded twice adds nothing.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

ENTRIES: Final = pa.schema(
    [
        pa.field("key", pa.binary(16), nullable=False, metadata={"doc": "Hash of raw, file, line and index."}),
        pa.field("file", pa.string(), nullable=False, metadata={"doc": "The input's name; - for standard input."}),
        pa.field("line_no", pa.int64(), nullable=False, metadata={"doc": "Line of the record's first byte, from 1."}),
        pa.field("index", pa.int64(), metadata={"doc": "Place in its array, from 0. NULL: not in an array."}),
        pa.field("format", pa.string(), metadata={"doc": "runlake or n8n. NULL: refused before that was known."}),
        pa.field("field", pa.string(), metadata={"doc": "The field at fault. NULL: the whole record."}),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("value", pa.string(), metadata={"doc": "The value found, shortened. NULL: none."}),
        pa.field("rejected_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("raw", pa.binary(), nullable=False, metadata={"doc": "The record's bytes as they came."}),
    ]
)
"""One row is one refused record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One refused record."""

    file: str
    line_no: int
    index: int | None
    format: str | None
    field: str | None
    reason: str
    value: str | None
    rejected_at: datetime
    raw: bytes

    @property
    def key(self) -> bytes:
        """Identity: the content and where it stood."""
        place = f"\0{self.file}\0{self.line_no}\0{self.index}"
        return hashlib.blake2b(self.raw + place.encode("utf-8", "surrogateescape"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one file with one reason."""

    file: str
    field: str | None
    reason: str
    count: int
    first_line_no: int


class Quarantine:
    """The quarantine of one lake. One process at a time writes to it: the one that loads or retries."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: set[bytes] | None = None

    def add(self, entries: Sequence[Entry]) -> int:
        """Keep these, durably before it returns; how many were not there yet."""
        if not entries:
            return 0
        known = self._known()
        fresh: dict[bytes, Entry] = {}
        for entry in entries:
            if (key := entry.key) not in known:
                fresh[key] = entry
        if fresh:
            self._write(self._folder / f"{uuid.uuid4().hex}.parquet", list(fresh.values()))
            known.update(fresh)
        return len(fresh)

    def count(self) -> int:
        """How many records are in quarantine; from the files' footers alone."""
        return sum(pq.read_metadata(path).num_rows for path in self.files())

    def files(self) -> list[Path]:
        """The files of the quarantine, by name."""
        return sorted(self._folder.glob("*.parquet")) if self._folder.is_dir() else []

    def groups(self) -> list[Group]:
        """Counts by file, field and reason; most entries first."""
        found: dict[tuple[str, str | None, str], tuple[int, int]] = {}
        for entry in self.entries(with_raw=False):
            name = (entry.file, entry.field, entry.reason)
            count, line_no = found.get(name, (0, entry.line_no))
            found[name] = (count + 1, min(line_no, entry.line_no))
        groups = [Group(*name, count, line_no) for name, (count, line_no) in found.items()]
        return sorted(groups, key=lambda group: (-group.count, group.file, group.reason, group.field or ""))

    def entries(self, *, with_raw: bool = True) -> Iterator[Entry]:
        """All entries, file by file; `raw` is empty when it was not asked for."""
        for path in self.files():
            yield from self.read(path, with_raw=with_raw)

    def read(self, path: Path, *, with_raw: bool = True) -> Iterator[Entry]:
        """The entries of one file of the quarantine."""
        names = [name for name in ENTRIES.names if name != "key" and (with_raw or name != "raw")]
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256, columns=names):
                for row in batch.to_pylist():
                    yield Entry(**({"raw": b""} | row))

    def replace(self, path: Path, entries: Sequence[Entry]) -> None:
        """Put these in the place of what the file holds; none: the file goes."""
        self._keys = None
        if entries:
            self._write(path, entries)
        else:
            path.unlink(missing_ok=True)
            _sync_folder(self._folder)

    def _known(self) -> set[bytes]:
        if self._keys is None:
            self._keys = set()
            for path in self.files():
                self._keys.update(pq.read_table(path, columns=["key"]).column("key").to_pylist())
        return self._keys

    def _write(self, path: Path, entries: Sequence[Entry]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as sink:
            with pq.ParquetWriter(sink, ENTRIES, compression="zstd") as writer:
                for part in _parts(entries):
                    rows = [{name: getattr(entry, name) for name in ENTRIES.names} for entry in part]
                    writer.write_table(pa.Table.from_pylist(rows, schema=ENTRIES))
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(path)
        _sync_folder(self._folder)


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Row groups: some thousand entries, fewer of them when they are large."""
    first = size = 0
    for at, entry in enumerate(entries):
        size += len(entry.raw)
        if size > 32 << 20 or at - first >= 4096:
            yield entries[first : at + 1]
            first, size = at + 1, 0
    if first < len(entries):
        yield entries[first:]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
