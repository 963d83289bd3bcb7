"""Where an export goes: a file that appears whole or not at all, or stdout."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast, get_args

from warehouse.errors import BadInputError
from warehouse.export import ExportFormat

_SUFFIXES: Final[dict[str, ExportFormat]] = {
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
}


def export_format(word: str | None, path: str) -> ExportFormat:
    """The format that was named, else the one the file's name says, else CSV."""
    allowed = get_args(ExportFormat)
    if word is not None:
        if word not in allowed:
            raise BadInputError(f"format is {word!r}; allowed: {', '.join(allowed)}", field="format", value=word)
        return cast(ExportFormat, word)
    suffix = Path(path).suffix.lower()
    if path != "-" and suffix not in _SUFFIXES:
        raise BadInputError(
            f"the name {path!r} does not say a format; end it in {', '.join(_SUFFIXES)}, or give --format",
            field="format",
            value=path,
        )
    return _SUFFIXES.get(suffix, "csv")


@contextmanager
def opened_sink(path: str, *, binary: bool) -> Iterator[BinaryIO]:
    """An open file that replaces `path` when the block ends well, or stdout for `-`.

    Raises BadInputError when `binary` output would go to a terminal or `path` is a folder; OSError.
    """
    if path == "-":
        if binary and sys.stdout.isatty():
            raise BadInputError("this format is not for a terminal; give -o FILE, or pipe it", field="output")
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    if target.is_dir():
        raise BadInputError(f"{path!r} is a folder; give the name of a file in it", field="output", value=path)
    if target.exists() and not target.is_file():  # a pipe or a device is written as it is
        with target.open("wb") as device:
            yield device
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
