"""From a host's name to connections: looked up once, all addresses checked, then connected to those very addresses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, Final

import httpcore

from api.webhooks.addresses import AddressRefusedError, AddressRules, check_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses as texts, the preferred first. Raises OSError."""

_LOOKUPS: Final = 32
_ADDRESSES_TRIED: Final = 4


def addresses_of(host: str, port: int) -> list[str]:
    """The system's answer, which may take many seconds. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host!r} is no name of a host") from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class SystemResolver:
    """The names as this machine knows them. Its own threads, and one look-up a name at a time: a name server that
    hangs holds up one name only.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, "webhook-names")
        self._asked: dict[str, asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """See Resolve."""
        asked = self._asked.get(host)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, addresses_of, host, port)
            self._asked[host] = asked
            asked.add_done_callback(lambda done: (self._asked.pop(host, None), done.cancelled() or done.exception()))
        return await asyncio.shield(asked)

    def close(self) -> None:
        """End the threads that are not at work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def check_all(host: str, addresses: Sequence[str], rules: AddressRules) -> None:
    """Raises AddressRefusedError unless every address of a host may be called: one bad one is a trap."""
    if not addresses:
        raise AddressRefusedError(f"the host {host[:253]} has no address")
    for address in addresses:
        check_address(address, rules)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections for an HTTP client to checked addresses only; TLS still asks for the host's own name."""

    def __init__(self, resolve: Resolve, rules: AddressRules) -> None:
        self._resolve = resolve
        self._rules = rules
        self._below = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefusedError, OSError, httpcore.ConnectError, httpcore.ConnectTimeout."""
        name = host.strip("[]")
        try:
            addresses: Sequence[str] = [str(ip_address(name))]
        except ValueError:
            addresses = await self._resolve(name, port)
        check_all(name, addresses, self._rules)
        failed: Exception | None = None
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return await self._below.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        assert failed is not None
        raise failed

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise AddressRefusedError("no webhook leads to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
