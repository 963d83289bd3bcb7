"""A small real sample: pages of n8n 2.41's API as it gave them, tokens and signatures replaced."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def sample_files() -> list[Path]:
    """The files with execution records, sorted: pages with and without node data, single answers."""
    return sorted(file for file in _folder().iterdir() if file.name.startswith("executions-"))


def sample_workflows() -> Path:
    """The page of workflows that goes with them (for `--workflows`)."""
    return _folder() / "workflows.json.gz"


def _folder() -> Path:
    return Path(str(resources.files(__name__)))
