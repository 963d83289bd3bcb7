"""Every notebook runs from top to bottom in a new kernel and shows what is stored in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from notebooks.refresh import executed, notebooks
from tests.notebooks.shown import read, shown


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_run_shows_what_is_stored(path: Path) -> None:
    assert_same(shown(read(path)), shown(executed(path)))


def test_a_difference_is_found() -> None:
    other = read(notebooks()[0])
    cell = next(cell for cell in other.cells if cell.get("outputs"))
    cell.outputs[0].data["text/plain"] += "1"
    with pytest.raises(AssertionError, match="refresh"):
        assert_same(shown(read(notebooks()[0])), shown(other))


def assert_same(stored: dict[str, list[str]], run: dict[str, list[str]]) -> None:
    """By cell, so that a difference is short to read."""
    assert list(stored) == list(run)
    for cell, texts in run.items():
        assert texts == stored[cell], (
            f"{cell} shows something else than what is stored; if that is wanted: python -m notebooks.refresh"
        )
