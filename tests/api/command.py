"""Runs the command as a user does: in a folder, with an environment, its streams caught."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from api.cli import main

PROCESS = (sys.executable, "-W", "error", "-c", "import sys; from api.cli import main; sys.exit(main())")
"""The command as a process of its own, where that matters (signals, pipes, terminals)."""


@dataclass(frozen=True)
class Done:
    """The outcome."""

    returncode: int
    stdout: str
    stderr: str


def environment(cwd: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """That of the tests without settings of the person who runs them, and without their home."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RUNLAKE_")}
    return {**own, "HOME": str(cwd), "XDG_CONFIG_HOME": str(cwd / "config"), **environ}


def run(cwd: Path, *arguments: str, stdin: str | bytes | None = None, environ: Mapping[str, str] | None = None) -> Done:
    """Outcome of `runlake ARGUMENTS` in that folder."""
    data = stdin.encode() if isinstance(stdin, str) else stdin or b""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        contextlib.chdir(cwd),
        mock.patch.dict(os.environ, environment(cwd, environ or {}), clear=True),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8")),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = main(arguments)
    texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return Done(status, *texts)
