"""`runlake serve`: uvicorn around the app, in one process or several."""

from __future__ import annotations

import logging.config
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess

import warehouse
from api.edge.exposure import Exposure, exposure_of
from api.edge.logs import log_config
from api.edge.protocol import protocol_options
from warehouse.errors import RunlakeError
from warehouse.hot.database import Database
from warehouse.hot.tokens import create_first_token

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.config import Config

SHUTDOWN_S: Final = 30
"""How long requests that are being answered may still take after a signal."""
SWITCH_S: Final = 0.001
"""How long a thread may keep the interpreter while the event loop waits for it. The default is 5 ms, which subscribers
of the stream would wait several times over whenever records come in."""
FILES: Final = 20_000
"""Files and connections a process may have open, where the system lets it."""
FIRST_TOKEN: Final = "admin"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AppFactory:
    """Makes the app in a worker process; goes there by pickling."""

    config: Config
    exposure: Exposure
    multiprocess_folder: str | None = None

    def __call__(self) -> FastAPI:
        """The app."""
        from api.app import create_app

        sys.setswitchinterval(SWITCH_S)
        return create_app(self.config, self.exposure, multiprocess_folder=self.multiprocess_folder)


def serve(
    config: Config,
    host: str,
    port: int,
    *,
    no_auth: bool,
    workers: int,
    create: bool,
    on_listening: Say,
    on_first_token: Say,
) -> None:
    """Serve until a signal; finishes what is being answered first.

    `on_listening` is told the base URL, `on_first_token` the admin token that is made where there never was one.
    Raises what is wrong before it listens: BadInputError, LakeNotFoundError, HotStoreError, OSError (port in use).
    """
    exposure = exposure_of(
        host,
        no_auth=no_auth,
        allowed_hosts=config.allowed_hosts,
        behind_proxy=bool(config.trusted_proxies),
        public_metrics=config.public_metrics,
    )
    _allow_many_files()
    with _listening(host, port) as listener:
        # Now an error is one line; in a worker it would be a traceback.
        warehouse.open(config.lake, config.lake_settings(), create=create).close()
        first = prepare(config, no_auth=no_auth)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}"

        def say() -> None:
            on_listening(url)
            if first is not None:
                on_first_token(first)

        if workers == 1:
            logging.config.dictConfig(log_config(config.log_format))
            _Server(_uvicorn_config(AppFactory(config, exposure), config), say).run(sockets=[listener])
            return
        with _counting_together() as folder:
            uvicorn_config = _uvicorn_config(AppFactory(config, exposure, folder), config, workers=workers)
            supervisor = _Supervisor(uvicorn_config, listener, folder, say)
            supervisor.run()


def _allow_many_files() -> None:
    """Every subscriber is an open file; what a shell allows at first is often 1,024 of them."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def prepare(config: Config, *, no_auth: bool) -> str | None:
    """Bring the hot store to this release, and make the first admin token where there never was a token.

    The token's text; None: there is or was one, or nobody needs one.
    """
    database = Database.open(config.hot_url_or_default())
    try:
        made = None if no_auth else create_first_token(database, FIRST_TOKEN, ["admin"])
    finally:
        database.close()
    return None if made is None else made[1]


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise OSError(error.errno, f"cannot listen on {host}: {error.strerror}") from error
    # With the protocol named asyncio turns Nagle's algorithm off; with it each answer would wait 40 ms for an ACK.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.set_inheritable(True)
        try:
            listener.bind(address)
            listener.listen(1024)  # from here on a client that was told the address can connect
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {host} port {port}: {error.strerror}") from error
        yield listener


def _uvicorn_config(factory: AppFactory, config: Config, *, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        factory,
        factory=True,
        workers=workers,
        **protocol_options(),
        lifespan="on",
        log_config=log_config(config.log_format) if workers > 1 else None,
        log_level="warning",
        access_log=False,  # ours says more, and no secrets
        server_header=False,
        # A header that anybody can send is believed of nobody else.
        proxy_headers=bool(config.trusted_proxies),
        forwarded_allow_ips=list(config.trusted_proxies),
        timeout_graceful_shutdown=SHUTDOWN_S,
        timeout_worker_healthcheck=30,
    )


class _Server(uvicorn.Server):
    """Says that it listens once it handles signals, so that a Ctrl-C right after is a quiet end."""

    def __init__(self, config: uvicorn.Config, on_startup: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_startup = on_startup

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, and then the word."""
        await super().startup(sockets)
        self._on_startup()


class _Supervisor(Multiprocess):
    """Worker processes on one socket; one that dies is replaced, and no longer counted as having requests."""

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, folder: str, on_startup: Callable[[], None]
    ) -> None:
        super().__init__(config, [listener])
        self._folder = folder
        self._on_startup = on_startup
        self._interrupted = False

    def init_processes(self) -> None:
        """As uvicorn's; says that it serves once every worker does."""
        super().init_processes()
        if all(worker.wait_until_ready(60, self.should_exit) for worker in self.processes):
            self._on_startup()

    def keep_subprocess_alive(self) -> None:
        """As uvicorn's."""
        before = {worker.pid for worker in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {worker.pid for worker in self.processes}:
            _forget_worker(self._folder, pid)

    def handle_int(self) -> None:
        """Ctrl-C ends it with the status of one."""
        self._interrupted = True
        super().handle_int()

    def run(self) -> None:
        """Serve until a signal. Raises KeyboardInterrupt after Ctrl-C, RunlakeError when a worker cannot start."""
        super().run()
        if self._interrupted:
            raise KeyboardInterrupt
        if any(worker.exitcode == 3 for worker in self.processes):
            raise RunlakeError("a worker process could not start; the lines above say why")


@contextmanager
def _counting_together() -> Iterator[str]:
    """A folder in which the workers count together; prometheus-client looks for its name in the environment."""
    from api.metrics import MULTIPROCESS_VARIABLE

    folder = tempfile.mkdtemp(prefix="runlake-metrics-")
    os.environ[MULTIPROCESS_VARIABLE] = folder
    try:
        yield folder
    finally:
        os.environ.pop(MULTIPROCESS_VARIABLE, None)
        shutil.rmtree(folder, ignore_errors=True)


def _forget_worker(folder: str, pid: int | None) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    if pid is not None:
        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
