"""A small real sample: pages of n8n 2.41's API as it gave them, tokens and signatures replaced."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

from ingest.format import NormaliseOptions
from ingest.load import load
from ingest.report import LoadOptions, LoadReport
from ingest.workflows import read_workflow_names
from warehouse.lake import Lake


def sample_files() -> list[Path]:
    """The files with execution records, sorted: pages with and without node data, single answers."""
    return sorted(file for file in _folder().iterdir() if file.name.startswith("executions-"))


def sample_workflows() -> Path:
    """The page of workflows that goes with them (for `--workflows`)."""
    return _folder() / "workflows.json.gz"


def load_sample(lake: Lake, normalise: NormaliseOptions | None = None) -> LoadReport:
    """Load all of it, with the names of its workflows: 1,440 executions, some 3 s. Twice is once."""
    named = replace(normalise or NormaliseOptions(), workflow_names=read_workflow_names(sample_workflows()))
    return load(lake, sample_files(), LoadOptions("n8n", named))


def _folder() -> Path:
    return Path(str(resources.files(__name__)))
