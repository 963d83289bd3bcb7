"""Which keys look like secrets, and the patterns that find them in JSON text and in free text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

DEFAULT_SECRET_KEYS: Final = (
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "api key",
    "access key",
    "private key",
    "signing key",
    "encryption key",
    "secret key",
    "authorization",
    "cookie",
    "credential",
    "signature",
    "sig",
    "bearer",
    "session id",
    "jwt",
)
"""A key looks like a secret when it holds one of these as a word: whatever stands before it, and behind it nothing, a
character that is no letter, or the capital of the next word. Words are joined by nothing, `-`, `_`, `.` or a space;
case does not matter; a plural counts too, but for token (`max_tokens` counts something). So `X-Api-Key`,
`clientSecret`, `set-cookie` and `accesstoken` do, `secretary` and `tokenizer` do not."""

MASK: Final = "***"

_NO_PLURAL: Final = frozenset({"token"})
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_JSON_SCALAR: Final = r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false'
_BARE: Final = r"[^\s\"'\\&,;<>()\[\]{}*][^\s\"'\\&,;<>()\[\]{}]*"
_TEXT_VALUES: Final = (
    r"\\*\")[^\"\\*][^\"\\]*",
    r"')[^'*][^']*",
    rf"(?:(?i:bearer|basic|digest|negotiate)[ \t]+)?){_BARE}",
)
"""A value in double quotes, in single quotes, bare; each closes the group of what stays before it."""
_SCHEMES: Final = r"(?:bearer|basic|digest|negotiate)"


@dataclass(frozen=True, slots=True)
class Patterns:
    """Regular expressions that both Python's re and Rust's regex understand."""

    mention: str
    """A text without a match holds nothing to mask under a key."""
    worth: str
    """A text without a match holds nothing to mask: no mention, no scheme, address with a password, escaped letter."""
    scalar: str
    """The end of a secret key from the secret word on, and its scalar value in JSON; group 1 stays."""
    container: str
    """The same, and the bracket that opens the value; group 1 is the key with its colon."""
    special: str
    """A text without a match has no object or array under a secret key, and no secret key in JSON inside a string."""
    assignment: str
    """`key=value` and `key: value` in free text, and in the query of a URL; one of its three groups stays."""
    query: str
    """`key=value` inside a string of JSON: the query of a URL, a form, a setting; group 1 stays."""
    key: str
    """A whole key."""


@cache
def patterns(keys: tuple[str, ...]) -> Patterns:
    """The patterns for these keys. Raises nothing: a key without a letter or digit is left out."""
    words = [found for key in keys if (found := [word.lower() for word in _WORD.findall(key)])]
    loose = "|".join(dict.fromkeys("[-_. ]?".join(map(re.escape, parts)) for parts in words)) or "[^\\s\\S]"
    whole = _key(words)
    end = rf'(?:{whole})"\s*:\s*'
    return Patterns(
        mention=f"(?i:{loose})",
        worth=rf"(?i:{loose})|(?i:{_SCHEMES})[ \t]|://[^/\s:@\"\\]*:[^/\s@\"\\]+@|\\u00[2-7]",
        scalar=rf"({end})(?:{_JSON_SCALAR})",
        container=rf"({end})[\[{{]",
        special=rf'(?i:{loose})[^"\\]*(?:"\s*:\s*[\[{{]|\\+"\s*:)|\\u00[2-7]',
        assignment="|".join(rf"((?:{_tail(words)})\\*[\"']?[ \t]*[=:][ \t]*{value}" for value in _TEXT_VALUES),
        query=rf"((?:{_tail(words)})=){_BARE}",
        key=rf"(?s:.*)(?:{whole})",
    )


SCHEME: Final = rf"((?i:\b{_SCHEMES})[ \t]+)[A-Za-z0-9._~+/=-]{{16,}}"
"""An Authorization header's value; group 1 is the scheme."""
USER_INFO: Final = r"(://[^/\s:@\"\\]*:)[^/\s@\"\\]+@"
"""The password in an address; group 1 is what stands before it."""


def _key(words: list[list[str]]) -> str:
    """The end of a key from the secret word on: the word, and behind it the rest of the key."""
    delimited = "|".join(_phrase(parts) + ("(?:s)?" if parts[-1] not in _NO_PLURAL else "") for parts in words)
    camel = "|".join(_camel(parts) for parts in words)
    if not words:
        return r"[^\s\S]"
    return rf'(?i:{delimited})(?:[^A-Za-z"\\][^"\\]*)?|(?:{camel})[A-Z][^"\\]*'


def _tail(words: list[list[str]]) -> str:
    """A key in free text, up to its end."""
    if not words:
        return r"[^\s\S]"
    delimited = "|".join(_phrase(parts) for parts in words)
    return rf"(?i:{delimited})(?:[_.-][A-Za-z0-9_.-]*)?"


def _phrase(parts: list[str]) -> str:
    return "[-_. ]?".join(map(re.escape, parts))


def _camel(parts: list[str]) -> str:
    """The phrase in any case but for its last letter, which is small: so that a capital behind it begins a word."""
    phrase = _phrase(parts)
    return f"(?i:{phrase[:-1]}){phrase[-1]}"
