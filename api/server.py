"""`runlake serve`: uvicorn around the app."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

import warehouse
from api.app import create_app
from api.guard import LOOPBACK_HOSTS
from warehouse.errors import BadInputError

if TYPE_CHECKING:
    from api.config import Config


def check_exposure(host: str, *, no_auth: bool) -> None:
    """Records are nobody's business: without tokens only this machine is served, and only when that is said.

    Raises BadInputError with what to type.
    """
    if not no_auth:
        raise BadInputError(
            "serve has no tokens in this release, so it serves this machine only and wants that said: "
            "run `runlake serve --no-auth`",
            field="no_auth",
        )
    if not is_loopback(host):
        raise BadInputError(
            f"--no-auth is accepted on loopback only, --host is {host!r}; allowed: 127.0.0.1, ::1, localhost "
            "(put an authenticating proxy in front to serve others)",
            field="host",
            value=host,
        )


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine, whatever it resolves to elsewhere."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run_server(config: Config, host: str, port: int, on_listening: Callable[[str], None]) -> None:
    """Serve until a signal; `on_listening` is told the base URL.

    Raises LakeNotFoundError before it listens, OSError when the port is taken.
    """
    warehouse.open(
        config.lake, config.lake_settings()
    ).close()  # an error now is one line; later it would be a traceback of the server
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with listener:
        try:
            listener.bind((host, port))
            listener.listen(128)  # from here on a client that was told the address can connect
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {host} port {port}: {error.strerror}") from error
        shown = f"[{host}]" if ":" in host else host
        app = create_app(config, allowed_hosts=tuple(dict.fromkeys((*LOOPBACK_HOSTS, shown.lower()))))
        url = f"http://{shown}:{listener.getsockname()[1]}"
        _Server(
            uvicorn.Config(app, log_level="warning", server_header=False, lifespan="on"), lambda: on_listening(url)
        ).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says that it listens once it handles signals, so that a Ctrl-C right after is a quiet end."""

    def __init__(self, config: uvicorn.Config, on_startup: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_startup = on_startup

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, and then the word."""
        await super().startup(sockets)
        self._on_startup()
