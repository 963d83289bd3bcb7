"""What a notebook shows, as texts that can be compared: tables and sentences whole, pictures by their description."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import nbformat
from nbformat import NotebookNode


def read(path: Path) -> NotebookNode:
    """The notebook as it is stored; it is a valid one of format 4."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def shown(notebook: NotebookNode) -> dict[str, list[str]]:
    """By cell id, a text for each thing that the cell shows; how a picture is drawn depends on the machine's fonts."""
    return {cell.id: [_text(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"}


def pictures(notebook: NotebookNode) -> list[tuple[bytes, str]]:
    """PNG and description of every picture, in order."""
    return [
        (b64decode(output.data["image/png"]), output.metadata.get("image/png", {}).get("alt", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def _text(output: NotebookNode) -> str:
    if output.output_type not in ("execute_result", "display_data"):
        return f"{output.output_type}: {output}"
    data = output.data
    kinds = sorted(data)
    texts = [f"[{kind}]\n{data[kind]}" for kind in kinds if kind.startswith("text/")]
    return "\n".join([*texts, *(f"[{kind}]" for kind in kinds if not kind.startswith("text/"))])
