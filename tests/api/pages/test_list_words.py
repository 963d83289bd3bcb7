"""Addresses of the list: what they say is what the API's parameters say, and links change one thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.list_words import ONE, SEVERAL, ListWords, address, is_plain, list_words
from api.pages.times import ago, clock, exact, iso
from warehouse.errors import BadInputError

AT = datetime(2026, 11, 24, 3, 31, 5, 120_000, UTC)
_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1).filter(
    lambda text: text.strip() == text and bool(text)
)
said = st.dictionaries(st.sampled_from([*SEVERAL, *ONE]), _words)


def asked(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


@given(said)
def test_an_address_says_what_it_was_made_of(given: dict[str, str]) -> None:
    url = address("/executions", given)
    assert list_words(asked(url)) == ListWords(given)
    assert is_plain(asked(url), ListWords(given))
    assert url.isascii()


@given(said)
def test_a_link_changes_one_thing_and_begins_anew(given: dict[str, str]) -> None:
    words = ListWords(given)
    changed = list_words(asked(words.url(status="failed"))).given
    assert changed == {**{k: v for k, v in given.items() if k != "cursor"}, "filter[status]": "failed"}
    assert "filter[error]" not in list_words(asked(words.url(error=""))).given


def test_repeated_words_are_one_list_and_empty_ones_are_nothing() -> None:
    found = list_words(
        [("filter[status]", "failed"), ("filter[status]", "timeout"), ("filter[error]", " "), ("sort", "")]
    )
    assert found.given == {"filter[status]": "failed,timeout"}
    for wrong in ([("x", "1")], [("sort", "a"), ("sort", "b")]):
        with pytest.raises(BadInputError):
            list_words(wrong)


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(milliseconds=400), "just now"),
        (timedelta(seconds=12), "12\u00a0s ago"),
        (timedelta(seconds=200), "3\u00a0min ago"),
        (timedelta(hours=47), "47\u00a0h ago"),
        (timedelta(days=12, hours=5), "12\u00a0d ago"),
        (timedelta(days=-3), "in 3\u00a0d"),
    ],
)
def test_how_long_ago(past: timedelta, words: str) -> None:
    assert ago(AT - past, AT) == words


def test_instants() -> None:
    assert iso(AT) == "2026-11-24T03:31:05.120Z"
    assert exact(AT, "Europe/Berlin") == "24\u00a0Nov\u00a02026, 04:31:05"
    assert clock(AT, "UTC") == "03:31:05.120"
    assert (iso(None), ago(None, AT)) == ("", "")
