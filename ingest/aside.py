"""What lies in a folder of records without being records: n8n's own lists saved beside its executions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingest.detect import INSIGHTS, WORKFLOWS, detect
from ingest.piece import MAX_RECORD_BYTES
from ingest.report import LoadOptions
from ingest.source import Input, read_blocks
from ingest.split import split
from ingest.workflows import read_workflow_names
from warehouse.errors import BadInputError

MAX_BYTES = 16 << 20
"""Larger files are not looked into: such a list is small."""
_NAMES = ("workflow", "insight")
"""Only files called so are looked into, so that a folder of records is not read twice."""


def set_aside(inputs: Sequence[Input], options: LoadOptions) -> tuple[LoadOptions, dict[str, str]]:
    """(options with the names of the workflow lists found, what each file is that holds no records by its name).

    Only files that were found in a folder are looked at; one that was named outright is taken at its word.
    Names given with the options win over those found.
    """
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for source in inputs:
        what = _what(source)
        if what is None or source.path is None:
            continue
        if what == WORKFLOWS:
            try:
                names |= read_workflow_names(source.path)
            except BadInputError:
                continue
        found[source.name] = what
    normalise = replace(options.normalise, workflow_names=names | dict(options.normalise.workflow_names))
    return replace(options, normalise=normalise), found


def _what(source: Input) -> str | None:
    called = source.name.rsplit("/", 1)[-1].lower()
    if not source.in_folder or (source.size_bytes or 0) > MAX_BYTES or not any(word in called for word in _NAMES):
        return None
    for piece in split((block.data for block in read_blocks(source)), MAX_RECORD_BYTES):
        looks_like = detect(piece.raw).looks_like or ""
        return next((what for what in (WORKFLOWS, INSIGHTS) if looks_like.startswith(what)), None)
    return None
