"""A server as a process of its own, which can be killed."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from tests.api.command import PROCESS, environment

_URL = re.compile(r"http://127\.0\.0\.1:\d+")


class ServerProcess:
    """`runlake serve --no-auth` over a lake in `folder`, which is made when it is not there."""

    def __init__(self, folder: Path, hot_url: str, environ: Mapping[str, str] | None = None, *options: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        arguments = ["serve", "--no-auth", "--create", "--port", "0", "--lake", str(folder / "lake")]
        self._process = subprocess.Popen(
            [*PROCESS, *arguments, "--hot-url", hot_url, *options],
            cwd=folder,
            env=environment(folder, {"PYTHONPATH": str(Path.cwd()), **(environ or {})}),
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        self.url = self._wait_for_url()

    def client(self) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def kill(self) -> None:
        """As a loss of power does to a process."""
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """As an operator does."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def output(self) -> str:
        """What it has printed and logged."""
        self._output.seek(0)
        return self._output.read().decode("utf-8", "replace")

    def _wait_for_url(self) -> str:
        deadline_s = time.monotonic() + 60
        while (found := _URL.search(self.output())) is None:
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < deadline_s, self.output()
            time.sleep(0.05)
        return found[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
        self._output.close()
