"""What a setting's value may be: readers of (where it stands, the value as found) that raise BadInputError."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, Final

from warehouse.errors import BadInputError

RETAINED: Final = ("executions", "node_runs", "payloads", "logs")
PAYLOAD_POLICIES: Final = ("keep", "redact", "drop")
ENGINES: Final = ("commands", "http")
LOG_FORMATS: Final = ("logfmt", "json")


def default_retention() -> dict[str, int | None]:
    """Days by table; None: kept for ever."""
    return {"executions": None, "node_runs": None, "payloads": 30, "logs": 90}


def text(where: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise wrong(where, value, "a text that is not empty")
    return value


def whole(minimum: int) -> Callable[[str, Any], int]:
    """A whole number from `minimum` on."""

    def read(where: str, value: Any) -> int:
        allowed = f"a whole number of at least {minimum}"
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise wrong(where, value, allowed)
        try:
            number = int(value)
        except ValueError:
            raise wrong(where, value, allowed) from None
        if number < minimum:
            raise wrong(where, value, allowed)
        return number

    return read


def seconds(where: str, value: Any) -> float:
    """A number from 0 on."""
    allowed = "a number of at least 0"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong(where, value, allowed)
    try:
        number = float(value)
    except ValueError:
        raise wrong(where, value, allowed) from None
    if not 0 <= number < float("inf"):
        raise wrong(where, value, allowed)
    return number


def engine(where: str, value: Any) -> str:
    """One of the adapters to the engine."""
    if value not in ENGINES:
        raise wrong(where, value, "commands or http")
    return str(value)


def http_url(where: str, value: Any) -> str:
    """An http or https URL."""
    from urllib.parse import urlsplit

    found = text(where, value)
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise wrong(where, "…", "a URL such as https://engine.example.org/commands")  # it may hold a password
    return found


def smtp_url(where: str, value: Any) -> str:
    """The URL of a mail server; never shown, it may hold a password."""
    from urllib.parse import urlsplit

    found = text(where, "…" if not isinstance(value, str) else value)
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
        usable = usable and parts.path in ("", "/") and not parts.query and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise wrong(where, "…", "a URL such as smtp://user:password@mail.example.org:587 or smtps://mail.example.org")
    return found


def mail_sender(where: str, value: Any) -> str:
    """Who messages are from: an address, with or without a name."""
    from email.utils import parseaddr

    found = text(where, value)
    address = parseaddr(found)[1]
    if not found.isprintable() or address.count("@") != 1 or address[0] == "@" or address[-1] == "@":
        raise wrong(where, value, "an address such as runlake@example.org or runlake <runlake@example.org>")
    return found


def secret(where: str, value: Any) -> str:
    """A key that cannot be guessed; never shown."""
    if not isinstance(value, str) or len(value.strip()) < 16:
        raise wrong(where, "…", "a text of 16 or more characters, chosen at random")
    return value


def hours(where: str, value: Any) -> float:
    """A number above 0."""
    number = seconds(where, value)
    if number <= 0:
        raise wrong(where, value, "a number above 0")
    return number


def timezone(where: str, value: Any) -> str:
    """The name of a time zone."""
    from zoneinfo import ZoneInfo

    name = text(where, value)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise wrong(where, value, "an IANA time zone such as Europe/Berlin") from None
    return name


def payloads(where: str, value: Any) -> str:
    """A payload policy."""
    if value not in PAYLOAD_POLICIES:
        raise wrong(where, value, "keep, redact or drop")
    return str(value)


def keys(where: str, value: Any) -> tuple[str, ...]:
    """Key names: a list, or a comma list."""
    return _list(where, value, 'a list of key names such as ["pin", "iban"]')


def hosts(where: str, value: Any) -> tuple[str, ...]:
    """Host names: a list, or a comma list."""
    allowed = 'a list of host names such as ["runlake.example.com", "*.example.org"], without scheme and port'
    found = _list(where, value, allowed)
    if any("/" in host or (":" in host and not host.startswith("[")) for host in found):
        raise wrong(where, value, allowed)
    return tuple(host.lower() for host in found)


def origins(where: str, value: Any) -> tuple[str, ...]:
    """Web origins: a list, or a comma list."""
    allowed = 'a list of origins such as ["https://dashboard.example.com"]'
    found = _list(where, value, allowed)
    for origin in found:
        scheme, separator, rest = origin.partition("://")
        if scheme not in ("http", "https") or not separator or not rest or "/" in rest or "*" in rest:
            raise wrong(where, value, allowed)
    return tuple(origin.lower() for origin in found)


def addresses(where: str, value: Any) -> tuple[str, ...]:
    """Addresses or networks: a list, or a comma list."""
    import ipaddress

    allowed = 'a list of addresses or networks such as ["10.0.0.7", "172.16.0.0/12"]'
    found = _list(where, value, allowed)
    for address in found:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            raise wrong(where, value, allowed) from None
    return found


def switch(where: str, value: Any) -> bool:
    """true or false; 1 and 0 in the environment."""
    words = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise wrong(where, value, "true or false")


def log_format(where: str, value: Any) -> str:
    """How log lines look."""
    if value not in LOG_FORMATS:
        raise wrong(where, value, "logfmt or json")
    return str(value)


def _list(where: str, value: Any, allowed: str) -> tuple[str, ...]:
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) and one.strip() for one in found):
        raise wrong(where, value, allowed)
    return tuple(one.strip() for one in found)


def retention(where: str, value: Any) -> dict[str, int | None]:
    """Days by table name."""
    if not isinstance(value, dict):
        raise wrong(where, value, "a table with days for " + ", ".join(RETAINED))
    kept = default_retention()
    for table, days in value.items():
        if table not in RETAINED:
            raise unknown(f"{where}.{table}", table, RETAINED)
        kept[table] = whole(0)(f"{where}.{table}", days) or None
    return kept


def options(where: str, value: Any) -> dict[str, str]:
    """A table of texts, kept secret."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise wrong(where, "…", "a table of texts")  # the values are credentials: never shown
    return dict(value)


def wrong(where: str, value: Any, allowed: str) -> BadInputError:
    """The refusal of a value."""
    return BadInputError(f"{where} is {value!r}; allowed is {allowed}", field=where, value=value)


def unknown(where: str, key: str, known: Sequence[str]) -> BadInputError:
    """The refusal of a key, with the one that was meant."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return BadInputError(f"there is no setting {where}; there are {', '.join(known)}{hint}", field=where, value=key)
