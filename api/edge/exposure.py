"""Who can reach the server, and what follows from it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from warehouse.errors import BadInputError

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one server is exposed. The default is the strictest: tokens for everything."""

    no_auth: bool = False
    """Nobody is asked for a token."""
    hosts: tuple[str, ...] = ()
    """Names a request may be addressed to; `*.name` for all below a name. Empty: any."""
    any_address: bool = False
    """Whether a bare IP address is a good name too (no page elsewhere can have one for its own)."""
    open_metrics: bool = False
    """Whether /metrics and /openapi.json need no token."""

    def answers_for(self, host: str) -> bool:
        """Whether a Host header (without its port, lower case) is one of ours."""
        if not self.hosts or "*" in self.hosts or host in self.hosts:
            return True
        if any(name.startswith("*.") and host.endswith(name[1:]) for name in self.hosts):
            return True
        return self.any_address and _address(host) is not None


def exposure_of(
    host: str,
    *,
    no_auth: bool,
    allowed_hosts: tuple[str, ...] = (),
    behind_proxy: bool = False,
    public_metrics: bool = False,
) -> Exposure:
    """The exposure of a server that listens on `host`.

    Records are nobody's business: without tokens only this machine is served. Raises BadInputError with what to type.
    """
    loopback = is_loopback(host)
    if no_auth and not loopback:
        raise BadInputError(
            f"--no-auth is accepted on loopback only, --host is {host!r}; allowed: 127.0.0.1, ::1, localhost "
            "(leave --no-auth out to serve others with tokens)",
            field="host",
            value=host,
        )
    if no_auth and behind_proxy:
        raise BadInputError(
            "--no-auth serves this machine only, and trusted_proxies says that a proxy brings others; leave one out",
            field="trusted_proxies",
        )
    shown = f"[{host}]" if ":" in host else host.lower()
    address = _address(shown)
    wildcard = address is not None and address.is_unspecified
    own = () if wildcard else (shown,)
    return Exposure(
        no_auth=no_auth,
        hosts=tuple(dict.fromkeys((*LOOPBACK_HOSTS, *own, *allowed_hosts))),
        any_address=wildcard,
        open_metrics=no_auth or public_metrics or (loopback and not behind_proxy),
    )


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine, whatever it resolves to elsewhere."""
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
