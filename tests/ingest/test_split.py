"""Records come out of every JSON shape, whole, in order, with their places; damage stays where it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.piece import NO_INDEX
from ingest.split import split
from tests.ingest.records_by_rule import lines, record, split_all

RECORDS = [record(number) | {"t": 'é ]}" \\ \n {['} for number in range(9)]
HALF = len(RECORDS) // 2


def _page(records: list[Any], **more: Any) -> dict[str, Any]:
    return {"data": records, "nextCursor": None, **more}


SHAPES = {
    "lines": "\n".join(map(json.dumps, RECORDS)),
    "lines, CRLF, blank lines between": "\r\n\r\n  \r\n".join(map(json.dumps, RECORDS)) + "\r\n\n",
    "lines with a byte order mark of their own language": "\n".join(json.dumps(r, ensure_ascii=False) for r in RECORDS),
    "array": json.dumps(RECORDS),
    "array, indented": json.dumps(RECORDS, indent=2, ensure_ascii=False),
    "array, one line each": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "array, broken without indent": json.dumps(RECORDS, indent=0),
    "page": json.dumps(_page(RECORDS)),
    "page, indented, other keys first": json.dumps({"pagination": {"a": [1]}, **_page(RECORDS)}, indent=1),
    "pages, one a line": json.dumps(_page(RECORDS[:HALF])) + "\n" + json.dumps(_page(RECORDS[HALF:])),
    "pages end to end": json.dumps(_page(RECORDS[:HALF])) + json.dumps(_page(RECORDS[HALF:])),
    "objects end to end": "".join(map(json.dumps, RECORDS)),
    "objects, pretty": "\n".join(json.dumps(r, indent=3) for r in RECORDS),
    "lines, then a page": "\n".join(map(json.dumps, [*RECORDS[:HALF], _page(RECORDS[HALF:])])),
}


@pytest.mark.parametrize("block_bytes", [61, 1000, 1 << 20])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_records(shape: str, block_bytes: int) -> None:
    data = SHAPES[shape].encode()
    records, flaws = split_all(data, block_bytes)
    assert [json.loads(text) for text in records] == RECORDS
    assert flaws == []


def test_nothing_and_white_space_hold_no_record() -> None:
    for data in (b"", b"\n\n", b"   \r\n", b"[]", b"[ ]\n", b'{"data": [], "nextCursor": null}'):
        assert split_all(data) == ([], [])


def test_one_object_is_one_record_even_with_a_data_object_in_it() -> None:
    records, flaws = split_all(json.dumps({"id": "1", "data": {"resultData": {}}}, indent=2).encode())
    assert len(records) == 1
    assert flaws == []


def test_an_object_with_an_id_is_a_record_though_it_has_a_data_array() -> None:
    records, _ = split_all(json.dumps({"id": "1", "data": [{"a": 1}]}, indent=2).encode())
    assert [json.loads(text)["id"] for text in records] == ["1"]


def test_places_are_line_and_index() -> None:
    data = b"[\n" + b",\n".join(json.dumps(r).encode() for r in RECORDS[:3]) + b"\n]\n"
    pieces = list(split(iter([data])))
    assert [int(line) for piece in pieces for line in piece.line_no] == [2, 3, 4]
    assert [int(at) for piece in pieces if piece.index is not None for at in piece.index] == [0, 1, 2]
    pieces = list(split(iter([b"\n" + lines(*RECORDS[:2])])))
    assert [int(line) for piece in pieces for line in piece.line_no] == [2, 3]


def test_a_record_that_is_not_utf8_is_the_only_one_lost() -> None:
    bad = json.dumps(RECORDS[1]).encode()[:-1] + b',"x":"\xff\xfe"}'
    records, flaws = split_all(lines(RECORDS[0], bad, RECORDS[2]))
    assert [json.loads(text)["id"] for text in records] == [RECORDS[0]["id"], RECORDS[2]["id"]]
    assert [(flaw.raw, flaw.line_no, flaw.index) for flaw in flaws] == [(bad, 2, NO_INDEX)]
    assert "UTF-8" in flaws[0].reason


@pytest.mark.parametrize("shape", ["lines", "array, one line each", "array"])
def test_a_record_that_is_too_large_is_refused_with_its_size(shape: str) -> None:
    large = record(99, workflowName="x" * 50_000)
    given_records = [RECORDS[0], large, RECORDS[1]]
    data = {
        "lines": lines(*given_records),
        "array": json.dumps(given_records).encode(),
        "array, one line each": b"[\n" + b",\n".join(json.dumps(r).encode() for r in given_records) + b"\n]",
    }[shape]
    for block_bytes in (1000, 1 << 20):
        records, flaws = split_all(data, block_bytes, max_record_bytes=20_000)
        if shape == "lines" or block_bytes == 1000:
            assert [json.loads(text)["id"] for text in records] == [RECORDS[0]["id"], RECORDS[1]["id"]]
            assert len(flaws) == 1
            assert "20000" in flaws[0].reason


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"webhook"', '"webhook', 1),
        lambda text: text.replace("}", "", 1),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("[", "{", 1),
    ],
    ids=["open string", "open object", "cut", "wrong bracket"],
)
def test_damage_in_an_array_costs_one_record(damage: Any, indent: int | None) -> None:
    texts = [json.dumps(r, indent=indent) for r in RECORDS]
    texts[4] = damage(texts[4])
    data = ("[" + ",\n".join(texts) + "]").encode()
    for block_bytes in (100, 1 << 20):
        records, flaws = split_all(data, block_bytes)
        found = [json.loads(text)["id"] for text in records if _whole(text)]
        assert found == [r["id"] for at, r in enumerate(RECORDS) if at != 4]
        # A block that ends inside the damaged line can make more pieces of it.
        pieces = len(flaws) + sum(not _whole(text) for text in records)
        assert 1 <= pieces <= (2 if block_bytes > 100 else 12)


def _whole(text: str) -> bool:
    try:
        return "id" in json.loads(text)
    except ValueError:
        return False


def test_a_file_cut_off_keeps_what_came_before() -> None:
    data = json.dumps(RECORDS).encode()
    records, flaws = split_all(data[: data.index(b'"exec_00007"') + 40], 512)
    assert [json.loads(text)["id"] for text in records] == [r["id"] for r in RECORDS[:7]]
    assert len(flaws) == 1
    assert "ends in the middle" in flaws[0].reason
    records, flaws = split_all(data[: data.index(b', {"id": "exec_00007"')], 512)
    assert len(records) == 7
    assert [flaw.raw for flaw in flaws] == [b""]


def test_what_is_no_object_in_an_array_is_refused_by_itself() -> None:
    data = b"[1, " + json.dumps(RECORDS[0]).encode() + b', "text", null, ' + json.dumps(RECORDS[1]).encode() + b", []]"
    records, flaws = split_all(data)
    assert [json.loads(text) for text in records] == [RECORDS[0], RECORDS[1], []]
    assert [flaw.raw for flaw in flaws] == [b"1", b'"text", null']


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=5),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(max_size=12),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                max_leaves=8,
            ),
            max_size=4,
        ).map(lambda value: {"id": "x", **value}),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([None, 0, 1, 4]),
    st.booleans(),
    st.integers(1, 300),
)
def test_any_array_comes_apart_again(values: list[Any], indent: int | None, ascii_only: bool, block_bytes: int) -> None:
    data = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if b"\xed" in data and not ascii_only:
        return
    records, flaws = split_all(data, block_bytes)
    assert [json.loads(text) for text in records] == values
    assert flaws == []
