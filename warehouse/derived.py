"""Files that can always be made again from the data: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from warehouse.clock import now

_PART: Final = ".part"
_PART_AGE_S: Final = 3600


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that nobody ever sees half of it, whatever crashes; makes the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=_PART, delete=False) as part:
        part.write(data)
        part.flush()
        os.fsync(part.fileno())
    Path(part.name).replace(path)


def remove_leftovers(folder: Path) -> int:
    """Remove what crashed writers left behind an hour ago or earlier; how many files."""
    oldest_s = now().timestamp() - _PART_AGE_S  # a younger one may be in the hands of another process
    left = [path for path in folder.glob(f".*{_PART}") if path.stat().st_mtime < oldest_s]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
