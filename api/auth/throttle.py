"""Failed attempts, counted by address: a few are forgiven, many must wait. Bounded memory, one process."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FORGIVEN: Final = 10
"""Failed attempts in a row that an address may make."""
FORGIVEN_EVERY_S: Final = 6.0
"""After so long one more."""
ADDRESSES: Final = 10_000
"""Most addresses that are remembered; beyond it the one is forgotten that failed longest ago."""


class Throttle:
    """A bucket of attempts for each address; for one event loop."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str | None) -> int:
        """Whole seconds until the address may try again; 0: now."""
        left = self._left_of(_group(address))
        return 0 if left >= 1 else math.ceil((1 - left) * FORGIVEN_EVERY_S)

    def failed(self, address: str | None) -> None:
        """Count a failed attempt."""
        group = _group(address)
        self._left[group] = (max(self._left_of(group) - 1, 0.0), self._clock_s())
        self._left.move_to_end(group)
        while len(self._left) > ADDRESSES:
            self._left.popitem(last=False)

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._left)

    def _left_of(self, group: str) -> float:
        left, at_s = self._left.get(group, (float(FORGIVEN), 0.0))
        return min(left + (self._clock_s() - at_s) / FORGIVEN_EVERY_S, float(FORGIVEN))


def _group(address: str | None) -> str:
    """An IPv6 client has 2^64 addresses of its own: its network counts as one."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
