"""No value under a secret key gets through, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.redact import DEFAULT_SECRET_KEYS, mask_json, mask_text

CANARY = "s3cr3t-c4n4ry"


def _json(*texts: str | None) -> list[Any]:
    column: list[Any] = mask_json(pa.chunked_array([list(texts)], pa.string())).to_pylist()
    return column


def _text(text: str) -> str:
    result: str = mask_text(pa.chunked_array([[text]], pa.string())).to_pylist()[0]
    return result


@pytest.mark.parametrize(
    "key",
    [
        "password", "Password", "PASSWORD", "userPassword", "db_password", "x-api-key", "X-Api-Key", "apiKey", "apikey",
        "api.key", "clientSecret", "client_secret_2", "accessToken", "ACCESS_TOKEN", "access-token-value", "tokenValue",
        "Authorization", "proxy-authorization", "cookie", "Set-Cookie", "cookies", "credentials", "privateKey",
        "sessionId", "x-hub-signature", "passphrase", "secrets", 'with "quotes" password',
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [CANARY, 12345678, -1.5e9, True, {"deep": [CANARY]}, [CANARY, {"a": "]}"}]])
def test_keys_that_look_like_secrets(key: str, value: Any) -> None:
    data = {"before": 1, "in": [{key: value, "after": "x"}]}
    for separators in ((",", ":"), (", ", ": ")):
        masked = _json(json.dumps(data, separators=separators))[0]
        assert json.loads(masked) == {"before": 1, "in": [{key: "***", "after": "x"}]}


@pytest.mark.parametrize(
    "key", ["tokens_used", "maxTokens", "MAX_TOKENS", "tokenizer", "secretary", "passwordless", "key", "author", "name"]
)
def test_keys_that_do_not(key: str) -> None:
    text = json.dumps({key: "value", "password_hint_is_a_word_in": [key, "token", "password"]})
    masked = json.loads(_json(text)[0])
    assert masked[key] == "value"


def test_what_every_secret_key_of_the_list_does() -> None:
    for key in DEFAULT_SECRET_KEYS:
        assert CANARY not in _json(json.dumps({key: CANARY}))[0]


def test_null_and_null_stay() -> None:
    assert _json(None, '{"token":null}', "null") == [None, '{"token":null}', "null"]


def test_a_column_in_which_only_some_texts_hold_secrets() -> None:
    assert _json('{"a":1}', '{"token":"x"}', None) == ['{"a":1}', '{"token":"***"}', None]
    column = pa.chunked_array([["fine", "password=x", None]], pa.string())
    assert mask_text(column).to_pylist() == ["fine", "password=***", None]
    assert column.to_pylist() == ["fine", "password=x", None]


def test_json_inside_strings_at_any_depth() -> None:
    inner: Any = {"client_secret": CANARY, "list": [{"token": {"x": CANARY}}], "n": 1.0}
    for _ in range(4):
        inner = {"body": json.dumps(inner), "keep": 'a "word"'}
        masked = _json(json.dumps(inner))[0]
        assert CANARY not in masked
        assert json.loads(masked)["keep"] == 'a "word"'


def test_keys_written_with_escapes() -> None:
    assert CANARY not in _json('{"pass\\u0077ord":"@","\\u0074oken":["@"]}'.replace("@", CANARY))[0]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET https://x.io/a?access_token=abc&b=1 failed", "GET https://x.io/a?access_token=***&b=1 failed"),
        ("login with password=abc, user=x", "login with password=***, user=x"),
        ("'api_key': 'a b c'", "'api_key': '***'"),
        ('body {"password":"abc","n":1}', 'body {"password":"***","n":1}'),
        ('escaped {\\"password\\": \\"abc\\"}', 'escaped {\\"password\\": \\"***\\"}'),
        ("header Bearer abcdefghijklmnopqrstuv.x", "header Bearer ***"),
        ("https://joe:hunter2@host/x", "https://joe:***@host/x"),
        ("Unexpected token } in JSON at position 5", "Unexpected token } in JSON at position 5"),
        ("the password is missing", "the password is missing"),
        ("Basic authentication failed", "Basic authentication failed"),
    ],
)
def test_free_text(text: str, masked: str) -> None:
    assert _text(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://x.io/a?access_token=abc&b=1", "https://x.io/a?access_token=***&b=1"),
        ("https://x.io/a?b=1&X-Amz-Signature=abc#top", "https://x.io/a?b=1&X-Amz-Signature=***"),
        ("user=joe&password=hunter2", "user=joe&password=***"),
        ("DB_PASSWORD=hunter2 DB_HOST=x", "DB_PASSWORD=*** DB_HOST=x"),
        ("https://x.io/a?max_tokens=5&page=2", "https://x.io/a?max_tokens=5&page=2"),
        ("the token = is missing", "the token = is missing"),
    ],
)
def test_assignments_inside_strings_of_json(text: str, masked: str) -> None:
    for column in (json.dumps({"url": text}), json.dumps({"body": json.dumps({"url": text, "n": 1})})):
        expected = column.replace(text, masked)
        assert _json(column)[0] == expected


def test_keys_of_ones_own() -> None:
    column = pa.chunked_array([['{"kundenNummer":"1","password":"2"}']])
    assert mask_json(column, ("kunden nummer",)).to_pylist() == ['{"kundenNummer":"***","password":"2"}']
    assert mask_json(column, ()).to_pylist() == column.to_pylist()


_plain_keys = st.text(st.characters(codec="utf-8", exclude_characters="sStTpPcCaAjJ"), max_size=6)
_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_plain_keys, inner, max_size=3), max_leaves=10
)
_secret_keys = st.sampled_from(["password", "apiKey", "X-Auth-Token", "SECRET", "set-cookie", "my credential 2"])


@settings(max_examples=150, deadline=None)
@given(_values, st.booleans())
def test_json_without_secrets_is_unchanged(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert json.loads(_json(text)[0]) == value


@settings(max_examples=150, deadline=None)
@given(_values, _secret_keys, _values, st.lists(st.sampled_from(["list", "dict", "string"]), max_size=4))
def test_no_planted_secret_survives(around: Any, key: str, inside: Any, path: list[str]) -> None:
    planted: Any = {"a": around, key: [CANARY, inside], "z": {key: CANARY}}
    for step in path:
        planted = {
            "list": [planted, around],
            "dict": {"k": planted, "r": around},
            "string": {"s": json.dumps(planted)},
        }[step]
    masked = _json(json.dumps(planted))[0]
    json.loads(masked)
    assert CANARY not in masked
