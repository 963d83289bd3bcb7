"""How notebooks show tables, answers and charts."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from IPython.core.formatters import DisplayFormatter

from notebooks import refresh
from notebooks.look import ROWS_MAX, TEXT_MAX, Answer, Picture, bars, chart, table_html


def test_a_table_is_aligned_grouped_and_escaped() -> None:
    moment = datetime(2026, 11, 23, 16, 41, 0, 39_000, UTC)
    frame = pl.DataFrame({"<name>": ["a & b"], "n": [12_345], "s": [0.1 + 0.2], "at": [moment], "ok": [True]})
    assert table_html(frame) == (
        '<table>\n<thead><tr><th style="text-align: left">&lt;name&gt;</th><th style="text-align: right">n</th>'
        '<th style="text-align: right">s</th><th style="text-align: left">at</th><th style="text-align: left">ok</th>'
        '</tr></thead>\n<tbody>\n<tr><td style="text-align: left">a &amp; b</td>'
        '<td style="text-align: right">12\u202f345</td><td style="text-align: right">0.3</td>'
        '<td style="text-align: left">2026-11-23 16:41:00</td><td style="text-align: left">yes</td></tr>\n'
        "</tbody>\n</table>"
    )


def test_a_missing_value_is_no_word_and_no_zero() -> None:
    frame = pl.DataFrame({"x": [None, 0]}, schema={"x": pl.Int64})
    assert table_html(frame).count("–") == 1
    assert "None" not in table_html(frame)


def test_what_is_cut_says_so() -> None:
    shown = table_html(pl.DataFrame({"x": range(ROWS_MAX + 1_200)}))
    assert shown.count("<tr>") == ROWS_MAX + 1
    assert shown.endswith("<p>1\u202f200 more rows</p>")
    long = table_html(pl.DataFrame({"x": ["a" * (TEXT_MAX + 1)]}))
    assert "a" * (TEXT_MAX - 1) + "…" in long
    assert "a" * TEXT_MAX not in long


def test_a_picture_has_its_description_and_few_bytes() -> None:
    figure, axes = chart("Title", height=1.5)
    bars(axes, ["a", "b"], [2.0, 1.0], "#0072b2", ["2 s", "1 s"])
    data, about = DisplayFormatter().format(Picture(figure, "two bars, the first twice the second"))
    assert data["text/plain"] == "Chart: two bars, the first twice the second"
    assert about["image/png"]["alt"] == "two bars, the first twice the second"
    assert len(data["image/png"]) < 20_000


def test_an_answer_is_a_sentence_in_bold_and_in_plain_text() -> None:
    data, _ = DisplayFormatter().format(Answer("287 of 1 431 failed."))
    assert data["text/markdown"] == "**287 of 1 431 failed.**"
    assert data["text/plain"] == "287 of 1 431 failed."


def test_refreshing_an_unknown_notebook_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        refresh.main(["nothing"])
    assert "1_first_look.ipynb" in capsys.readouterr().err
