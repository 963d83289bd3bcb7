"""Where a webhook may lead: no address inside the network of the server, whatever name or notation it comes by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from warehouse.errors import RunlakeError

URL_CHARS: Final = 2000
URL_PATTERN: Final = r"^https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?([/?][!-\"$-~]*)?$"
"""No user or password, no fragment, nothing that has to be quoted."""

Address = IPv4Address | IPv6Address

_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        *("169.254.169.254", "169.254.170.2", "169.254.169.253", "100.100.100.200", "192.0.0.192"),
        *("fd00:ec2::254", "fd20:ce::254"),
    )
)
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE: Final = IPv6Network("::/96")
_SHARED: Final = IPv4Network("100.64.0.0/10")
_SITE_LOCAL: Final = IPv6Network("fec0::/10")


class AddressRefusedError(RunlakeError):
    """A webhook may not lead there; the message says why."""


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What the settings allow."""

    private: bool = False
    """Addresses of private networks, of this machine, and link-local ones."""
    http: bool = False
    """URLs that are not https."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts."""

    host: str
    """Without brackets."""
    port: int


def target_of(url: str, rules: AddressRules) -> Target:
    """The parts of a URL that may be called; the addresses of its host are checked apart.

    Raises AddressRefusedError for what is no URL, and for http where it is not allowed.
    """
    if len(url) > URL_CHARS or not re.fullmatch(URL_PATTERN, url):
        raise AddressRefusedError(
            f"url must be https://host[:port][/path][?query] of at most {URL_CHARS} characters, without user, password "
            "and fragment"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefusedError("the url has no valid host or port; a port is 1 to 65535") from None
    if not host or port == 0:
        raise AddressRefusedError("the url must name a host, and a port from 1 to 65535 if any")
    if parts.scheme != "https" and not rules.http:
        raise AddressRefusedError(
            "the url begins with http://; https:// is wanted (the setting webhook_http allows both)"
        )
    return Target(host, port or (443 if parts.scheme == "https" else 80))


def check_address(text: str, rules: AddressRules) -> None:
    """Raises AddressRefusedError for an address that no webhook may lead to.

    Always refused: metadata services, multicast, broadcast, unspecified and reserved ones. Unless `rules.private`: all
    that are not of the public Internet. An IPv4 address inside an IPv6 one is looked at too.
    """
    address = ip_address(text.partition("%")[0])
    for one in (address, *_inside(address)):
        kind = _never(one) or (None if rules.private else _not_public(one))
        if kind is not None:
            hint = " (the setting webhook_private allows these)" if _never(one) is None else ""
            raise AddressRefusedError(f"the address {address} is {kind}; no webhook may lead there{hint}")


def _never(address: Address) -> str | None:
    if address in _METADATA:
        return "that of a metadata service"
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified:
        return "unspecified"
    if address.is_loopback:  # ::1 counts as reserved too
        return None
    return "reserved" if address.is_reserved and not _holds_ipv4(address) else None


def _not_public(address: Address) -> str | None:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address in _SHARED or address in _SITE_LOCAL or address.is_private or not address.is_global:
        return None if _holds_ipv4(address) else "private"
    return None


def _holds_ipv4(address: Address) -> bool:
    return bool(_inside(address))


def _inside(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 one stands for: mapped, compatible, translated, 6to4, Teredo."""
    if not isinstance(address, IPv6Address) or address.is_loopback or address.is_unspecified:
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _COMPATIBLE or any(address in network for network in _NAT64):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()
