"""The workflows file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ingest.sample import sample_workflows
from ingest.workflows import read_workflow_names
from warehouse.errors import BadInputError


def test_the_page_of_the_sample() -> None:
    names = read_workflow_names(sample_workflows())
    assert len(names) == 18
    assert names["8XRwH6BRGN6pW8ep"] == "Order intake"


@pytest.mark.parametrize(
    "text",
    [
        '{"data": [{"id": "a", "name": "A"}], "nextCursor": "x"}\n{"data": [{"id": 2, "name": "Ü"}]}',
        '[{"id": "a", "name": "A"}, {"id": 2, "name": "Ü"}, {"name": "no id"}, {"id": "c"}, 5]',
        '{"id": "a", "name": "A"}\n{"id": 2, "name": "Ü"}\n',
        '[{"data": [{"id": "a", "name": "A"}]}, {"data": [{"id": 2, "name": "Ü"}]}]',
    ],
)
def test_pages_arrays_and_lines(tmp_path: Path, text: str) -> None:
    plain, packed = tmp_path / "w.json", tmp_path / "w.json.gz"
    plain.write_text(text, "utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_workflow_names(plain) == read_workflow_names(str(packed)) == {"a": "A", "2": "Ü"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b'{"data": []}', b"\xff\xfe", b"[" * 100_000, b"\x1f\x8b\x08cut"]
)
def test_a_file_that_names_no_workflow_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.json"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"w\.json"):
        read_workflow_names(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no workflows file"):
        read_workflow_names(tmp_path / "none.json")
