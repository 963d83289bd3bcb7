"""Which data files hold an execution's id, and in which row: for each file of `executions` the sorted 64-bit hashes of
its ids and their row numbers.

They are a pure function of the immutable file, so they are made once, kept beside its rollup and mapped into
memory. A hash can belong to two ids: a file that holds the hash is a candidate, and only reading it tells.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.derived import write_atomically
from warehouse.duck import Session
from warehouse.histogram import Ints
from warehouse.lru import Lru
from warehouse.snapshot import DataFile

Hashes = npt.NDArray[np.uint64]

SUFFIX: Final = ".ids2.npy"
"""The number changes with what the array holds; arrays of another one are made again."""

_SEED: Final = 0x9E3779B97F4A7C15
_FIRST: Final = np.uint64(0xFF51AFD7ED558CCD)
_SECOND: Final = np.uint64(0xC4CEB9FE1A85EC53)
_BITS_PER_ID: Final = 16
_MANY_IDS: Final = 64
"""From so many ids on, the bits of a file are made: they rule most ids out at a quarter of a search's cost."""


def id_hashes(ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> Hashes:
    """A 64-bit number for each id, in their order: the same on every machine and with every version of a library.

    Ids must not be NULL. Some 30 ns an id; ids of equal length are worked on together.
    """
    if not isinstance(ids, (pa.Array, pa.ChunkedArray)):
        ids = pa.array(ids, pa.string())
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    parts = [_chunk_hashes(chunk.cast(pa.binary())) for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _chunk_hashes(texts: pa.Array) -> Hashes:
    _, offset_buffer, text_buffer = texts.buffers()
    if not len(texts):
        return np.zeros(0, np.uint64)
    offsets = np.frombuffer(offset_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    text = np.frombuffer(text_buffer, np.uint8) if text_buffer is not None else np.zeros(0, np.uint8)
    lengths = np.diff(offsets)
    hashes = np.empty(len(texts), np.uint64)
    for length in np.unique(lengths).tolist():
        chosen = np.flatnonzero(lengths == length)
        if len(chosen) == len(texts):  # no id has another length: they lie one after the other
            letters = text[offsets[0] : offsets[-1]].reshape(len(texts), length)
        else:
            letters = text[offsets[:-1][chosen, None] + np.arange(length)]
        words = np.zeros((len(chosen), math.ceil(length / 8) * 8), np.uint8)
        words[:, :length] = letters
        hashes[chosen] = _mixed(words.view("<u8"), length)
    return hashes


def _mixed(words: npt.NDArray[Any], length: int) -> Hashes:
    """The rows of 64-bit words as one number each: the rounds of MurmurHash3's finaliser, a word a round."""
    hashes = np.full(len(words), _SEED ^ length, np.uint64)
    for column in range(words.shape[1]):
        hashes ^= words[:, column]
        hashes ^= hashes >> np.uint64(33)
        hashes *= _FIRST
        hashes ^= hashes >> np.uint64(33)
        hashes *= _SECOND
    hashes ^= hashes >> np.uint64(33)
    return hashes


@dataclass(slots=True)
class _FileIds:
    """The hashes of one file, ascending, the row of each, and, once many ids are asked for, a bit for each range."""

    hashes: Hashes
    rows: npt.NDArray[np.uint32]
    bits: npt.NDArray[np.uint8] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes, those of the bits counted from the beginning."""
        return int(self.hashes.nbytes) + int(self.rows.nbytes) + len(self.hashes) * _BITS_PER_ID // 4

    def rows_of(self, wanted: np.uint64) -> list[int]:
        """Row numbers of the ids with this hash."""
        first, last = (int(np.searchsorted(self.hashes, wanted, side)) for side in ("left", "right"))
        found: list[int] = self.rows[first:last].tolist()
        return found

    def holds(self, wanted: Hashes) -> Ints:
        """Positions of those of the ascending hashes that are here."""
        maybe = np.arange(len(wanted)) if len(wanted) < _MANY_IDS else self._maybe(wanted)
        if not len(maybe) or not len(self.hashes):
            return maybe[:0]
        place = np.searchsorted(self.hashes, wanted[maybe])
        place[place == len(self.hashes)] = 0
        is_here: npt.NDArray[np.bool_] = self.hashes[place] == wanted[maybe]
        return maybe[is_here]

    def _maybe(self, wanted: Hashes) -> Ints:
        width = max(3, (len(self.hashes) * _BITS_PER_ID - 1).bit_length())
        shift = np.uint64(64 - width)
        if self.bits is None:
            occupied = np.zeros(1 << width, np.bool_)
            occupied[self.hashes >> shift] = True
            self.bits = np.packbits(occupied, bitorder="little")
        places = (wanted >> shift).astype(np.int64)
        return np.flatnonzero(self.bits[places >> 3] & (1 << (places & 7)).astype(np.uint8))


class IdIndex:
    """The ids of data files of `executions`. Safe for several threads, each with a session of its own."""

    def __init__(self, folder: Path, *, limit_bytes: int = 2 << 30) -> None:
        """An index kept in `folder` (made if it is missing); anything in it may be deleted at any time.

        limit_bytes: how much of it stays mapped. Mapped pages are the system's to take back.
        """
        self._folder = folder
        self._known: Lru[str, _FileIds] = Lru(limit_bytes)

    def candidates(
        self, session: Session, files: Sequence[DataFile], ids: pa.Array | pa.ChunkedArray | Sequence[str]
    ) -> dict[DataFile, list[int]]:
        """The files that may hold any of these ids, and at which positions in `ids` those stand.

        A file that is not named holds none. A false candidate is as likely as two equal numbers of 64 bits.
        Cost: 5 ms for 1,000 ids in 90 files of 10 million executions (none in files whose range of ids leaves them
        out); a file not asked before is read once, some 0.3 s a million executions.
        """
        if not len(ids):
            return {}
        texts = ids if isinstance(ids, (pa.Array, pa.ChunkedArray)) else pa.array(ids, pa.string())
        files = _overlapping(files, texts)
        if not files:
            return {}
        hashes = id_hashes(texts)
        order = np.argsort(hashes)
        ascending = hashes[order]
        found: dict[DataFile, list[int]] = {}
        for file, known in zip(files, self._all(session, files), strict=True):
            held = known.holds(ascending)
            if len(held):
                found[file] = np.sort(order[held]).tolist()
        return found

    def rows(self, session: Session, files: Sequence[DataFile], id: str) -> list[tuple[DataFile, int]]:
        """Where the id may be: files and row numbers in them. Nearly always one, none for an id that is not there."""
        texts = pa.array([id], pa.string())
        files = _overlapping(files, texts)
        (wanted,) = id_hashes(texts)
        known = zip(files, self._all(session, files), strict=True)
        return [(file, row) for file, ids in known for row in ids.rows_of(wanted)]

    def lookup(self, session: Session, files: Sequence[DataFile], ids: Sequence[str]) -> dict[DataFile, list[str]]:
        """The files that hold any of these ids and which; every candidate is read. `ids` without repetitions."""
        found: dict[DataFile, list[str]] = {}
        for file, positions in self.candidates(session, files, ids).items():
            wanted = pa.array([ids[position] for position in positions], pa.string())
            with session.tables(wanted=pa.table({"id": wanted})):
                held = session.table(
                    "SELECT id FROM read_parquet($path) SEMI JOIN wanted USING (id)", {"path": file.path}
                )
            if held.num_rows:
                found[file] = held["id"].to_pylist()
        return found

    def forget(self, live: Iterable[str]) -> None:
        """Drop from memory what belongs to none of these data files."""
        names = set(live)
        self._known.drop(lambda name: name not in names)

    def load(self, session: Session, files: Sequence[DataFile]) -> None:
        """Have the ids of these files at hand; missing ones are made."""
        self._all(session, files)

    def _all(self, session: Session, files: Sequence[DataFile]) -> list[_FileIds]:
        """The ids of each file; missing and unreadable ones are made first."""
        found = [self._known.get(file.name) or self._open(file) for file in files]
        missing = [file for file, known in zip(files, found, strict=True) if known is None]
        if len(missing) == 1:
            made = [self._make(session, missing[0])]
        elif missing:
            with ThreadPoolExecutor(4, "ids") as pool:  # the hashing is numpy's, so that reading hides behind it
                made = list(pool.map(lambda file: self._make_apart(session, file), missing))
        else:
            made = []
        fresh = iter(made)
        return [known or next(fresh) for known in found]

    def _open(self, file: DataFile) -> _FileIds | None:
        try:
            stored = np.load(index_path(self._folder, file.name), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None  # absent or cut off: derived data, so it is made again
        if stored.dtype != np.uint64 or stored.shape != (file.rows + (file.rows + 1) // 2,):
            return None
        return self._remember(file, stored)

    def _make_apart(self, session: Session, file: DataFile) -> _FileIds:
        own = session.fork()
        try:
            return self._make(own, file)
        finally:
            own.close()

    def _make(self, session: Session, file: DataFile) -> _FileIds:
        ids = session.table("SELECT id FROM read_parquet($path)", {"path": file.path}, time_limit_s=0)["id"]
        hashes = id_hashes(ids)
        order = np.argsort(hashes, kind="stable")
        rows = np.zeros(len(order) + len(order) % 2, np.uint32)  # two in the place of a hash
        rows[: len(order)] = order
        array = np.concatenate([hashes[order], rows.view(np.uint64)])
        stored = io.BytesIO()
        np.save(stored, array, allow_pickle=False)
        write_atomically(index_path(self._folder, file.name), stored.getvalue())
        return self._remember(file, array)

    def _remember(self, file: DataFile, stored: Hashes) -> _FileIds:
        known = _FileIds(stored[: file.rows], stored[file.rows :].view(np.uint32)[: file.rows])
        self._known.put(file.name, known)
        return known


def index_path(folder: Path, name: str) -> Path:
    """Where the ids of the data file of that name are kept."""
    return folder / (quote(name, safe="=") + SUFFIX)


def _overlapping(files: Sequence[DataFile], ids: pa.Array | pa.ChunkedArray) -> list[DataFile]:
    """The files whose range of ids, as the log says it, meets that of these; ids compare as UTF-8."""
    ends = pc.min_max(ids).as_py()
    return [
        file
        for file in files
        if file.min_key is None or file.max_key is None or (file.min_key <= ends["max"] and ends["min"] <= file.max_key)
    ]
