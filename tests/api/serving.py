"""A server on a free loopback port, in a thread of the test: real sockets, real HTTP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from api.edge.protocol import protocol_options


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the app, while it is served."""
    # The protocol said, so that asyncio turns Nagle off: an answer of two packets would wait 40 ms for an ACK.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, **protocol_options(), log_level="critical", lifespan="on", access_log=False, server_header=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                assert time.monotonic() < deadline, "the server did not start in time"
                time.sleep(0.01)
            base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(30)
