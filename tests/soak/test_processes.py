"""Several servers on one lake, with sealing, bulk loads and compaction at once: every count is always right."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from tests.fixtures.served_process import ServedProcess, run_command, start
from tests.soak.clients import Crew, Reader, Writer
from tests.soak.ledger import Ledger
from tests.soak.records import record
from tests.soak.recount import recount

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
SEED = int(os.environ.get("RUNLAKE_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
_LOADS = 2 * SCALE
"""Files that are loaded while the servers work; the test takes as long as that."""
_FILE_RECORDS = 300


@pytest.mark.slow
def test_processes_on_one_lake_are_right_together(hot_url: str, tmp_path: Path) -> None:
    print(f"again with RUNLAKE_TEST_SEED={SEED}")
    draw = random.Random(SEED)
    ledger = Ledger()
    lake = tmp_path / "lake"
    settings = {"hot_url": hot_url, "seal_rows": 200, "seal_age_s": 0.5}
    servers: list[ServedProcess] = []
    try:
        servers.append(start(lake, tmp_path / "one.log", "--create", settings=settings))
        # The second has two workers, so there are three processes that would seal.
        flags = ("--workers", "2")
        servers.append(start(lake, tmp_path / "two.log", *flags, token=servers[0].token, settings=settings))
        crew = Crew()
        writers = [Writer(f"w{number}", ledger, draw.getrandbits(32)) for number in range(len(servers))]
        readers = [Reader(ledger, lambda: list(ledger.sure())[-500:], draw.getrandbits(32)) for _ in servers]
        bulk = _Bulk(Writer("bulk", ledger, draw.getrandbits(32)), ledger, tmp_path, lake, hot_url)
        crew.start(_alternating(writers[0], servers))
        crew.start(_alternating(writers[1], servers[::-1]))
        for reader, server in zip(readers, servers, strict=True):
            client = server.client()
            crew.start(lambda reader=reader, client=client: reader.act(client))  # type: ignore[misc]
        crew.start(bulk.act)
        while bulk.loads < _LOADS and not crew.failures:
            time.sleep(0.05)
        crew.join()
        for server in servers:
            recount(server.client(), ledger, draw)
        _sealed_too(lake, hot_url, servers, ledger, draw)
        asked = sum((writer.asked for writer in writers), sum((reader.asked for reader in readers), Counter[str]()))
        assert len(ledger.sure()) > _LOADS * _FILE_RECORDS // 2, f"hardly anything was written: {asked}"
    finally:
        for server in servers:
            print(server.complaints())
            server.kill_gone()


def _alternating(writer: Writer, servers: list[ServedProcess]) -> Callable[[], None]:
    """The writer's act, each on another server than the one before: what it wrote there is seen here."""
    clients = [server.client() for server in servers]
    turns = cycle(clients)
    return lambda: writer.act(next(turns))


class _Bulk:
    """`runlake ingest` of files with new records and newer states of known ones, then `runlake compact`."""

    def __init__(self, writer: Writer, ledger: Ledger, folder: Path, lake: Path, hot_url: str) -> None:
        self._writer, self._ledger, self._folder, self._lake = writer, ledger, folder, lake
        self._settings = {"hot_url": hot_url}
        self.loads = 0

    def act(self) -> None:
        changes = self._writer.newer(_FILE_RECORDS // 3) | self._writer.changes(_FILE_RECORDS)
        file = self._folder / f"bulk-{self.loads}.ndjson"
        file.write_text("".join(f"{json.dumps(record(id_, state))}\n" for id_, state in changes.items()), "utf-8")
        self._ledger.begin(changes)
        done = run_command("ingest", file, "--lake", self._lake, "--json", settings=self._settings)
        assert done.returncode == 0, done.stderr
        self._ledger.acknowledge(changes)
        done = run_command("compact", "--lake", self._lake, settings=self._settings)
        assert done.returncode == 0, done.stderr
        self.loads += 1


def _sealed_too(lake: Path, hot_url: str, servers: list[ServedProcess], ledger: Ledger, draw: random.Random) -> None:
    """The same after all is sealed and compacted; the lake is whole."""
    for verb in ("seal", "compact", "verify"):
        done = run_command(verb, "--lake", lake, settings={"hot_url": hot_url})
        assert done.returncode == 0, done.stdout + done.stderr
    for server in servers:
        recount(server.client(), ledger, draw)
