"""Where a lake lies: a folder, or a bucket prefix named by a URI. The only module that knows the difference."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

import pyarrow.fs as pafs

from warehouse.errors import BadInputError, LakeBusyError

_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")


class Location:
    """The root of a lake (or of what else is kept in files), and the files below it by their relative names."""

    def __init__(self, uri: str | os.PathLike[str], what: str = "lake") -> None:
        """`what` is kept there, for the texts of errors."""
        text = os.fspath(uri)
        if not text:
            raise BadInputError(f"the {what}'s location is empty; give a folder or a URI such as s3://bucket/prefix")
        parts = urlsplit(text)
        if parts.scheme in ("", "file") or len(parts.scheme) == 1:
            path = unquote(parts.path) if parts.scheme == "file" else text
            self.local: Path | None = Path(path).expanduser().resolve()
            self.uri = str(self.local)
            if what == "lake" and _ESCAPE.search(self.uri):
                raise BadInputError(
                    f"a lake cannot lie in {self.uri!r}: Delta reads a % before two hexadecimal digits as another "
                    "character; name a folder without it"
                )
            self._filesystem: pafs.FileSystem = pafs.LocalFileSystem()
            self._root = str(self.local)
        else:
            self.local = None
            self.uri = text.rstrip("/")
            try:
                self._filesystem, self._root = pafs.FileSystem.from_uri(self.uri)
            except (OSError, ValueError) as error:
                raise BadInputError(f"cannot use {self.uri!r} as a {what}: {error}") from error

    def join(self, name: str) -> str:
        """What DuckDB, Polars and deltalake are told to open the file or folder `name`."""
        return f"{self.uri}/{name}"

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """A new file; on a local disk it is durable when the block ends."""
        if self.local is not None:
            target = self.local / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            sync_folder(target.parent)
            return
        with self._filesystem.open_output_stream(f"{self._root}/{name}") as stream:
            yield stream

    def size(self, name: str) -> int:
        """Bytes of a file."""
        return int(self._filesystem.get_file_info(f"{self._root}/{name}").size)

    def remove(self, name: str) -> None:
        """Delete a file that was created and never became part of the lake."""
        self._filesystem.delete_file(f"{self._root}/{name}")

    def read(self, name: str) -> bytes:
        """The whole of a file. Raises FileNotFoundError."""
        with self._filesystem.open_input_stream(f"{self._root}/{name}") as stream:
            return bytes(stream.read())

    def replace(self, name: str, content: bytes, media_type: str = "application/octet-stream") -> None:
        """Write a file so that a reader sees what it was, or all of the new; durable when this returns.

        `media_type`: as which a bucket gives it to browsers.
        """
        if self.local is None:  # an object is there once it is whole
            said = {"Content-Type": media_type}
            with self._filesystem.open_output_stream(f"{self._root}/{name}", metadata=said) as stream:
                stream.write(content)
            return
        target = self.local / name
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
        try:
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)

    def names(self, folder: str) -> list[str]:
        """The names of the files that lie in a folder itself, in no order; none where there is no such folder."""
        selector = pafs.FileSelector(f"{self._root}/{folder}".rstrip("/"), allow_not_found=True)
        return [found.base_name for found in self._filesystem.get_file_info(selector) if found.is_file]

    def sync(self, name: str) -> None:
        """Make a local file and its entry in the folder survive a loss of power; nothing to do on a bucket."""
        if self.local is None:
            return
        path = self.local / name
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)

    def folder(self, name: str) -> Path:
        """A local folder for what belongs to the lake but is no table; a bucket's is in the user's cache."""
        if self.local is not None:
            return self.local / name
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "runlake" / hashlib.sha256(self.uri.encode()).hexdigest()[:16] / name

    @contextmanager
    def writer_lock(self, timeout_s: float) -> Iterator[None]:
        """One writer at a time on this disk. On a bucket writers meet at the commit, where one of them plans anew."""
        folder = self.folder("")
        folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + timeout_s
        with (folder / ".writer.lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise LakeBusyError(
                            f"another process has been writing to {self.uri} for {timeout_s:g} s; try again later"
                        ) from None
                    time.sleep(0.01)
            yield


def sync_folder(folder: Path) -> None:
    """Make the names in a local folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
