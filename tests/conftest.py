"""What holds for all tests: no time limit a loaded machine could trip over, no settings of whoever runs them.

Tests of the hot store take `hot_url` and run on SQLite and on PostgreSQL. Where no PostgreSQL server is installed the
second half is skipped and the run says so; with RUNLAKE_TEST_POSTGRES=required (.ci/run) it fails. The same holds for
tests of pages, which take `chromium`, and RUNLAKE_TEST_CHROMIUM.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fixtures.chromium import ChromiumMissingError, chromium_path
from tests.fixtures.postgres import PostgresMissingError, postgres_cluster, postgres_database, server_bin

settings.register_profile("runlake", deadline=None, print_blob=True)
settings.load_profile("runlake")

for name in [name for name in os.environ if name.startswith("RUNLAKE_") and not name.startswith("RUNLAKE_TEST_")]:
    del os.environ[name]


@pytest.fixture(scope="session")
def postgres_cluster_url() -> Iterator[str]:
    """A throw-away PostgreSQL server, one for each worker of the run."""
    try:
        server_bin()
    except PostgresMissingError as error:
        if os.environ.get("RUNLAKE_TEST_POSTGRES") == "required":
            raise
        pytest.skip(str(error))
    with postgres_cluster() as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a browser."""
    try:
        return chromium_path()
    except ChromiumMissingError as error:
        if os.environ.get("RUNLAKE_TEST_CHROMIUM") == "required":
            raise
        pytest.skip(str(error))


@pytest.fixture
def postgres_url(postgres_cluster_url: str) -> Iterator[str]:
    """An empty PostgreSQL database of this test's own."""
    with postgres_database(postgres_cluster_url) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def hot_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of this test's own: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hot' / 'state.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


_MISSING = {
    "PostgreSQL": "no server is installed (Debian: apt-get install postgresql)",
    "Chromium": "no browser is installed (Debian: apt-get install chromium)",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says at the end when a part of the tests was left out."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for what, how in _MISSING.items():
        skipped = sum(what in reason for reason in reasons)
        if skipped:
            terminalreporter.write_line(f"{skipped} tests on {what} were left out: {how}")
