"""A PostgreSQL cluster in a folder that is kept: made once, started and stopped for each question."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.fixtures.postgres import other_user, server_bin

SETTINGS: Final = {
    "listen_addresses": "''",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "maintenance_work_mem": "512MB",
    "work_mem": "64MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "max_connections": "20",
    "timezone": "'UTC'",
}
"""What a careful person sets on a laptop; all else as it comes."""


def make(folder: Path) -> None:
    """An empty cluster in `folder`, which must be reachable for the user that PostgreSQL runs as."""
    folder.mkdir(parents=True)
    user, group = _user()
    if user is not None:
        shutil.chown(folder, user, group)
    folder.chmod(0o700)
    _run(folder, "initdb", "-D", str(folder), "-U", "n8n", "-A", "trust", "-E", "UTF8")
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The server of the cluster; gives what psycopg connects with."""
    user, group = _user()
    with tempfile.TemporaryDirectory(prefix="runlake-bench-pg-", dir="/tmp") as socket:
        Path(socket).chmod(0o755)  # the server makes its socket here, we connect to it
        if user is not None:
            shutil.chown(socket, user, group)
        log = f"{socket}/log"
        _run(folder, "pg_ctl", "-D", str(folder), "-l", log, "-w", "-t", "120", "-o", f"-k {socket}", "start")
        try:
            yield f"host={socket} user=n8n dbname=postgres"
        finally:
            _run(folder, "pg_ctl", "-D", str(folder), "-w", "-m", "fast", "stop")


def server_pid(folder: Path) -> int:
    """The process id of the running server."""
    return int((folder / "postmaster.pid").read_text("utf-8").split()[0])


def _user() -> tuple[str | None, int | None]:
    return other_user() if os.geteuid() == 0 else (None, None)


def _run(folder: Path, program: str, *arguments: str) -> None:
    user, group = _user()
    # Not captured through pipes: the server that pg_ctl leaves behind would hold them open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [str(server_bin() / program), *arguments],
            cwd="/",
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
        if done.returncode:
            said.seek(0)
            text = said.read().decode("utf-8", "replace").strip()
            raise RuntimeError(f"{program} of {folder} failed; can {user or 'this user'} reach the folder? {text}")
