"""Where bytes come from: files, folders, standard input; plain, gzip or zstd, recognised by their first bytes."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa

from warehouse.errors import BadInputError

SUFFIXES: Final = (".ndjson", ".jsonl", ".json")
COMPRESSIONS: Final = (".gz", ".zst")
STDIN: Final = "-"
BLOCK_BYTES: Final = 16 << 20
"""Uncompressed bytes of a block; a little more when one read gives more."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to read."""

    name: str
    """What messages and the quarantine call it; `-` for standard input."""
    path: Path | None
    """None: standard input."""
    size_bytes: int | None
    """Size on disk, compressed as it is. None: not known before it has been read (a pipe)."""
    in_folder: bool = False
    """Found in a folder that was named, not named itself."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of an input, decompressed."""

    data: bytes
    read_bytes: int
    """Bytes of the input (compressed as it is) consumed so far, for progress."""
    problem: str | None = None
    """Why reading ended here before the end of the input; only on the last block."""


def find_inputs(paths: Iterable[str | Path]) -> list[Input]:
    """The files that these paths name; folders are searched in depth for SUFFIXES, sorted by path.

    A file named outright is taken whatever its suffix, once even when it is named twice.
    Raises BadInputError for a path that is not there, or a folder without any such file.
    """
    found: dict[str, Input] = {}
    for given in paths:
        if str(given) == STDIN:
            found[STDIN] = Input(STDIN, None, None)
            continue
        path = Path(given)
        in_folder = path.is_dir()
        if in_folder:
            files = sorted(file for file in path.rglob("*") if file.is_file() and _has_suffix(file))
            if not files:
                raise BadInputError(
                    f"the folder {path} holds no file to ingest; looked for names ending in "
                    f"{', '.join(SUFFIXES)}, alone or with {' or '.join(COMPRESSIONS)}",
                    field="path",
                    value=str(path),
                )
        elif path.exists():
            files = [path]
        else:
            raise BadInputError(
                f"there is no file or folder {path}; give paths of files or folders, or - for standard input",
                field="path",
                value=str(path),
            )
        for file in files:
            size_bytes = file.stat().st_size if file.is_file() else None
            name = os.fsencode(file).decode("utf-8", "replace")
            found.setdefault(str(file), Input(name, file, size_bytes, in_folder))
    return list(found.values())


def read_blocks(source: Input, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The input's bytes in order, in blocks of about `block_bytes`; a leading byte order mark is left out.

    Never raises for what is in the input or for a failing read: the last block then says the `problem`,
    after everything that could be read before it.
    """
    try:
        stream = sys.stdin.buffer if source.path is None else source.path.open("rb")
    except OSError as error:
        yield Block(b"", 0, f"cannot be opened: {error.strerror or error}")
        return
    with stream:
        yield from _blocks(stream, block_bytes)


def _blocks(stream: BinaryIO, block_bytes: int) -> Iterator[Block]:
    counter = _Counter(stream)
    pieces: list[bytes] = []
    size = 0
    first = True
    problem: str | None = None
    try:
        for piece in _decompressed(counter, block_bytes):
            pieces.append(piece)
            size += len(piece)
            if size >= block_bytes:
                yield Block(_join(pieces, first), counter.read_bytes)
                pieces, size, first = [], 0, False
    except (OSError, zlib.error, EOFError) as error:
        problem = f"cannot be read on from here: {error}"
    yield Block(_join(pieces, first), counter.read_bytes, problem)


def _join(pieces: list[bytes], first: bool) -> bytes:
    data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return data.removeprefix(b"\xef\xbb\xbf") if first else data


class _Counter:
    """Reads a stream and counts the bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = b""
        self.read_bytes = 0

    def peek(self, size: int) -> bytes:
        """The next bytes, at most `size` (fewer only at the end), without consuming them."""
        while len(self._ahead) < size and (more := self._stream.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""
        ahead, self._ahead = self._ahead, b""
        data = self._stream.read(max(size - len(ahead), 0))
        data = ahead + data if ahead else data
        self.read_bytes += len(data)
        return data


def _decompressed(counter: _Counter, block_bytes: int) -> Iterator[bytes]:
    magic = counter.peek(4)
    if magic.startswith(_GZIP_MAGIC):
        yield from _gunzip(counter)
    elif magic == _ZSTD_MAGIC:
        yield from _unzstd(counter)
    else:
        while data := counter.read(block_bytes):
            yield data


def _gunzip(counter: _Counter) -> Iterator[bytes]:
    """All members of a gzip file. zlib itself, because it hands out every byte before the damage."""
    inflate = zlib.decompressobj(wbits=31)
    while data := counter.read(_READ_BYTES):
        while data:
            if inflate.eof:
                data = data.lstrip(b"\0")  # padding after the last member is allowed
                if not data:
                    break
                inflate = zlib.decompressobj(wbits=31)
            # A bounded output: one megabyte of zeros must not become a gigabyte in memory.
            yield inflate.decompress(data, _READ_BYTES * 8)
            data = inflate.unconsumed_tail or inflate.unused_data
    if not inflate.eof:
        raise EOFError("the gzip data is cut off")


def _unzstd(counter: _Counter) -> Iterator[bytes]:
    """All frames of a zstd file."""
    inflate = pa.CompressedInputStream(pa.PythonFile(_Readable(counter), "r"), "zstd")
    while True:
        # A failing read loses what it had so far, so reads are small.
        data = inflate.read(1 << 16)
        if not data:
            return
        yield data


class _Readable:
    """The file interface that Arrow asks for."""

    closed = False

    def __init__(self, counter: _Counter) -> None:
        self._counter = counter

    def read(self, size: int = -1) -> bytes:
        return self._counter.read(size if size > 0 else _READ_BYTES)

    def close(self) -> None:
        self.closed = True


def _has_suffix(path: Path) -> bool:
    name = path.name.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    return name.endswith(SUFFIXES)
