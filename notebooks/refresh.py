"""Runs the notebooks from top to bottom and stores what they show: `python -m notebooks.refresh [NAME …]`.

What is stored depends on the data and the libraries alone: no times, no machine, no kernel's version, so running it
again changes nothing. The tests run the same and compare.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

FOLDER: Final = Path(__file__).parent
CELL_TIMEOUT_S: Final = 300
"""Far more than any cell takes anywhere: only what hangs is stopped."""
_METADATA: Final = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks() -> list[Path]:
    """The notebooks, in the order in which they are to be read."""
    return sorted(FOLDER.glob("*.ipynb"))


def executed(path: Path) -> NotebookNode:
    """The notebook with what its cells show now, nothing else about the run in it; the file stays as it is.

    In a new kernel of this Python, with the project's folder as the working folder. Raises CellExecutionError.
    """
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
        # Sockets in a folder of our own: what the cells print goes over no network. The lakes lie there too, and no
        # profile of whoever runs this changes what is shown.
        connection = {"transport": "ipc", "ip": f"{folder}/ipc", "connection_file": f"{folder}/kernel.json"}
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(FOLDER.parent)}},
            config=Config({"KernelManager": connection}),
        )
        client.execute(env={**os.environ, "IPYTHONDIR": f"{folder}/ipython", "TMPDIR": folder})
    return cleaned(notebook)


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """The same without what depends on who ran it, and where."""
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


def store(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook as nbformat does, with a line end at the end."""
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and store the notebooks named (all, if none is); a line each."""
    parser = argparse.ArgumentParser(prog="python -m notebooks.refresh", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a notebook's name; all without one")
    names = parser.parse_args(arguments).names
    chosen = [path for path in notebooks() if not names or any(name in path.name for name in names)]
    if not chosen:
        parser.error(f"no notebook is called like that; there are: {', '.join(path.name for path in notebooks())}")
    for path in chosen:
        started_s = time.perf_counter()
        store(executed(path), path)
        sys.stdout.write(f"{path.name}: {time.perf_counter() - started_s:.1f} s, {path.stat().st_size / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
