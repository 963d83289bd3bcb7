"""What is stored is clean: all cells run in order, no machine in it, small, every step explained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from notebooks.refresh import FOLDER, cleaned, notebooks, store
from tests.notebooks.shown import pictures, read, shown

NOTEBOOKS = notebooks()
BYTES_MAX = 300_000
PICTURE_BYTES_MAX = 60_000
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_five_and_the_readme_names_them_in_order() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    places = [readme.index(f"]({path.name})") for path in NOTEBOOKS]
    assert len(places) == 5
    assert places == sorted(places)


@each_notebook
def test_every_cell_was_run_in_order(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@each_notebook
def test_nothing_is_shown_but_results(path: Path) -> None:
    outputs = [output for cell in read(path).cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}
    assert len(outputs) >= 5


@each_notebook
def test_it_begins_with_its_title_and_every_question_has_its_reason_and_an_answer(path: Path) -> None:
    first, *cells = read(path).cells
    assert re.match(rf"# {path.stem[0]} · \w.*\n\n\S", first.source)
    sections: list[list[str]] = []
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            heading, _, reason = cell.source.partition("\n\n")
            assert reason.strip().count(" ") > 10, f"{heading}: the reason is missing"
            sections.append([heading])
        elif sections and cell.cell_type == "code":
            sections[-1] += [output.output_type for output in cell.outputs]
    assert len(sections) >= 5
    for heading, *outputs in sections:
        assert outputs or "not run" in heading.lower(), f"{heading}: nothing is answered"


@each_notebook
def test_no_machine_and_no_moment_is_in_it(path: Path) -> None:
    raw = json.loads(path.read_text("utf-8"))
    assert raw["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell["metadata"] == {} for cell in raw["cells"])
    texts = "\n".join(text for parts in shown(read(path)).values() for text in parts)
    for trace in ("/tmp", "/home", "/root", "/work", "\\Users", "runlake-notebook-", " at 0x"):
        assert trace not in texts


@each_notebook
def test_it_is_small_and_its_pictures_are_described(path: Path) -> None:
    assert path.stat().st_size <= BYTES_MAX
    for png, alt in pictures(read(path)):
        assert png.startswith(b"\x89PNG")
        assert len(png) <= PICTURE_BYTES_MAX
        assert len(alt) > 40


@each_notebook
def test_it_asks_the_lake_and_not_the_api(path: Path) -> None:
    source = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    assert "warehouse.open(" in source
    assert not re.search(r"^\s*(?:from|import) (?:api|httpx|requests|urllib)\b", source, re.MULTILINE)


def test_storing_twice_gives_the_same_file(tmp_path: Path) -> None:
    for path in NOTEBOOKS:
        store(cleaned(read(path)), tmp_path / path.name)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
