"""Masks secrets in payloads, error texts and log lines before anything is written.

Looking is one fast pass over the column; only texts that mention a secret word are worked on, and only those of them
with an object under a secret key, or JSON inside a string, are taken apart one by one.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from ingest.secret_words import DEFAULT_SECRET_KEYS, MASK, SCHEME, USER_INFO, Patterns, patterns

Rows = npt.NDArray[np.int64]

__all__ = ["DEFAULT_SECRET_KEYS", "MASK", "mask_json", "mask_text"]

_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?', re.DOTALL)
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_ESCAPED_LETTER: Final = re.compile(r"\\u00[2-7]")
_SAMPLE: Final = 1000
_DEPTH_MAX: Final = 20
"""JSON in strings in JSON: so many levels are looked into."""


def mask_json(column: pa.ChunkedArray, keys: tuple[str, ...] = DEFAULT_SECRET_KEYS) -> pa.ChunkedArray:
    """JSON texts with every value under a secret key, of any type and at any depth, replaced by "***".

    So in JSON that is the text of a JSON string. null stays null; Authorization values, passwords in addresses and
    `key=value` of secret keys (the query of a URL, a form) are masked wherever they stand. NULL stays NULL, valid JSON
    stays valid JSON, the order of keys is kept.
    """
    return _masked(column, keys, free_text=False)


def mask_text(column: pa.ChunkedArray, keys: tuple[str, ...] = DEFAULT_SECRET_KEYS) -> pa.ChunkedArray:
    """Free text (error messages, stacks, log lines) with what looks like a secret replaced by ***.

    That is: `key=value` and `key: value` of secret keys (so the query of a URL), values under such keys in JSON
    fragments, Authorization values, passwords in addresses. NULL stays NULL.
    """
    return _masked(column, keys, free_text=True)


def _masked(column: pa.ChunkedArray, keys: tuple[str, ...], *, free_text: bool) -> pa.ChunkedArray:
    if not len(column) or column.null_count == len(column):
        return column
    texts = pl.Series(values=column)
    done = mask_series(texts, keys, free_text=free_text)
    return column if done is texts else pa.chunked_array([arrow_texts(done)], pa.string())


def mask_series(texts: pl.Series, keys: tuple[str, ...], *, free_text: bool) -> pl.Series:
    """What mask_json (or, of free text, mask_text) does; the series itself where there is nothing to mask."""
    found = patterns(keys)
    rows = _mentions(texts, found)
    if not len(rows):
        return texts
    hits = texts if len(rows) == len(texts) else texts.gather(rows)
    hits = hits.str.replace_all(found.scalar, f'${{1}}"{MASK}"')
    hits = _replaced(hits, SCHEME, f"${{1}}{MASK}")
    hits = _replaced(hits, USER_INFO, f"${{1}}{MASK}@")
    by_name = (found.assignment, f"${{1}}${{2}}${{3}}{MASK}") if free_text else (found.query, f"${{1}}{MASK}")
    hits = _replaced(hits, *by_name)
    hits = _one_by_one(hits, found, free_text)
    # scatter writes into its series: into a copy, so that the caller's stays and the answer is told from it.
    return hits if len(rows) == len(texts) else texts.clone().scatter(rows, hits)


def arrow_texts(texts: pl.Series) -> pa.StringArray:
    """The texts as an Arrow array."""
    return texts.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def _mentions(texts: pl.Series, found: Patterns) -> Rows:
    """Rows worth working on. Where most of a sample are, all are: looking would cost more than it saves."""
    sample = texts.gather(np.linspace(0, len(texts) - 1, _SAMPLE, dtype=np.int64)) if len(texts) > _SAMPLE else texts
    if len(texts) > _SAMPLE and np.count_nonzero(_has(sample, found.mention)) * 2 > _SAMPLE:
        return np.arange(len(texts))
    return np.flatnonzero(_has(texts, found.worth))


def _has(texts: pl.Series, pattern: str) -> npt.NDArray[np.bool_]:
    return texts.str.contains(pattern).fill_null(False).to_numpy()


def _replaced(texts: pl.Series, pattern: str, by: str) -> pl.Series:
    """All matches replaced; texts without one are not copied more than need be."""
    rows = np.flatnonzero(_has(texts, pattern))
    if not len(rows):
        return texts
    if len(rows) * 2 > len(texts):
        return texts.str.replace_all(pattern, by)
    return texts.scatter(rows, texts.gather(rows).str.replace_all(pattern, by))


def _one_by_one(texts: pl.Series, found: Patterns, free_text: bool) -> pl.Series:
    rows = np.flatnonzero(_has(texts, found.special))
    if not len(rows):
        return texts
    masker = _masker(found)
    return texts.scatter(
        rows, pl.Series([masker.mask(text, free_text) for text in texts.gather(rows)], dtype=pl.String)
    )


@cache
def _masker(found: Patterns) -> _Masker:
    return _Masker(found)


class _Masker:
    """Masks one text exactly."""

    def __init__(self, found: Patterns) -> None:
        self._mention = re.compile(found.mention)
        self._scalar = re.compile(found.scalar, re.DOTALL)
        self._container = re.compile(found.container)
        self._assignment = re.compile(found.assignment)
        self._query = re.compile(found.query)
        self._key = re.compile(found.key)
        self._scheme = re.compile(SCHEME)
        self._user_info = re.compile(USER_INFO)

    def mask(self, text: str, free_text: bool, depth: int = 0) -> str:
        """The text with its secrets masked, JSON inside its strings included."""
        if _ESCAPED_LETTER.search(text):
            text = _STRING.sub(self._plain_key, text)
        text = self._scalar.sub(rf'\g<1>"{MASK}"', text)
        text = self._containers(text)
        text = self._scheme.sub(rf"\g<1>{MASK}", text)
        text = self._user_info.sub(rf"\g<1>{MASK}@", text)
        if depth < _DEPTH_MAX and "\\" in text:
            text = _STRING.sub(lambda match: self._inside(match, depth), text)
        if free_text:
            return self._assignment.sub(rf"\g<1>\g<2>\g<3>{MASK}", text)
        return self._query.sub(rf"\g<1>{MASK}", text)

    def _plain_key(self, match: re.Match[str]) -> str:
        """A key written with escapes, without them where it is a secret one."""
        if match[2] is None or "\\" not in match[1]:
            return match[0]
        key = _unescaped(match[1])
        if key is None or self._key.fullmatch(key) is None:
            return match[0]
        return json.dumps(key.replace('"', "").replace("\\", ""), ensure_ascii=False) + match[2]

    def _inside(self, match: re.Match[str], depth: int) -> str:
        """A string with JSON in it."""
        if '\\"' not in match[1] and "\\u0022" not in match[1]:
            return match[0]
        inner = _unescaped(match[1])
        if inner is None:
            return match[0]
        masked = self.mask(inner, free_text=False, depth=depth + 1)
        if masked == inner:
            return match[0]
        return json.dumps(masked, ensure_ascii=False) + (match[2] or "")

    def _containers(self, text: str) -> str:
        """Objects and arrays under secret keys as one mask."""
        parts: list[str] = []
        done = 0
        while (match := self._container.search(text, done)) is not None:
            parts += [text[done : match.end(1)], f'"{MASK}"']
            done = _end_of_value(text, match.end(1))
        return "".join([*parts, text[done:]])


def _end_of_value(text: str, start: int) -> int:
    """Where the object or array that opens at `start` ends; the end of the text when it is not closed."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth == 0:
                return token.end()
    return len(text)


def _unescaped(inner: str) -> str | None:
    try:
        value = json.loads(f'"{inner}"', strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None
