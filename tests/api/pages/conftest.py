"""A browser and a served process for a file of tests each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from tests.api.pages.browser import opened_browser
from tests.api.pages.sample import sample
from tests.api.records import load_records
from tests.fixtures.served_process import Client, ServedProcess, serving
from warehouse.clock import now


@dataclass
class Server:
    """A server with the sample in its lake."""

    process: ServedProcess
    client: Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.process.port}"

    @property
    def token(self) -> str:
        assert self.process.token is not None
        return self.process.token


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with opened_browser(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    lake = load_records(folder, sample(now().replace(microsecond=0)))
    with serving(lake, folder / "server.log") as process:
        yield Server(process, process.client())
