"""kill -9 of the server at random moments under load: what was acknowledged is there once, readers are never wrong."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.fixtures.served_process import ServedProcess, run_command, start
from tests.soak.clients import Crew, Reader, Writer
from tests.soak.ledger import Ledger
from tests.soak.recount import recount

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
KILLS = 5 if SCALE == 1 else 10 * SCALE
"""Of each database; 200 in `make soak`."""
SEED = int(os.environ.get("RUNLAKE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
_WRITES = 60
"""Most writes before a kill."""
_WRITERS = 3
_READERS = 2


@pytest.mark.slow
def test_what_was_acknowledged_survives_kill_9(hot_url: str, tmp_path: Path) -> None:
    print(f"again with RUNLAKE_TEST_SEED={SEED}")
    draw = random.Random(SEED)
    ledger = Ledger()
    writers = [Writer(f"w{number}", ledger, draw.getrandbits(32)) for number in range(_WRITERS)]
    readers = [Reader(ledger, lambda: list(ledger.sure())[-500:], draw.getrandbits(32)) for _ in range(_READERS)]
    lake, log = tmp_path / "lake", tmp_path / "serve.log"
    settings = {"hot_url": hot_url, "seal_rows": 150, "seal_age_s": 0.3}

    server = start(lake, log, "--create", settings=settings)
    try:
        for _ in range(KILLS):
            _load(server, writers, readers, draw)
            server.kill_gone()
            server = start(lake, log, token=server.token, settings=settings)
            recount(server.client(), ledger, draw)
    finally:
        server.kill_gone()
        print(server.complaints())
    asked = sum((writer.asked for writer in writers), sum((reader.asked for reader in readers), Counter[str]()))
    assert len(ledger.sure()) > 20 * KILLS, f"hardly anything was written: {asked}"
    _sealed(lake, hot_url, log, ledger, draw)


def _load(server: ServedProcess, writers: list[Writer], readers: list[Reader], draw: random.Random) -> None:
    """Work for a while, then SIGKILL in the midst of it."""
    crew = Crew()
    for worker in (*writers, *readers):
        client = server.client()
        crew.start(lambda worker=worker, client=client: worker.act(client))  # type: ignore[misc]
    wanted = sum(writer.asked.total() for writer in writers) + draw.randint(0, _WRITES)
    deadline = time.monotonic() + 20
    while sum(writer.asked.total() for writer in writers) < wanted and time.monotonic() < deadline:
        crew.stop.wait(0.005)
    crew.stop.wait(draw.uniform(0, 0.1))
    server.kill()
    crew.join()


def _sealed(lake: Path, hot_url: str, log: Path, ledger: Ledger, draw: random.Random) -> None:
    """All sealed and compacted it is still the same, and the lake is whole."""
    sealed = run_command("seal", "--lake", lake, settings={"hot_url": hot_url})
    assert sealed.returncode == 0, sealed.stderr
    for verb in ("compact", "verify"):
        done = run_command(verb, "--lake", lake)
        assert done.returncode == 0, done.stdout + done.stderr
    server = start(lake, log, "--no-auth", settings={"hot_url": hot_url})
    try:
        recount(server.client(), ledger, draw)
    finally:
        server.stop()
