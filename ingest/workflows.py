"""The workflows file (`--workflows`): what n8n's GET /workflows answers, for the names of workflows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.source import Input, read_blocks
from warehouse.errors import BadInputError


def read_workflow_names(path: str | Path) -> dict[str, str]:
    """Workflow id -> name, from one or more pages (`{"data": [...]}`), an array of workflows, or workflows as such.

    The file is plain, gzip or zstd; documents may follow one another (pages written to one file, NDJSON).
    Workflows without id or name are left out; the last name of an id counts. Raises BadInputError for a file that
    cannot be read, is not JSON, or names no workflow at all.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInputError(
            f"there is no workflows file {path}; give the answer of n8n's GET /api/v1/workflows, saved to a file",
            field="workflows",
            value=str(path),
        )
    names = dict(_names(_documents(path)))
    if not names:
        raise BadInputError(
            f"the workflows file {path} names no workflow; expected n8n's GET /api/v1/workflows: "
            '{"data": [{"id": …, "name": …}, …]}',
            field="workflows",
            value=str(path),
        )
    return names


def _names(documents: Iterator[Any]) -> Iterator[tuple[str, str]]:
    for document in documents:
        match document:
            case {"data": list(workflows)} | list(workflows):
                yield from _names(iter(workflows))
            case {"id": str() | int() as number, "name": str(name)} if name and not isinstance(number, bool):
                yield str(number), name
            case _:
                pass


def _documents(path: Path) -> Iterator[Any]:
    blocks = list(read_blocks(Input(str(path), path, path.stat().st_size)))
    try:
        if blocks[-1].problem is not None:
            raise ValueError(blocks[-1].problem)
        text = b"".join(block.data for block in blocks).decode("utf-8")
        decoder = json.JSONDecoder()
        at = 0
        while (at := _skip_space(text, at)) < len(text):
            document, at = decoder.raw_decode(text, at)
            yield document
    except (ValueError, RecursionError) as error:
        raise BadInputError(
            f"the workflows file {path} cannot be read as JSON: {error}", field="workflows", value=str(path)
        ) from error


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
